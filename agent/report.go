package agent

import (
	"time"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// Report is what enitune knows after a reconcile. Its JSON form is the document
// of `plan`, `apply` and `status` with -o json and of GET /status; fields may be
// added to version 1, never changed or removed.
type Report struct {
	Version  int       `json:"version"` // 1
	Time     time.Time `json:"time"`
	Instance Instance  `json:"instance"`
	Desired  Origin    `json:"desired"`
	// InSync: nothing drifts, and everything could be determined.
	InSync bool `json:"in_sync"`
	// Determined is false if the desired state of a managed NIC, or the NICs
	// themselves, could not be found out; the errors say why.
	Determined bool `json:"determined"`
	// Enforced are the settings that may be written; the others are only reported.
	Enforced  []nic.Setting `json:"enforced"`
	NICs      []NICReport   `json:"nics"`
	Unmatched []Unmatched   `json:"unmatched"`
	Errors    []Problem     `json:"errors"`
	// Changes are the last changes of settings, the newest first: of the daemon's
	// life at most maxChanges, of one call of plan or apply its own.
	Changes []Change       `json:"changes"`
	Sources []SourceHealth `json:"sources"`
	// Events are the kernel event sources; none outside of the daemon.
	Events []SourceHealth `json:"events,omitempty"`
}

// Instance is the instance that the agent runs on; fields are "" if unknown.
type Instance struct {
	ID     string `json:"id"`
	Region string `json:"region"`
	Type   string `json:"type"`
}

// Origin tells where the desired state comes from.
type Origin struct {
	// Origin is "api", "cache", or "none" if the cloud's view is not known or
	// the cloud is switched off.
	Origin    string    `json:"origin"`
	FetchedAt time.Time `json:"fetched_at,omitzero"`
	// Stale: the last attempt to read the cloud failed, or none was made for
	// longer than the refresh interval.
	Stale bool `json:"stale"`
}

// Origins of the desired state.
const (
	OriginAPI   = "api"
	OriginCache = "cache"
	OriginNone  = "none"
)

// NICReport is one NIC and its settings.
type NICReport struct {
	Device string `json:"device"`
	// MAC is the address by which the NIC is matched to its ENI.
	MAC      string          `json:"mac"`
	ENI      string          `json:"eni"`  // "" if no ENI has this address
	Type     string          `json:"type"` // the ENI's type; "" if unknown
	Driver   string          `json:"driver"`
	NetNS    string          `json:"netns"` // "" for the agent's own network namespace
	Settings []SettingReport `json:"settings"`
}

// SettingReport is one setting of a NIC.
type SettingReport struct {
	Setting    nic.Setting `json:"setting"`
	Current    int         `json:"current"` // 0 if unknown
	Max        int         `json:"max"`     // 0 if unknown
	Desired    int         `json:"desired"` // 0 if no source has a value
	Source     plan.Source `json:"source"`  // "" if no source has a value
	Action     plan.Action `json:"action"`
	Reason     plan.Reason `json:"reason"`
	Drift      bool        `json:"drift"`
	DriftSince time.Time   `json:"drift_since,omitzero"` // when the drift was first seen
	Message    string      `json:"message"`
	// Applied is what this reconcile changed; absent if nothing.
	Applied *Applied `json:"applied,omitempty"`
}

// Applied is a verified change.
type Applied struct {
	From int `json:"from"`
	To   int `json:"to"`
}

// Unmatched is an ENI of the instance without a NIC in the guest.
type Unmatched struct {
	ENI    string          `json:"eni"`
	MAC    string          `json:"mac"`
	Reason UnmatchedReason `json:"reason"`
}

// UnmatchedReason is why an ENI has no NIC.
type UnmatchedReason string

// The reasons.
const (
	NICMissing  UnmatchedReason = "nic_missing"  // it should have one, in this network namespace
	NotInUse    UnmatchedReason = "not_in_use"   // it is being attached or detached
	TrunkMember UnmatchedReason = "trunk_member" // it is a VLAN on a trunk ENI's NIC
)

// Component is a part that can fail by itself.
type Component string

// The components.
const (
	ComponentMetadata Component = "metadata"
	ComponentAPI      Component = "api"
	ComponentKernel   Component = "kernel"
	ComponentState    Component = "state"
	ComponentConfig   Component = "config"
)

// SourceHealth tells whether a source of knowledge works.
type SourceHealth struct {
	Source      string    `json:"source"`
	Up          bool      `json:"up"`
	LastAttempt time.Time `json:"last_attempt,omitzero"`
	LastSuccess time.Time `json:"last_success,omitzero"`
	Error       string    `json:"error,omitempty"`
	// Class is the kind of failure, see Classes; "" while there is none. An event
	// source is "unsupported" if the kernel has none of its kind.
	Class string `json:"class,omitempty"`
}

// Drifted tells whether any setting of any NIC drifts.
func (r Report) Drifted() bool {
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			if s.Drift {
				return true
			}
		}
	}
	return false
}

// Exit codes of plan, apply and status.
const (
	ExitInSync = 0
	ExitError  = 1
	ExitDrift  = 2
)

// ExitCode is what plan, apply and status exit with.
func (r Report) ExitCode() int {
	switch {
	case !r.Determined:
		return ExitError
	case r.Drifted():
		return ExitDrift
	default:
		return ExitInSync
	}
}
