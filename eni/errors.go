package eni

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Class says what kind of failure an [Error] is, and with it what helps.
// The zero value is invalid.
type Class int

const (
	_ Class = iota
	// ClassThrottled: the cloud refused for now because of request frequency.
	// Limits count per account, region and action and are shared with the
	// console. Retried.
	ClassThrottled
	// ClassRetry: the cloud refused for now for another reason: something else is
	// under way with the same object. Retried.
	ClassRetry
	// ClassDenied: the credentials are good but lack a permission.
	ClassDenied
	// ClassCredentials: no credentials were found, or the cloud does not accept
	// them (unknown key, wrong signature, expired token, clock too far off).
	ClassCredentials
	// ClassNotFound: the object does not exist.
	ClassNotFound
	// ClassInvalid: the request itself is wrong.
	ClassInvalid
	// ClassState: the request is right, and the ENI or its instance is not in a
	// state, or of a kind, in which this can be done.
	ClassState
	// ClassQuota: a limit of the instance type or of the account is reached.
	ClassQuota
	// ClassUnsupported: the region, the account or the instance type does not have
	// this feature.
	ClassUnsupported
	// ClassServer: the cloud failed (HTTP 5xx). Retried.
	ClassServer
	// ClassNetwork: no complete answer arrived: name resolution, connection,
	// TLS, timeout of one attempt or of all, reply cut off. Retried.
	ClassNetwork
	// ClassMalformed: an answer arrived and cannot be understood.
	ClassMalformed
	// ClassCanceled: the caller canceled its context.
	ClassCanceled
)

// Classes lists the classes.
func Classes() []Class {
	var list []Class
	for c := ClassThrottled; c <= ClassCanceled; c++ {
		list = append(list, c)
	}
	return list
}

// String returns a short lower-case word, fit for a metric label.
func (c Class) String() string {
	switch c {
	case ClassThrottled:
		return "throttled"
	case ClassRetry:
		return "retry"
	case ClassDenied:
		return "denied"
	case ClassCredentials:
		return "credentials"
	case ClassNotFound:
		return "notfound"
	case ClassInvalid:
		return "invalid"
	case ClassState:
		return "state"
	case ClassQuota:
		return "quota"
	case ClassUnsupported:
		return "unsupported"
	case ClassServer:
		return "server"
	case ClassNetwork:
		return "network"
	case ClassMalformed:
		return "malformed"
	case ClassCanceled:
		return "canceled"
	default:
		return fmt.Sprintf("Class(%d)", int(c))
	}
}

// retryable says whether the same request can succeed a moment later.
func (c Class) retryable() bool {
	return c == ClassThrottled || c == ClassRetry || c == ClassServer || c == ClassNetwork
}

// The errors that [errors.Is] recognises in an [*Error], one for each [Class].
// ErrState, ErrQuota, ErrUnsupported and ErrRetry are ErrInvalid too: requests
// that are not possible, or not now. An error that comes of the caller's context is, besides, what ctx.Err() was:
// [context.Canceled], or [context.DeadlineExceeded] where the time was up.
var (
	ErrThrottled   = errors.New("throttled by the cloud")
	ErrRetry       = errors.New("refused by the cloud for now")
	ErrDenied      = errors.New("permission denied by the cloud")
	ErrCredentials = errors.New("no valid cloud credentials")
	ErrNotFound    = errors.New("not found in the cloud")
	ErrInvalid     = errors.New("invalid request")
	ErrState       = errors.New("not possible in this state")
	ErrQuota       = errors.New("limit reached")
	ErrUnsupported = errors.New("not supported here")
	ErrServer      = errors.New("cloud server failure")
	ErrNetwork     = errors.New("cloud not reachable")
	ErrMalformed   = errors.New("malformed reply")
	ErrCanceled    = errors.New("canceled")
)

// refusal: one of the classes that ErrInvalid stands for besides its own.
func (c Class) refusal() bool {
	return c == ClassRetry || c == ClassState || c == ClassQuota || c == ClassUnsupported
}

