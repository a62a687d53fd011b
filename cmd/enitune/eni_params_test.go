package main

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"github.com/enitune/enitune/eni"
)

// sample is a value that a parameter takes on the command line.
func sample(p parameter) string {
	switch {
	case p.number != nil:
		return "7"
	case p.boolean != nil:
		return "false"
	default:
		return "some-text"
	}
}

// fromFlags reads a command line of `eni set`.
func fromFlags(args ...string) (eni.Modification, error) {
	given := map[string]func(*eni.Modification){}
	cmd := &cobra.Command{Use: "set"}
	addParameterFlags(cmd, given)
	var m eni.Modification
	err := cmd.ParseFlags(args)
	for _, apply := range given {
		apply(&m)
	}
	return m, err
}

func TestEachFlagAndEachKeySetsItsParameterAndNoOther(t *testing.T) {
	for _, p := range parameters() {
		wire := p.wire
		if base, list := strings.CutSuffix(wire, ".N"); list {
			wire = base + ".1"
		}
		want := map[string]string{wire: sample(p)}
		m, err := fromFlags("--"+p.flag, sample(p))
		if err != nil {
			t.Errorf("--%s: %v", p.flag, err)
		}
		if diff := cmp.Diff(want, m.Params()); diff != "" {
			t.Errorf("--%s (-want +got):\n%s", p.flag, diff)
		}
		value := sample(p)
		if p.list != nil {
			value = "[" + value + "]"
		}
		text := p.key + ": " + value
		if outer, inner, nested := strings.Cut(p.key, "."); nested {
			text = outer + ": {" + inner + ": " + value + "}"
		}
		if m, err = parseChange("change.yaml", []byte(text)); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if diff := cmp.Diff(want, m.Params()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// tagPaths lists the paths of the leaves of a type, by its YAML tags.
func tagPaths(t reflect.Type, prefix string) []string {
	var list []string
	for f := range t.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct {
			list = append(list, tagPaths(f.Type.Elem(), prefix+name+".")...)
			continue
		}
		list = append(list, prefix+name)
	}
	return list
}

func TestTheKeysOfAFileAreThoseOfAModification(t *testing.T) {
	var keys []string
	for _, p := range parameters() {
		keys = append(keys, p.key)
	}
	if diff := cmp.Diff(tagPaths(reflect.TypeFor[eni.Modification](), ""), keys); diff != "" {
		t.Errorf("keys in their order (-Modification +parameters):\n%s", diff)
	}
}

func TestSecurityGroupsAreGivenOneByOne(t *testing.T) {
	m, err := fromFlags("--security-group", "sg-1", "--security-group=sg-2")
	if err != nil || !slices.Equal(m.SecurityGroupIDs, []string{"sg-1", "sg-2"}) {
		t.Errorf("got %v, %v", m.SecurityGroupIDs, err)
	}
}

func TestWrongFlagValuesAreRefusedWithWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct{ name, want string }{
		{"--queues=eight", "whole number"},
		{"--queues=8.0", "whole number"},
		{"--queues=0x8", "whole number"},
		{"--queues=08", "whole number"},
		{"--queues=+8", "whole number"},
		{"--queues= 8", "whole number"},
		{"--queues=", "whole number"},
		{"--queues=99999999999999999999", "whole number"},
		{"--sriov=yes", "want true or false"},
		{"--sriov=1", "want true or false"},
		{"--sriov=TRUE", "want true or false"},
		{"--rss", "needs an argument"},
		{"--security-group=", "sg-"},
		{"--name=a\x1b[31mb", "does not print"},
		{"--name=a\nb", "does not print"},
	} {
		_, err := fromFlags(tt.name)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.ContainsAny(err.Error(), "\n\x1b") {
			t.Errorf("%q: got %v, want one line with %q", tt.name, err, tt.want)
		}
	}
	if _, err := fromFlags("--queues=4", "--queues=8"); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("a flag given twice: %v", err)
	}
}
