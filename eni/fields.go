package eni

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// fields reads the members of one JSON object by name and tolerates what the
// cloud is known to send: null or nothing where one expects a value, and numbers
// and booleans as strings. A wrong type is recorded in err, with the member's
// path; the first one stays, and reading goes on with zero values.
type fields struct {
	path    string // "" for the outermost object
	members map[string]json.RawMessage
	err     error
	parent  *fields
}

// parseObject reads a whole JSON document that must be an object.
func parseObject(data []byte) (*fields, error) {
	f := &fields{}
	if err := json.Unmarshal(data, &f.members); err != nil {
		if _, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return nil, fmt.Errorf("want an object, got %s", kindOf(data))
		}
		return nil, fmt.Errorf("not valid JSON: %w", err)
	}
	if f.members == nil {
		return nil, errors.New("want an object, got null")
	}
	return f, nil
}

func (f *fields) at(name string) string {
	if f.path == "" {
		return name
	}
	return f.path + "." + name
}

// fail records that name is not what was wanted, here and in all parents.
func (f *fields) fail(name, want string, raw json.RawMessage) {
	err := fmt.Errorf("%s: want %s, got %s", f.at(name), want, kindOf(raw))
	for ; f != nil; f = f.parent {
		if f.err == nil {
			f.err = err
		}
	}
}

// get returns the member, or nil when it is absent or null.
func (f *fields) get(name string) json.RawMessage {
	raw := bytes.TrimSpace(f.members[name])
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	return raw
}

func (f *fields) has(name string) bool {
	_, ok := f.members[name]
	return ok
}

func (f *fields) str(name string) string {
	raw := f.get(name)
	if raw == nil {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		f.fail(name, "a string", raw)
	}
	return s
}

// count returns a number from 0 to 2^31-1, nil when it is absent, null or "".
func (f *fields) count(name string) *int {
	raw := f.get(name)
	text, ok := unquote(raw)
	if !ok || text == "" {
		return nil
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		f.fail(name, "a whole number from 0 to 2147483647", raw)
		return nil
	}
	v := int(n)
	return &v
}

// flag returns a boolean, nil when it is absent, null or "".
func (f *fields) flag(name string) *bool {
	raw := f.get(name)
	text, ok := unquote(raw)
	if !ok || text == "" {
		return nil
	}
	if text != "true" && text != "false" {
		f.fail(name, "true or false", raw)
		return nil
	}
	v := text == "true"
	return &v
}

// isTrue is flag with absence as false.
func (f *fields) isTrue(name string) bool {
	v := f.flag(name)
	return v != nil && *v
}

// unquote returns the text of a number, a boolean or a string; ok is false for nothing.
func unquote(raw json.RawMessage) (text string, ok bool) {
	if len(raw) == 0 {
		return "", false
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s, true
	}
	return string(raw), true
}

// object returns the member as an object, nil when it is absent, null or ""
// (gateways write "" for an empty element).
func (f *fields) object(name string) *fields {
	raw := f.get(name)
	if raw == nil || string(raw) == `""` {
		return nil
	}
	return f.child(name, raw)
}

func (f *fields) child(name string, raw json.RawMessage) *fields {
	o := &fields{path: f.at(name), parent: f}
	if json.Unmarshal(raw, &o.members) != nil {
		f.fail(name, "an object", raw)
		return nil
	}
	return o
}

// list returns the elements of outer.inner, which is how the API wraps arrays:
// {"Tags":{"Tag":[…]}}.
func (f *fields) list(outer, inner string) []json.RawMessage {
	o := f.object(outer)
	if o == nil {
		return nil
	}
	raw := o.get(inner)
	if raw == nil {
		return nil
	}
	var elements []json.RawMessage
	if json.Unmarshal(raw, &elements) != nil {
		o.fail(inner, "an array", raw)
	}
	return elements
}

// objects is list for an array of objects; null elements are left out.
func (f *fields) objects(outer, inner string) []*fields {
	var objects []*fields
	for i, raw := range f.list(outer, inner) {
		if string(raw) == "null" {
			continue
		}
		if o := f.child(fmt.Sprintf("%s.%s[%d]", outer, inner, i), raw); o != nil {
			objects = append(objects, o)
		}
	}
	return objects
}

// strs is list for an array of strings; null elements are left out.
func (f *fields) strs(outer, inner string) []string {
	var values []string
	for i, raw := range f.list(outer, inner) {
		var s *string
		if json.Unmarshal(raw, &s) != nil {
			f.fail(fmt.Sprintf("%s.%s[%d]", outer, inner, i), "a string", raw)
		} else if s != nil {
			values = append(values, *s)
		}
	}
	return values
}

// kindOf names a JSON value without quoting much of it.
func kindOf(raw []byte) string {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return "nothing"
	}
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "the string " + shorten(oneLine(string(raw)), maxSnippet)
	default:
		return shorten(oneLine(string(raw)), maxSnippet)
	}
}

// text returns a string, a number or a boolean as text. Account and service ids
// are numbers in some replies and strings in others.
func (f *fields) text(name string) string {
	raw := f.get(name)
	if len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') {
		f.fail(name, "a string", raw)
		return ""
	}
	text, _ := unquote(raw)
	return text
}

// id is text that must be a single word.
func (f *fields) id(name string) string {
	text := f.text(name)
	if text != "" && !isWord(text) {
		f.fail(name, "an id", f.get(name))
		return ""
	}
	return text
}
