package eni

import (
	"errors"
	"strings"
)

// ErrAmbiguous means that a change was sent and it cannot be told whether it was
// made. errors.Is recognises it in an [*AmbiguousError].
var ErrAmbiguous = errors.New("not known whether the change was made")

// AmbiguousError is a change whose outcome is unknown. errors.Is also finds
// whatever the failure that left it so is, such as [ErrNetwork] or
// [context.Canceled].
type AmbiguousError struct {
	ENI    string
	Fields []string // what could not be found out, as in [FieldChange]
	Reason string   // why looking at the ENI afterwards did not tell
	Hint   string   // how to find out

	cause *Error
}

// Error returns one line that says what is unknown and how to find out.
func (e *AmbiguousError) Error() string {
	return e.ENI + ": it is not known whether the change of " + strings.Join(e.Fields, ", ") + " was made (" + e.Reason +
		"); " + e.Hint + "; setting the same values again does no harm; the request failed with: " + e.cause.Error()
}

// Is reports whether target is [ErrAmbiguous].
func (e *AmbiguousError) Is(target error) bool { return target == ErrAmbiguous }

// Unwrap returns the failure of the request, an [*Error].
func (e *AmbiguousError) Unwrap() error { return e.cause }
