// Package plan decides what a guest's NICs should be changed to, and why: a
// pure function of what is wanted, what is observed, and what the operator
// allows. Everything that enitune prints, writes or exports follows from its
// decisions.
package plan

import (
	"slices"

	"github.com/enitune/enitune/nic"
)

// Target is one NIC together with all that bears on its settings.
type Target struct {
	State nic.State
	// ENI tells what is known of the NIC's ENI.
	ENI ENIKnowledge
	// Excluded is set where a rule says manage: false.
	Excluded bool
	// Budget is how many kernel write operations may still be made on this
	// NIC; settings that share an operation share a write.
	Budget int
	// Items are the settings to decide, at most one of each.
	Items []Item
}

// ENIKnowledge tells how a NIC relates to the ENIs of the instance.
type ENIKnowledge int

// What may be known. The zero value is invalid.
const (
	// ENIMatched: the NIC is a known ENI's guest side.
	ENIMatched ENIKnowledge = iota + 1
	// ENIUnknown: the instance's ENIs are known, and none has this address.
	ENIUnknown
	// ENIUndetermined: nothing is known of the instance's ENIs, or the cloud is
	// switched off; only the operator's rules count.
	ENIUndetermined
	// ENIAmbiguous: several NICs or several ENIs have this address.
	ENIAmbiguous
)

// Item is one setting of a target.
type Item struct {
	Setting nic.Setting
	Wanted  Wanted
	Memory  Memory
}

// Wanted is the value that a setting should have. The zero value means that no
// source has one.
type Wanted struct {
	Value  int
	Source Source
	// Most is set for a wish for as much as the NIC offers: it never lowers.
	Most bool
}

// Memory is what happened to a setting before.
type Memory struct {
	// Refused holds the kernel's words for as long as a refused write is not to
	// be tried again; "" otherwise.
	Refused string
	// Retry holds the kernel's words while a refused write is being tried
	// again; "" otherwise. Such a write never takes the last of the budget, so
	// that one setting that the kernel keeps refusing starves no other.
	Retry string
	// Contested is set while someone else keeps changing the setting back.
	Contested bool
	// Unsupported is set after the driver answered a write that it has no such
	// operation.
	Unsupported bool
}

// Policy is what the operator allows.
type Policy struct {
	// Observe forbids every write.
	Observe bool
	// Writable are the settings that may be written.
	Writable []nic.Setting
	// Shrink allows to lower a setting that stands above a wanted value that
	// does not come from an override.
	Shrink bool
}

// Writes tells whether a setting may be written.
func (p Policy) Writes(s nic.Setting) bool { return !p.Observe && slices.Contains(p.Writable, s) }

// Decision is what is to be done about one setting of one NIC.
type Decision struct {
	Setting nic.Setting
	Current int // 0 if it could not be read
	Max     int // 0 if it could not be read
	Desired int // 0 if no source has a value
	Source  Source
	Action  Action
	Reason  Reason
	// Drift tells that the guest is not as it is wanted.
	Drift bool
	// Detail holds the kernel's words where the reason has any.
	Detail string
	// Change is what to write; meaningful only with action set.
	Change nic.Change
}

// Diff decides every setting of every target, in their order. It is a pure
// function: the same input gives the same decisions, and a guest that is as it
// is wanted gives none with action set.
func Diff(policy Policy, targets []Target) [][]Decision {
	plan := make([][]Decision, len(targets))
	for i, t := range targets {
		plan[i] = decideTarget(policy, t)
	}
	return plan
}

// decideTarget decides the settings of one NIC and lets those through that the
// budget of writes allows, in the order of writing.
func decideTarget(policy Policy, t Target) []Decision {
	decisions := make([]Decision, len(t.Items))
	for i, item := range t.Items {
		decisions[i] = decide(policy, t, item)
	}
	left := t.Budget
	for _, op := range nic.Operations() {
		written := false
		for i, d := range decisions {
			if d.Action == Set && d.Setting.Operation() == op {
				decisions[i] = afford(d, t.Items[i].Memory, left)
				written = written || decisions[i].Action == Set
			}
		}
		if written {
			left--
		}
	}
	return decisions
}

// afford lets a write through that the budget allows.
func afford(d Decision, m Memory, left int) Decision {
	switch {
	case m.Retry != "" && left <= 1:
		d.Detail = m.Retry
		return d.hold(KernelRefused)
	case left <= 0:
		return d.hold(Held)
	default:
		return d
	}
}
