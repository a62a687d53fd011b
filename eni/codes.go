package eni

import (
	"slices"
	"strings"
)

// Code is what is known of an error code of the ECS API.
type Code struct {
	// Name is the code, such as InvalidOperation.InvalidEniState. The cloud uses
	// some names for several things.
	Name string
	// HTTPStatus is the documented status; 0 where several are in use.
	HTTPStatus int
	Class      Class
	// Meaning is one sentence without a full stop, in an operator's words.
	Meaning string
	// Remedy says what to do. {action} stands for the ECS action.
	Remedy string
}

// Codes returns all known codes: those of ModifyNetworkInterfaceAttribute in the
// order of its page, those of the other actions and of the gateway, and the SDK's.
func Codes() []Code {
	return slices.Concat(modifyRequestCodes(), modifyFeatureCodes(), modifyDeniedCodes(), gatewayCodes(), otherCodes())
}

// LookUp finds a code. Of several with one name it is the one with that HTTP
// status, else the first. A code below a known one, such as Throttling.User below
// Throttling, is explained by it unless its class would differ.
func LookUp(httpStatus int, name string) (Code, bool) {
	all := Codes()
	for ; name != ""; name = parent(name) {
		var named []Code
		for _, c := range all {
			if c.Name == name {
				named = append(named, c)
			}
		}
		if i := slices.IndexFunc(named, func(c Code) bool { return c.HTTPStatus == httpStatus }); i >= 0 {
			return named[i], true
		}
		if len(named) > 0 {
			return named[0], true
		}
	}
	return Code{}, false
}

// parent is the code above one of the families whose members all mean the same;
// "" for any other.
func parent(name string) string {
	for _, family := range []string{"Throttling", "Forbidden.RAM", "SignatureDoesNotMatch", "InvalidSecurityToken", "InternalError", "ServiceUnavailable"} {
		if strings.HasPrefix(name, family+".") {
			return family
		}
	}
	return ""
}

// explain fills in what is known of e's code; e.Class is set for every code.
func (e *Error) explain() {
	code, known := LookUp(e.HTTPStatus, e.Code)
	if !known {
		e.Class = classOf(e.HTTPStatus, e.Code)
		e.Hint = hintFor(e.Class, e.Action, e.Code)
		return
	}
	e.Class = code.Class
	e.Meaning = code.Meaning
	e.Hint = strings.ReplaceAll(code.Remedy, "{action}", e.Action)
	if e.Class == ClassDenied && e.Denial != nil {
		e.Hint = e.Denial.remedy(e.Hint)
	}
}
