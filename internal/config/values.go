package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Mode says whether the agent may write. The zero value is invalid.
type Mode uint8

// The modes.
const (
	_           Mode = iota
	ModeEnforce      // write what differs
	ModeObserve      // report only, never write
)

// String is the word in the file.
func (m Mode) String() string {
	switch m {
	case ModeEnforce:
		return "enforce"
	case ModeObserve:
		return "observe"
	default:
		return fmt.Sprintf("Mode(%d)", uint8(m))
	}
}

// MarshalYAML writes the word of the file.
func (m Mode) MarshalYAML() (any, error) { return m.String(), nil }

// WantKind says what a rule asks for. The zero value is invalid.
type WantKind uint8

// The kinds.
const (
	_          WantKind = iota
	WantAPI             // what the ENI was given; no override
	WantMax             // the NIC's maximum
	WantNumber          // Want.N
)

// String is the word in the file; a number has none, so its kind is spelled out.
func (k WantKind) String() string {
	switch k {
	case WantAPI:
		return "api"
	case WantMax:
		return "max"
	case WantNumber:
		return "number"
	default:
		return fmt.Sprintf("WantKind(%d)", uint8(k))
	}
}

// Want is the value of one setting in a rule.
type Want struct {
	Kind WantKind
	N    int // only with WantNumber: queues, or ring entries
}

// String is the value as the file has it.
func (w Want) String() string {
	if w.Kind == WantNumber {
		return strconv.Itoa(w.N)
	}
	return w.Kind.String()
}

// MarshalYAML writes a number or the word of the file.
func (w Want) MarshalYAML() (any, error) {
	if w.Kind == WantNumber {
		return w.N, nil
	}
	return w.Kind.String(), nil
}

// Duration is a time.Duration that prints without zero parts: 6h, not 6h0m0s.
type Duration time.Duration

// String is the duration as the file has it; time.ParseDuration reads it back.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if rest, ok := strings.CutSuffix(s, "m0s"); ok {
		s = rest + "m"
	}
	if rest, ok := strings.CutSuffix(s, "h0m"); ok {
		s = rest + "h"
	}
	return s
}

// MarshalYAML writes the duration as the file has it.
func (d Duration) MarshalYAML() (any, error) { return d.String(), nil }
