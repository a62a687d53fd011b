// Package doctor finds out what is missing for enitune to work on a machine.
//
// It works in two steps. The gatherers (ReadGuest, ReadRivals, ReadListeners,
// ProbeCloud) collect [Facts]: they read files below a root that the caller
// gives, and ask the cloud harmless questions; they run no program and change
// nothing. [Examine] then judges the facts. It is a pure function, so that every
// verdict has a row in a table of tests.
package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Status is the verdict of a check. The zero value is invalid; a greater one is
// worse.
type Status uint8

// The verdicts.
const (
	_    Status = iota
	OK          // as it should be
	Note        // worth knowing, nothing to do; or it could not be tested
	Warn        // it works, and something will bite
	Fail        // something of enitune does not work
)

// Statuses lists the verdicts, the worst first, as reports are ordered.
func Statuses() []Status { return []Status{Fail, Warn, Note, OK} }

// String is the word in reports.
func (s Status) String() string {
	switch s {
	case OK:
		return "ok"
	case Note:
		return "note"
	case Warn:
		return "warn"
	case Fail:
		return "fail"
	default:
		return fmt.Sprintf("Status(%d)", uint8(s))
	}
}

// MarshalText writes the word.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Status) UnmarshalText(text []byte) error {
	for _, known := range Statuses() {
		if known.String() == string(text) {
			*s = known
			return nil
		}
	}
	return fmt.Errorf("doctor: status %q: it must be fail, warn, note or ok", text)
}

// Check names what was looked at. The words are stable.
type Check string

// The checks, in the order in which they are reported.
const (
	CheckCapabilities   Check = "capabilities"
	CheckKernel         Check = "kernel"
	CheckEthtoolEvents  Check = "ethtool_events"
	CheckSysfs          Check = "sysfs"
	CheckRings          Check = "rings"
	CheckMultiqueue     Check = "multiqueue"
	CheckConfig         Check = "config"
	CheckStateDir       Check = "state_dir"
	CheckState          Check = "state"
	CheckListen         Check = "listen"
	CheckDaemon         Check = "daemon"
	CheckMetadata       Check = "metadata"
	CheckIdentity       Check = "identity"
	CheckEndpoint       Check = "endpoint"
	CheckClock          Check = "clock"
	CheckProxy          Check = "proxy"
	CheckCredentials    Check = "credentials"
	CheckPermission     Check = "permission"
	CheckECSMQ          Check = "ecs_mq"
	CheckIrqbalance     Check = "irqbalance"
	CheckTuneD          Check = "tuned"
	CheckNetworkManager Check = "networkmanager"
	CheckLinkFiles      Check = "systemd_link"
	CheckIfcfg          Check = "ifcfg"
	CheckIfupdown       Check = "ifupdown"
	CheckScripts        Check = "scripts"
)

// Finding is the outcome of one check on one object.
type Finding struct {
	Check Check `json:"check"`
	// Object is what the check was about, where there can be several: a NIC, an
	// address, a RAM action, a file. "" else.
	Object  string `json:"object"`
	Status  Status `json:"status"`
	Message string `json:"message"`
	// Remedy says what to do; "" where there is nothing to be done.
	Remedy string `json:"remedy"`
}

// Report is what `enitune doctor` prints. Its JSON form is documented in
// docs/doctor.md; fields may be added to version 1, never changed or removed.
type Report struct {
	Version int       `json:"version"` // 1
	Time    time.Time `json:"time"`
	// Status is the worst of the findings.
	Status   Status    `json:"status"`
	Counts   Counts    `json:"counts"`
	Findings []Finding `json:"findings"` // the worst first, then in the order of the checks
}

// Counts counts the findings of each status.
type Counts struct {
	Fail int `json:"fail"`
	Warn int `json:"warn"`
	Note int `json:"note"`
	OK   int `json:"ok"`
}

// Exit codes of `enitune doctor`.
const (
	ExitHealthy  = 0 // nothing fails and nothing warns
	ExitFailing  = 1 // a check fails, or the command itself
	ExitWarnings = 2 // only warnings
)

// ExitCode is what `enitune doctor` exits with.
func (r Report) ExitCode() int {
	switch r.Status {
	case Fail:
		return ExitFailing
	case Warn:
		return ExitWarnings
	case OK, Note:
	}
	return ExitHealthy
}

// Examine judges the facts.
func Examine(f Facts, now time.Time) Report {
	return examine(f, now,
		checkCapabilities, checkKernel, checkSysfs, checkNICs,
		checkConfig, checkStateDir, checkState, checkListen, checkDaemon,
		checkMetadata, checkIdentity, checkEndpoint, checkClock, checkProxy, checkCredentials, checkPermissions,
		checkRivals)
}

// ExamineRivals judges only the other programs that set channels and rings.
// mayLower tells that the configuration can ask for fewer queues than a NIC
// offers.
func ExamineRivals(rivals []Rival, mayLower bool, now time.Time) Report {
	return examine(Facts{Rivals: rivals, Agent: Agent{MayLower: mayLower}}, now, checkRivals)
}

func examine(f Facts, now time.Time, checks ...func(Facts) []Finding) Report {
	r := Report{Version: 1, Time: now.UTC(), Status: OK, Findings: []Finding{}}
	for _, check := range checks {
		r.Findings = append(r.Findings, check(f)...)
	}
	for _, found := range r.Findings {
		r.Status = max(r.Status, found.Status)
		switch found.Status {
		case Fail:
			r.Counts.Fail++
		case Warn:
			r.Counts.Warn++
		case Note:
			r.Counts.Note++
		case OK:
			r.Counts.OK++
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(b.Status, a.Status) })
	return r
}

// one is a list of one finding about no particular object.
func one(check Check, status Status, message, remedy string) []Finding {
	return []Finding{{Check: check, Status: status, Message: message, Remedy: remedy}}
}