func (c Class) sentinel() error {
	switch c {
	case ClassThrottled:
		return ErrThrottled
	case ClassRetry:
		return ErrRetry
	case ClassDenied:
		return ErrDenied
	case ClassCredentials:
		return ErrCredentials
	case ClassNotFound:
		return ErrNotFound
	case ClassInvalid:
		return ErrInvalid
	case ClassState:
		return ErrState
	case ClassQuota:
		return ErrQuota
	case ClassUnsupported:
		return ErrUnsupported
	case ClassServer:
		return ErrServer
	case ClassNetwork:
		return ErrNetwork
	case ClassMalformed:
		return ErrMalformed
	case ClassCanceled:
		return ErrCanceled
	default:
		return nil
	}
}

// Error is a failed read of the metadata service or a failed ECS API call. All
// its strings are single-line and free of secrets.
//
// errors.Is(err, ErrThrottled), and so on, tells the class; errors.Is also
// finds the cause in a transport error (syscall.ECONNREFUSED, io.ErrUnexpectedEOF).
// The cause itself is not handed out, as its text may quote a signed URL or a
// proxy's password.
type Error struct {
	Action     string // the ECS action, or "metadata PATH"
	Code       string // the cloud's error code; "" when none came
	Message    string // the cloud's message, or ours for a failure on this side
	RequestID  string // the cloud's request id; "" when none came
	Recommend  string // where the cloud's error body points for help; may be ""
	Meaning    string // what the code means, in an operator's words; "" for an unknown code
	Hint       string // our remedy; "" where the message says it all
	HTTPStatus int    // 0 when no answer came
	Class      Class
	Attempts   int     // how often it was tried; 0 counts as 1
	Denial     *Denial // what was denied; nil where the cloud does not say
	// RetryAfter is how long the cloud tells to wait before the next call; 0 where it
	// does not say.
	RetryAfter time.Duration

	cause error
	sent  bool // the request, or a part of it, may have reached the cloud
}

// Error returns one line: action, code, message, class, request id, meaning and
// remedy; for a code that is not known, in place of the last two, the page that
// the cloud recommends.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Action)
	if e.Code != "" {
		b.WriteString(": " + e.Code)
	}
	if e.Message != "" {
		b.WriteString(": " + strings.TrimRight(e.Message, ". "))
	}
	b.WriteString(" (" + e.Class.String())
	if e.HTTPStatus != 0 {
		fmt.Fprintf(&b, ", HTTP %d", e.HTTPStatus)
	}
	if e.RequestID != "" {
		b.WriteString(", request id " + e.RequestID)
	}
	if e.Attempts > 1 {
		fmt.Fprintf(&b, ", %d attempts", e.Attempts)
	}
	b.WriteString(")")
	for _, text := range []string{e.Denial.String(), e.Meaning, e.Hint} {
		if text != "" {
			b.WriteString("; " + text)
		}
	}
	if e.Meaning == "" && e.Code != "" && e.Recommend != "" {
		b.WriteString("; see " + e.Recommend)
	}
	return b.String()
}

// Is reports whether target is the sentinel of e's class, or matches the cause.
func (e *Error) Is(target error) bool {
	return target == e.Class.sentinel() || target == ErrInvalid && e.Class.refusal() || e.cause != nil && errors.Is(e.cause, target)
}

// ended is for a caller's context that ended first. No answer in the time that
// the caller has is a failure of the network, as is none in an attempt's.
func ended(ctx context.Context, action, during string) *Error {
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &Error{Action: action, Class: ClassNetwork, Message: "the time was up " + during, cause: ctx.Err()}
	}
	return &Error{Action: action, Class: ClassCanceled, Message: ctx.Err().Error() + " " + during, cause: ctx.Err()}
}

func invalid(action, format string, args ...any) *Error {
	return &Error{Action: action, Class: ClassInvalid, Message: oneLine(fmt.Sprintf(format, args...))}
}
