package nic

import (
	"fmt"
	"strings"
)

// Setting is one tunable of a NIC. The zero value is invalid. A new one is a
// constant here, a row in codec, and a row in the planner's sources.
type Setting int

// The settings, in the order in which they are shown.
const (
	Queues Setting = iota + 1
	RxRing
	TxRing
)

// Settings lists every setting in the order in which they are shown.
func Settings() []Setting { return []Setting{Queues, RxRing, TxRing} }

// Reading is what a State says of one setting.
type Reading struct {
	Current int   // the value in force; where directions differ, the lowest
	Highest int   // the highest value of any direction; equal to Current where there is one
	Max     int   // the largest value that the driver accepts for all directions
	Fixed   bool  // the driver has no operation to change it
	Err     error // why the setting cannot be read, an *Error; the values are then zero
}

// Operation is a kernel operation; settings that share one are written in one
// call.
type Operation int

// The operations, in the order of writing: a ring change re-creates the queues,
// so rings come before channels. The zero value is invalid.
const (
	SetRings Operation = iota + 1
	SetChannels
)

// Operations lists the operations in the order of writing.
func Operations() []Operation { return []Operation{SetRings, SetChannels} }

func (o Operation) String() string {
	switch o {
	case SetRings:
		return "set rings"
	case SetChannels:
		return "set channels"
	default:
		return fmt.Sprintf("Operation(%d)", int(o))
	}
}

// codec ties a setting to its name, to the kernel operation that writes it and
// to its place in a State.
type codec struct {
	name string
	op   Operation
	read func(State) Reading
}

func (s Setting) codec() codec {
	switch s {
	case Queues:
		return codec{"queues", SetChannels, readQueues}
	case RxRing:
		return codec{"rx_ring", SetRings, func(st State) Reading {
			return readRing(st, st.Rings.Current.RX, st.Rings.Max.RX)
		}}
	case TxRing:
		return codec{"tx_ring", SetRings, func(st State) Reading {
			return readRing(st, st.Rings.Current.TX, st.Rings.Max.TX)
		}}
	default:
		return codec{name: fmt.Sprintf("Setting(%d)", int(s))}
	}
}

// String gives the name used in configuration, metrics and JSON.
func (s Setting) String() string { return s.codec().name }

// Operation tells which kernel operation writes the setting.
func (s Setting) Operation() Operation { return s.codec().op }

// MarshalText writes the setting's name.
func (s Setting) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a setting's name.
func (s *Setting) UnmarshalText(text []byte) error {
	v, err := ParseSetting(string(text))
	if err == nil {
		*s = v
	}
	return err
}

// ParseSetting finds the setting of a name; the error lists the names.
func ParseSetting(name string) (Setting, error) {
	var names []string
	for _, s := range Settings() {
		if s.String() == name {
			return s, nil
		}
		names = append(names, s.String())
	}
	return 0, fmt.Errorf("unknown setting %q (known: %s)", name, strings.Join(names, ", "))
}

// Reading extracts one setting from the state.
func (st State) Reading(s Setting) Reading {
	c := s.codec()
	if c.read == nil {
		return Reading{Err: &Error{Device: st.Name, Op: "read " + c.name, Kind: ErrUnsupported}}
	}
	return c.read(st)
}

// mostPlausible is far above what any NIC has of anything (Linux 6.18: rings of
// 65535, some thousand channels). A driver that tells more tells nonsense, which
// must not become what is wanted.
const mostPlausible = 1 << 20

func nonsense(st State, op string, value int) Reading {
	return Reading{Err: &Error{Device: st.Name, Op: op, Kind: ErrNonsense, Detail: fmt.Sprintf("%d, which no NIC has", value)}}
}

// most is the largest number of all.
func (c Channels) most() int {
	return max(c.Max.RX, c.Max.TX, c.Max.Combined, c.Current.RX, c.Current.TX, c.Current.Combined)
}

func readRing(st State, current, maximum int) Reading {
	switch {
	case st.RingsErr != nil:
		return Reading{Err: st.RingsErr}
	case max(current, maximum) > mostPlausible:
		return nonsense(st, "read rings", max(current, maximum))
	case maximum == 0: // a driver that answers, but has no such ring
		return Reading{Err: &Error{Device: st.Name, Op: "read rings", Kind: ErrUnsupported}}
	default:
		return Reading{Current: current, Highest: current, Max: maximum, Fixed: st.RingsFixed}
	}
}

// readQueues counts the queues that serve traffic. A driver with combined
// channels counts those, unless it runs in separate mode at the moment
// (combined 0 with rx and tx channels); one with separate channels has as many
// queues as its scarcer direction.
func readQueues(st State) Reading {
	if st.ChannelsErr != nil {
		return Reading{Err: st.ChannelsErr}
	}
	if most := st.Channels.most(); most > mostPlausible {
		return nonsense(st, "read channels", most)
	}
	if st.Channels.usesCombined() {
		n := st.Channels.Current.Combined
		return Reading{Current: n, Highest: n, Max: st.Channels.Max.Combined}
	}
	c, m := st.Channels.Current, st.Channels.Max
	if min(m.RX, m.TX) == 0 {
		return Reading{Err: &Error{Device: st.Name, Op: "read channels", Kind: ErrUnsupported}}
	}
	return Reading{Current: min(c.RX, c.TX), Highest: max(c.RX, c.TX), Max: min(m.RX, m.TX)}
}

// usesCombined tells which of the two models of channels is in force.
func (c Channels) usesCombined() bool {
	if c.Max.Combined == 0 {
		return false
	}
	return c.Current.Combined > 0 || c.Current.RX+c.Current.TX == 0
}

// Change asks for one setting to take a value.
type Change struct {
	Setting Setting
	Value   int
	// RaiseOnly keeps a direction that already stands above Value, so that
	// raising one direction of separate channels never lowers the other.
	RaiseOnly bool
}

func (ch Change) value(current int) int {
	if ch.RaiseOnly {
		return max(current, ch.Value)
	}
	return ch.Value
}

// channels gives the counts to request so that the change holds; what the
// change does not concern keeps its current value.
func (ch Change) channels(c Channels) ChannelCounts {
	want := c.Current
	if c.usesCombined() {
		want.Combined = ch.value(want.Combined)
		return want
	}
	want.RX, want.TX = ch.value(want.RX), ch.value(want.TX)
	return want
}

// rings gives the sizes to request so that the change holds.
func (ch Change) rings(want RingSizes) RingSizes {
	if ch.Setting == RxRing {
		want.RX = ch.value(want.RX)
	} else {
		want.TX = ch.value(want.TX)
	}
	return want
}
