package eni

import "fmt"

// Severity says what a [Finding] means for the change. The zero value is invalid.
type Severity int

const (
	_ Severity = iota
	// SeverityNote: worth knowing, no obstacle.
	SeverityNote
	// SeverityWarning: today's API refuses this by its documentation. The rule
	// looks at the state of the ENI, its instance, its type or its quotas, and the
	// API may have relaxed it: an operator can insist.
	SeverityWarning
	// SeverityError: the request is malformed or contradicts itself. It never passes.
	SeverityError
)

// String returns note, warning or error.
func (s Severity) String() string {
	switch s {
	case SeverityNote:
		return "note"
	case SeverityWarning:
		return "warning"
	case SeverityError:
		return "error"
	default:
		return fmt.Sprintf("Severity(%d)", int(s))
	}
}

// Finding is what a rule of [Preflight] has to say.
type Finding struct {
	// Rule is a stable id, such as queue-quota.
	Rule     string
	Severity Severity
	// Field is the path in a [Modification], such as traffic_config.mode.
	Field string
	// Message says the rule, the value and what is allowed, in one line.
	Message string
	// Remedy says how to get there, one alternative a line; "" where the message
	// says it all.
	Remedy string
}

// Facts are what [Preflight] knows of the ENI's surroundings.
type Facts struct {
	ENI NetworkInterface
	// Instance is what ENI is attached to; nil if it is not, or not known.
	Instance *Instance
	// Type is the instance's type; nil if not known.
	Type *InstanceType
	// Siblings are the ENIs of the instance. ENI may be among them or not.
	Siblings []NetworkInterface
}
