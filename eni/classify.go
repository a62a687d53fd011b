package eni

import "strings"

// classOf sorts a refusal of the ECS API whose code is in no table. The code
// decides before the status: throttling comes as HTTP 400, and HTTP 403 is used
// for wrong states as well as for missing permissions.
func classOf(status int, code string) Class {
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(code, w) {
				return true
			}
		}
		return false
	}
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
		"InvalidTimeStamp", "IllegalTimestamp"), has("AccessKeyDisabled", "InactiveAccessKey"), status == 401:
		return ClassCredentials
	case begins("Forbidden", "AccessDenied", "Unauthorized"), has("NoPermission"):
		return ClassDenied
	case begins("InvalidAction", "InvalidVersion", "UnsupportedHTTPMethod"):
		return ClassInvalid
	case begins("OperationConflict", "LastTokenProcessing"):
		return ClassRetry
	case has("LimitExceed", "QuotaExceed", "CountExceed", "NumberExceed"), begins("Quota"):
		return ClassQuota
	case has("NotSupport", "Unsupported"):
		return ClassUnsupported
	case begins("Incorrect") && has("Status"), has("InvalidEniState", "InvalidEcsState"):
		return ClassState
	case has("NotFound"), status == 404:
		return ClassNotFound
	case begins("Invalid", "Incorrect", "Missing", "Operation", "Dependency"):
		return ClassInvalid
	case status == 403:
		return ClassDenied
	default:
		return ClassInvalid
	}
}

// hintFor is the remedy for a refusal whose code is in no table.
func hintFor(class Class, action, code string) string {
	switch {
	case class == ClassDenied:
		return strings.ReplaceAll(remedyGrant, "{action}", action)
	case class == ClassCredentials && strings.Contains(strings.ToLower(code), "timestamp"):
		return remedyClock
	case class == ClassCredentials:
		return remedyKeys
	case class == ClassThrottled:
		return "the limit is shared by the whole account in this region; it is tried again later"
	default:
		return ""
	}
}

// Denial is what the cloud says of a missing permission, as far as it says
// anything (AccessDeniedDetail). Its EncodedDiagnosticMessage is left out: it is
// long, and says the same to who may decode it.
type Denial struct {
	Action        string // ecs:ModifyNetworkInterfaceAttribute
	Resource      string // acs:ecs:cn-hangzhou:123:eni/eni-1
	Principal     string // the user's id, or role:session
	PrincipalType string // SubUser, AssumedRoleUser, …
	Reason        string // NoPermissionType: ImplicitDeny or ExplicitDeny
	Policy        string // PolicyType, such as AccountLevelIdentityBasedPolicy
}

// denial reads AccessDeniedDetail; nil if there is none, or nothing in it.
func denial(f *fields, hide secrets) *Denial {
	o := f.object("AccessDeniedDetail")
	if o == nil {
		return nil
	}
	text := func(name string) string { return shorten(hide.scrub(o.text(name)), maxDenialText) }
	d := Denial{
		Action:        text("AuthAction"),
		Resource:      text("AuthResource"),
		Principal:     text("AuthPrincipalDisplayName"),
		PrincipalType: text("AuthPrincipalType"),
		Reason:        text("NoPermissionType"),
		Policy:        text("PolicyType"),
	}
	if d == (Denial{}) {
		return nil
	}
	return &d
}

// maxDenialText bounds each text of a Denial.
const maxDenialText = 160

// String says it in one line: "ecs:TagResources on acs:ecs:…: ImplicitDeny by …
// for SubUser 2077…"; "" for nil.
func (d *Denial) String() string {
	if d == nil {
		return ""
	}
	var b strings.Builder
	b.WriteString("denied")
	for _, part := range []struct{ before, text string }{
		{" ", d.Action}, {" on ", d.Resource}, {": ", d.Reason}, {" by ", d.Policy}, {" for ", strings.TrimSpace(d.PrincipalType + " " + d.Principal)},
	} {
		if part.text != "" {
			b.WriteString(part.before + part.text)
		}
	}
	return b.String()
}

// remedy is what helps, more exactly than the usual words.
func (d *Denial) remedy(usual string) string {
	if d.Reason == "ExplicitDeny" {
		return "a RAM policy denies it explicitly, so that granting does not help: remove that Deny statement"
	}
	if d.Action == "" {
		return usual
	}
	grant := "grant " + d.Action
	if d.Resource != "" {
		grant += " on " + d.Resource
	}
	return grant + " to the RAM role or user whose credentials are used"
}
