package eni

import (
	"context"
	"errors"
	"fmt"
	"strings"
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
	// ClassDenied: the credentials are good but lack a permission.
	ClassDenied
	// ClassCredentials: no credentials were found, or the cloud does not accept
	// them (unknown key, wrong signature, expired token, clock too far off).
	ClassCredentials
	// ClassNotFound: the object does not exist.
	ClassNotFound
	// ClassInvalid: the request itself is wrong, or not possible now.
	ClassInvalid
	// ClassServer: the cloud failed (HTTP 5xx). Retried.
	ClassServer
	// ClassNetwork: no complete answer arrived: name resolution, connection,
	// TLS, timeout of one attempt, reply cut off. Retried.
	ClassNetwork
	// ClassMalformed: an answer arrived and cannot be understood.
	ClassMalformed
	// ClassCanceled: the caller's context ended first.
	ClassCanceled
)

// String returns a short lower-case word, fit for a metric label.
func (c Class) String() string {
	switch c {
	case ClassThrottled:
		return "throttled"
	case ClassDenied:
		return "denied"
	case ClassCredentials:
		return "credentials"
	case ClassNotFound:
		return "notfound"
	case ClassInvalid:
		return "invalid"
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
	return c == ClassThrottled || c == ClassServer || c == ClassNetwork
}

// The errors that [errors.Is] recognises in an [*Error], one for each [Class].
// A ClassCanceled error is, besides, what ctx.Err() was: [context.Canceled] or
// [context.DeadlineExceeded].
var (
	ErrThrottled   = errors.New("throttled by the cloud")
	ErrDenied      = errors.New("permission denied by the cloud")
	ErrCredentials = errors.New("no valid cloud credentials")
	ErrNotFound    = errors.New("not found in the cloud")
	ErrInvalid     = errors.New("invalid request")
	ErrServer      = errors.New("cloud server failure")
	ErrNetwork     = errors.New("cloud not reachable")
	ErrMalformed   = errors.New("malformed reply")
	ErrCanceled    = errors.New("canceled")
)

func (c Class) sentinel() error {
	switch c {
	case ClassThrottled:
		return ErrThrottled
	case ClassDenied:
		return ErrDenied
	case ClassCredentials:
		return ErrCredentials
	case ClassNotFound:
		return ErrNotFound
	case ClassInvalid:
		return ErrInvalid
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
	Hint       string // our remedy; "" where the message says it all
	HTTPStatus int    // 0 when no answer came
	Class      Class
	Attempts   int // how often it was tried; 0 counts as 1

	cause error
}

// Error returns one line: action, code, message, class, request id, remedy.
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
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Is reports whether target is the sentinel of e's class, or matches the cause.
func (e *Error) Is(target error) bool {
	return target == e.Class.sentinel() || e.cause != nil && errors.Is(e.cause, target)
}

// classOf sorts a refusal of the ECS API. The code decides before the status:
// throttling comes as HTTP 400, and HTTP 403 is used for wrong states as well as
// for missing permissions.
func classOf(status int, code string) Class {
	has := func(word string) bool { return strings.Contains(code, word) }
	begins := func(words ...string) bool {
		for _, w := range words {
			if strings.HasPrefix(code, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("Throttling"), status == 429:
		return ClassThrottled
	case status >= 500, begins("InternalError", "ServiceUnavailable"):
		return ClassServer
	case begins("InvalidAccessKeyId", "InvalidAccessKeySecret", "SignatureDoesNotMatch", "IncompleteSignature",
		"InvalidSecurityToken", "MissingSecurityToken", "MissingAccessKeyId", "SecurityTokenExpired", "ExpiredToken",
		"InvalidTimeStamp", "IllegalTimestamp"), has("AccessKeyDisabled"), has("InactiveAccessKey"), status == 401:
		return ClassCredentials
	case begins("Forbidden", "AccessDenied", "Unauthorized"), has("NoPermission"):
		return ClassDenied
	case begins("InvalidAction", "InvalidVersion", "UnsupportedHTTPMethod"):
		return ClassInvalid
	case has("NotFound"), status == 404:
		return ClassNotFound
	case begins("Invalid", "Incorrect", "Missing", "Unsupported", "Operation", "Quota", "Dependency"):
		return ClassInvalid
	case status == 403:
		return ClassDenied
	default:
		return ClassInvalid
	}
}

// hintFor is the remedy for a refusal of the ECS API.
func hintFor(class Class, action, code string) string {
	switch {
	case class == ClassDenied:
		return "grant ecs:" + action + " to the RAM role or user whose credentials are used"
	case class == ClassCredentials && strings.Contains(strings.ToLower(code), "timestamp"):
		return "check this machine's clock: the cloud accepts 15 minutes of difference"
	case class == ClassCredentials:
		return "check the RAM role or access key; new credentials are looked up on the next call"
	case class == ClassThrottled:
		return "the limit is shared by the whole account in this region; it is tried again later"
	default:
		return ""
	}
}

func canceled(ctx context.Context, action, during string) *Error {
	return &Error{Action: action, Class: ClassCanceled, Message: ctx.Err().Error() + " " + during, cause: ctx.Err()}
}

func invalid(action, format string, args ...any) *Error {
	return &Error{Action: action, Class: ClassInvalid, Message: oneLine(fmt.Sprintf(format, args...))}
}
