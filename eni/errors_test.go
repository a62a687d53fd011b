package eni

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRefusalsAreSortedByCodeBeforeStatus(t *testing.T) {
	for _, tt := range []struct {
		status int
		code   string
		want   Class
	}{
		{400, "Throttling", ClassThrottled},
		{400, "Throttling.User", ClassThrottled},
		{403, "Rejected.Throttling", ClassThrottled},
		{429, "TooMany", ClassThrottled},
		{403, "Forbidden.RAM", ClassDenied},
		{403, "NoPermission", ClassDenied},
		{400, "AccessDenied", ClassDenied},
		{403, "UnauthorizedOperation", ClassDenied},
		{403, "SomethingNew", ClassDenied},
		{403, "InvalidOperation.InvalidEniState", ClassState},
		{403, "IncorrectInstanceStatus", ClassState},
		{404, "InvalidAccessKeyId.NotFound", ClassCredentials},
		{400, "InvalidAccessKeyId.Inactive", ClassCredentials},
		{400, "SignatureDoesNotMatch", ClassCredentials},
		{400, "IncompleteSignature", ClassCredentials},
		{400, "InvalidTimeStamp.Expired", ClassCredentials},
		{400, "InvalidSecurityToken.Expired", ClassCredentials},
		{401, "Whatever", ClassCredentials},
		{404, "InvalidEniId.NotFound", ClassNotFound},
		{404, "Whatever", ClassNotFound},
		{404, "InvalidAction.NotFound", ClassInvalid},
		{400, "InvalidParameter", ClassInvalid},
		{400, "SignatureNonceUsed", ClassInvalid},
		{409, "OperationConflict", ClassRetry},
		{500, "InternalError", ClassServer},
		{400, "InternalError", ClassServer},
		{503, "ServiceUnavailable", ClassServer},
		{502, "Forbidden", ClassServer},
	} {
		if got := classOf(tt.status, tt.code); got != tt.want {
			t.Errorf("HTTP %d %s: %v, want %v", tt.status, tt.code, got, tt.want)
		}
	}
}

func TestEveryClassHasAWordAndASentinelOfItsOwn(t *testing.T) {
	words, sentinels := make(map[string]bool), make(map[error]bool)
	for c := ClassThrottled; c <= ClassCanceled; c++ {
		err := fmt.Errorf("outer: %w", &Error{Action: "A", Class: c})
		if !errors.Is(err, c.sentinel()) {
			t.Errorf("%v is not its sentinel", c)
		}
		words[c.String()], sentinels[c.sentinel()] = true, true
	}
	if len(words) != int(ClassCanceled) || len(sentinels) != int(ClassCanceled) {
		t.Errorf("%d words and %d sentinels for %d classes", len(words), len(sentinels), int(ClassCanceled))
	}
	if got := Class(0).String(); got != "Class(0)" || Class(0).sentinel() != nil {
		t.Errorf("the zero class is %s", got)
	}
}

func TestErrorTellsTheCloudsWordsAndTheRemedyInOneLine(t *testing.T) {
	for _, tt := range []struct {
		err  Error
		want string
	}{
		{Error{Action: "DescribeNetworkInterfaces", Code: "Forbidden.RAM", Message: "User not authorized.", RequestID: "R", HTTPStatus: 403,
			Class: ClassDenied, Hint: hintFor(ClassDenied, "DescribeNetworkInterfaces", "")},
			"DescribeNetworkInterfaces: Forbidden.RAM: User not authorized (denied, HTTP 403, request id R); " +
				"grant ecs:DescribeNetworkInterfaces to the RAM role or user whose credentials are used"},
		{Error{Action: "A", Class: ClassNetwork, Message: "connection refused", Attempts: 4}, "A: connection refused (network, 4 attempts)"},
		{Error{Action: "A", Code: "InvalidTimeStamp.Expired", Class: ClassCredentials, Hint: hintFor(ClassCredentials, "A", "InvalidTimeStamp.Expired")},
			"A: InvalidTimeStamp.Expired (credentials); check this machine's clock: the cloud accepts 15 minutes of difference"},
	} {
		if d := cmp.Diff(tt.want, tt.err.Error()); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	}
}

func TestACanceledErrorIsTheContextsError(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := ended(ctx, "A", "while waiting")
	if !errors.Is(err, context.Canceled) || !errors.Is(err, ErrCanceled) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

func TestScrubRemovesSecretsInEveryEncoding(t *testing.T) {
	hide := secrets{canarySecret, canaryToken, ""}
	for _, tt := range []struct{ text, want string }{
		{"nothing to hide", "nothing to hide"},
		{"plain " + canarySecret + ".", "plain [redacted]."},
		{"once canaryToken%2Fwith%2Bsigns%3D%3D.", "once [redacted]."},
		{"path canaryToken%2Fwith+signs==.", "path [redacted]."},
		{"twice canaryToken%252Fwith%252Bsigns%253D%253D.", "twice [redacted]."},
		{`Post "https://ecs.example/?AccessKeyId=a&Signature=b": EOF`, `Post "https://ecs.example/?[redacted]": EOF`},
		{"x&Signature=abc%3D&y=1", "x&Signature=[redacted]&y=1"},
		{"SecurityToken%3Dabc%26y", "SecurityToken%3D[redacted]"},
		{`{"SecurityToken": "abc", "x":1}`, `{"SecurityToken": "[redacted]", "x":1}`},
		{"server string to sign is:POST&%2F&AccessKeyId%3Dx", "server string to sign is [redacted]"},
		{"proxy http://user:pass@proxy:1: refused", "proxy http://[redacted]@proxy:1: refused"},
		{"two\nlines\x1b[31m", "two lines [31m"},
		{strings.Repeat("é", 300), strings.Repeat("é", 200) + "…"},
	} {
		if d := cmp.Diff(tt.want, hide.scrub(tt.text)); d != "" {
			t.Errorf("%q (-want +got):\n%s", tt.text, d)
		}
	}
}

func FuzzScrubLeavesNoSecret(f *testing.F) {
	f.Add("a?", "secret/+=", "b")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if len(secret) < 12 || !isToken(secret) || strings.Contains(redacted, secret) {
			t.Skip("no secret")
		}
		got := secrets{secret}.scrub(before + secret + after)
		checkText(t, got)
		if strings.Contains(got, secret) {
			t.Errorf("%q", got)
		}
	})
}
