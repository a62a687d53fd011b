package plan

import "fmt"

// Source tells where a wanted value comes from. The zero value means that there
// is none.
type Source int

// The sources, the strongest first.
const (
	// Override is a number or max in a rule of the configuration.
	Override Source = iota + 1
	// API is a field of the ECS API's reply.
	API
	// Tag is a tag of the ENI.
	Tag
	// InstanceType is the instance type's default, for queues that the API
	// leaves out.
	InstanceType
	// Device is the NIC's own maximum, for rings: virtio shows the depth that
	// the ENI was given as that maximum.
	Device
)

// Sources lists the sources, the strongest first.
func Sources() []Source { return []Source{Override, API, Tag, InstanceType, Device} }

// String gives the name used in JSON and metrics; "" for no source.
func (s Source) String() string {
	switch s {
	case 0:
		return ""
	case Override:
		return "override"
	case API:
		return "api"
	case Tag:
		return "tag"
	case InstanceType:
		return "instance_type"
	case Device:
		return "device"
	default:
		return fmt.Sprintf("Source(%d)", int(s))
	}
}

// MarshalText writes the source's name.
func (s Source) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a source's name.
func (s *Source) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*s = 0
		return nil
	}
	return parse(s, text, "source", Sources())
}

// Action is what is done about a setting. The zero value is invalid.
type Action int

// The actions.
const (
	// None: there is nothing to do.
	None Action = iota + 1
	// Set: the kernel is asked to change the setting.
	Set
	// Report: something is amiss, and it is told, not changed.
	Report
)

// Actions lists the actions.
func Actions() []Action { return []Action{None, Set, Report} }

// String gives the name used in JSON.
func (a Action) String() string {
	switch a {
	case None:
		return "none"
	case Set:
		return "set"
	case Report:
		return "report"
	default:
		return fmt.Sprintf("Action(%d)", int(a))
	}
}

// MarshalText writes the action's name.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an action's name.
func (a *Action) UnmarshalText(text []byte) error { return parse(a, text, "action", Actions()) }

// Reason is why an action was chosen. The zero value is invalid.
type Reason int

// The reasons.
const (
	// InSync: the guest is as it is wanted.
	InSync Reason = iota + 1
	// BelowDesired: the guest has less than wanted.
	BelowDesired
	// AboveDesired: the guest has more than wanted.
	AboveDesired
	// DeviceMax: more is wanted than the NIC offers; the most that it offers is
	// set.
	DeviceMax
	// KernelRefused: the kernel refused the change not long ago.
	KernelRefused
	// Contested: someone else keeps changing the setting back.
	Contested
	// Held: the NIC's budget of writes is spent for now.
	Held
	// Unsupported: the driver has no such operation.
	Unsupported
	// Unreadable: the kernel did not tell the current value.
	Unreadable
	// NoDesiredValue: no source has a value for the setting.
	NoDesiredValue
	// Excluded: a rule says manage: false.
	Excluded
	// NoENI: no ENI of the instance has the NIC's address.
	NoENI
	// DuplicateMAC: several NICs or several ENIs have the NIC's address, so that
	// it cannot be told which belong together.
	DuplicateMAC
)

// Reasons lists the reasons.
func Reasons() []Reason {
	return []Reason{InSync, BelowDesired, AboveDesired, DeviceMax, KernelRefused, Contested, Held,
		Unsupported, Unreadable, NoDesiredValue, Excluded, NoENI, DuplicateMAC}
}

// String gives the name used in JSON and metrics.
func (r Reason) String() string {
	switch r {
	case InSync:
		return "in_sync"
	case BelowDesired:
		return "below_desired"
	case AboveDesired:
		return "above_desired"
	case DeviceMax:
		return "device_max"
	case KernelRefused:
		return "kernel_refused"
	case Contested:
		return "contested"
	case Held:
		return "held"
	case Unsupported:
		return "unsupported"
	case Unreadable:
		return "unreadable"
	case NoDesiredValue:
		return "no_desired_value"
	case Excluded:
		return "excluded"
	case NoENI:
		return "eni_unknown"
	case DuplicateMAC:
		return "duplicate_mac"
	default:
		return fmt.Sprintf("Reason(%d)", int(r))
	}
}

// MarshalText writes the reason's name.
func (r Reason) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a reason's name.
func (r *Reason) UnmarshalText(text []byte) error { return parse(r, text, "reason", Reasons()) }

// parse finds the value whose name is text.
func parse[T fmt.Stringer](to *T, text []byte, what string, values []T) error {
	for _, v := range values {
		if v.String() == string(text) {
			*to = v
			return nil
		}
	}
	return fmt.Errorf("unknown %s %q", what, text)
}
