package page

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/plan"
)

// finding is one thing that is wrong, with what can be done about it.
type finding struct {
	key     string // the same for as long as it lasts
	kind    string
	badge   string // the kind, with the reason of a drift
	tone    tone
	title   string
	items   []item   // the settings, ENIs or messages that it is about
	remedy  string   // ours, see parts
	runbook string   // the alert that it belongs to, "" for none
	facts   []string // sentences before the remedy
}

// Kinds of findings, as the page names them.
const (
	kindDrift   = "Drift"
	kindError   = "Error"
	kindWarning = "Warning"
)

// item is one of the things that a finding is about.
type item struct {
	key, what string
	// now and wanted are values, "" where it is about none.
	now, wanted string
	since       moment
	sinceWord   string
	message     string
}

// findings are all that is wrong, the worst first.
func findings(r agent.Report, now time.Time) []finding {
	list := append(errorFindings(r), driftFindings(r, now)...)
	if r.Desired.Stale {
		list = append(list, staleFinding(r, now))
	}
	if f, ok := missingNICs(r); ok {
		list = append(list, f)
	}
	list = append(list, deadEvents(r)...)
	if now.Sub(r.Time) > oldAfter {
		list = append(list, oldFinding(r, now))
	}
	slices.SortStableFunc(list, func(a, b finding) int { return cmp.Compare(a.tone, b.tone) })
	return list
}

// driftCase is what is common to settings that drift alike.
type driftCase struct {
	reason plan.Reason
	action plan.Action
	source plan.Source // only where the remedy depends on it
}

func caseOf(s agent.SettingReport) driftCase {
	c := driftCase{reason: s.Reason, action: s.Action}
	if s.Reason == plan.DeviceMax || s.Reason == plan.AboveDesired {
		if s.Source == plan.Override {
			c.source = plan.Override
		}
	}
	return c
}

// driftFindings has one for each case, with all settings of that case.
func driftFindings(r agent.Report, now time.Time) []finding {
	var list []finding
	place := map[driftCase]int{}
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			if !s.Drift {
				continue
			}
			c := caseOf(s)
			i, ok := place[c]
			if !ok {
				i = len(list)
				place[c] = i
				list = append(list, c.finding())
			}
			list[i].items = append(list[i].items, item{
				key: name(n.Device) + " " + s.Setting.String(), what: name(n.Device) + " " + settingWords(s.Setting),
				now: number(s.Current), wanted: number(s.Desired), since: at(s.DriftSince, now), sinceWord: "since ", message: driftMessage(s),
			})
		}
	}
	return list
}

// driftMessage is what the planner says, without the numbers that stand before it
// on the page.
func driftMessage(s agent.SettingReport) string {
	text := strings.TrimPrefix(s.Message, fmt.Sprintf("%d, should be %d", s.Current, s.Desired))
	return sentence(message(strings.TrimPrefix(text, "; ")))
}

// finding is the case in words, without its settings.
func (c driftCase) finding() finding {
	f := finding{
		key: "drift " + c.reason.String() + " " + c.action.String() + " " + c.source.String(), kind: kindDrift, badge: kindDrift + ": " + reasonWords(c.reason), tone: toneBad,
		title: "Not as wanted: " + reasonWords(c.reason), runbook: "EnituneDrift",
		remedy: "`journalctl -u enitune -e` tells what the daemon does about it.",
	}
	switch c.reason {
	case plan.BelowDesired:
		f.title = "Less than wanted"
		if c.action == plan.Report {
			f.title, f.runbook = "Less than wanted, and not to be written here", "EnituneDriftObserved"
			f.remedy = "Set `reconcile.mode: enforce` and name the setting in `reconcile.settings`, then `sudo enitune reload`."
		} else {
			f.remedy = "The daemon is about to write it. If this stays, `journalctl -u enitune -e` tells why."
		}
	case plan.AboveDesired:
		c.above(&f)
	case plan.DeviceMax:
		c.deviceMax(&f)
	case plan.KernelRefused:
		f.title, f.runbook = "The kernel refuses the change", "EnituneKernelRefused"
		f.remedy = "Go by the kernel's words. An XDP program on the NIC can hold its queues: `ip link show` names it. The write is tried again by itself."
	case plan.Contested:
		f.title, f.runbook = "Another program keeps changing it back", "EnituneContested"
		f.remedy = "Find that program with `sudo enitune doctor --rivals` and take the setting from it; or give way with `manage: false` in a rule of `nics:`."
	case plan.Held:
		f.title, f.runbook = "Waiting: too many writes in a short time", "EnituneContested"
		f.remedy = "It is written when the budget refills. The changes below show who writes so often; `reconcile.change_budget` allows more."
	case plan.InSync, plan.Unsupported, plan.Unreadable, plan.NoDesiredValue, plan.Excluded, plan.NoENI, plan.DuplicateMAC: // no drift
	}
	return f
}

func (c driftCase) above(f *finding) {
	f.title, f.runbook = "More than wanted", "EnituneAboveDesired"
	switch {
	case c.action == plan.Set:
		f.remedy = "The daemon is about to lower it. If this stays, `journalctl -u enitune -e` tells why."
	case c.source == plan.Override:
		f.remedy = "Set `reconcile.mode: enforce` and name the setting in `reconcile.settings`, then `sudo enitune reload`."
	default:
		f.remedy = "To lower it, set `reconcile.shrink: true`, then `sudo enitune reload`. To keep it, give the ENI as much with `enitune eni set`, or write the number into a rule of `nics:`."
	}
}

func (c driftCase) deviceMax(f *finding) {
	if c.source == plan.Override {
		f.title, f.runbook = "A rule asks for more than the NIC offers", "EnituneDrift"
		f.remedy = "Lower the number in the rule of `nics:`, then `sudo enitune reload`."
		return
	}
	f.title, f.runbook = "The instance must be stopped and started", "EnituneRestartNeeded"
	f.remedy = "Stop and start the instance, which is more than a reboot from within; or detach the ENI and attach it again. Until then the most that the NIC offers is in force."
}

// staleFinding is for a desired state that could not be renewed.
// oldAfter is more than the longest resync_interval allows between two reports under
// ordinary settings.
const oldAfter = 10 * time.Minute

// oldFinding is for a daemon that answers and no longer looks at the NICs.
func oldFinding(r agent.Report, now time.Time) finding {
	return finding{
		key: "old", kind: kindWarning, badge: kindWarning, tone: toneWarn, title: "The report is old", runbook: "EnituneReportOld",
		facts:  []string{"The daemon answers, and has not looked at the NICs again. All on this page may have changed since."},
		items:  []item{{key: "report", what: "Last look", since: at(r.Time, now), sinceWord: "at "}},
		remedy: "`journalctl -u enitune` tells whether a driver holds it up in the kernel; `sudo systemctl restart enitune` starts it anew.",
	}
}

func staleFinding(r agent.Report, now time.Time) finding {
	f := finding{
		key: "stale", kind: kindWarning, badge: kindWarning, tone: toneWarn, title: "The desired state is stale", runbook: "EnituneDesiredStale",
		facts:  []string{"The cloud could not be read again. The last known desired state stays in force, and changes of the ENIs are not seen."},
		remedy: "`sudo enitune doctor` finds out what is missing; then `sudo enitune refresh` reads the cloud at once.",
	}
	if read := at(r.Desired.FetchedAt, now); read.machine != "" {
		f.items = []item{{key: "read", what: "Last read", since: read, sinceWord: "at "}}
	}
	return f
}

// missingNICs is for ENIs that should have a NIC here.
func missingNICs(r agent.Report) (finding, bool) {
	f := finding{
		key: "nic missing", kind: kindWarning, badge: kindWarning, tone: toneWarn, title: "An ENI has no NIC in this guest", runbook: "EnituneNICMissing",
		remedy: "`sudo enitune refresh`, since the ENI may have been detached meanwhile. Its NIC may have been moved into a container's network namespace, where it is not seen; else `dmesg` tells why no driver took it.",
	}
	for _, u := range r.Unmatched {
		if u.Reason == agent.NICMissing {
			f.items = append(f.items, item{key: name(u.ENI) + " " + name(u.MAC), what: orDash(name(u.ENI)), message: orDash(name(u.MAC))})
		}
	}
	if len(f.items) > 1 {
		f.title = plural(len(f.items), "ENI") + " have no NIC in this guest"
	}
	return f, len(f.items) > 0
}

// deadEvents are event sources that the kernel has and that do not work.
func deadEvents(r agent.Report) []finding {
	var list []finding
	for _, s := range r.Events {
		if s.Up || unsupported(s) || s.LastAttempt.IsZero() && s.Error == "" {
			continue
		}
		f := finding{
			key: "event " + name(s.Source), kind: kindWarning, badge: kindWarning, tone: toneWarn, runbook: "EnituneEventSourceDown",
			title:  "No " + componentWords(s.Source) + " arrive from the kernel",
			facts:  []string{"Changes are found at the regular look only, every `reconcile.resync_interval`."},
			remedy: "The daemon opens the source again by itself. If this stays, `journalctl -u enitune -e` tells why.",
		}
		if s.Error != "" {
			f.items = []item{{key: "error", message: sentence(message(s.Error))}}
		}
		list = append(list, f)
	}
	return list
}

// errorFindings has one for each kind of error, with all messages of that kind.
func errorFindings(r agent.Report) []finding {
	type kind struct {
		component agent.Component
		class     string
	}
	var list []finding
	place := map[kind]int{}
	for _, e := range r.Errors {
		k := kind{e.Component, e.Class}
		i, ok := place[k]
		if !ok {
			i = len(list)
			place[k] = i
			list = append(list, errorFinding(e, r))
		}
		list[i].items = append(list[i].items, item{key: name(e.Message), message: sentence(message(e.Message))})
	}
	return list
}

// errorFinding is the kind of an error in words, without its message.
func errorFinding(e agent.Problem, r agent.Report) finding {
	f := finding{key: "error " + name(string(e.Component)) + " " + name(e.Class), kind: kindError, badge: kindError, tone: toneWarn}
	switch {
	case !r.Determined:
		f.tone, f.runbook = toneBad, "EnituneUndetermined"
	case r.Desired.Stale:
		f.runbook = "EnituneDesiredStale"
	}
	switch e.Component {
	case agent.ComponentConfig:
		f.title, f.tone, f.runbook = "The configuration file is refused", toneBad, "EnituneConfigRefused"
		f.facts = []string{"An older configuration is in force."}
		f.remedy = "Correct the file, try it with `enitune config check`, then `sudo enitune reload`."
	case agent.ComponentAPI:
		apiError(&f, e.Class)
	case agent.ComponentMetadata:
		f.title = "The metadata service does not answer as it should"
		f.remedy = "`sudo enitune doctor` tries it. It must be enabled for the instance, and no firewall rule or proxy may stand before 100.100.100.200."
	case agent.ComponentKernel:
		f.title, f.remedy = "The kernel does not tell all of the NICs", "Go by the kernel's words. `sudo enitune doctor` tells what is missing here."
		if e.Class == agent.ClassDuplicate {
			f.title, f.remedy = "An address is not of one NIC and one ENI only", "Give the copy another address. Until then the NICs that share it are left alone."
		}
	case agent.ComponentState:
		f.runbook = "EnituneStateFault"
		f.title, f.remedy = "The cached desired state is not usable", "It is written anew when the cloud answers. `sudo enitune doctor` looks at the folder."
	default:
		f.title, f.remedy = "Error: "+name(string(e.Component)), "`sudo enitune doctor` finds out what is missing."
	}
	return f
}

// apiError is for what the ECS API refuses or says.
func apiError(f *finding, class string) {
	f.title, f.remedy = "The ECS API fails", "`sudo enitune doctor` finds out what stands in the way. The daemon tries again by itself."
	switch class {
	case eni.ClassDenied.String():
		f.title, f.runbook = "A RAM permission is missing", "EnituneAPIDenied"
		f.remedy = "Allow the instance's RAM role what `docs/ram-policies/read-only-agent.json` lists. `sudo enitune doctor` names each permission that is missing. Then `sudo enitune refresh`."
	case eni.ClassCredentials.String():
		f.title, f.runbook = "No valid credentials for the ECS API", "EnituneAPIDenied"
		f.remedy = "Attach a RAM role to the instance. `sudo enitune doctor` tells which credentials are in use. Then `sudo enitune refresh`."
	case eni.ClassThrottled.String():
		f.title, f.remedy = "The ECS API is throttling", "None is needed: it is tried again, slower each time. The limit is shared by the whole account."
	case eni.ClassNetwork.String():
		f.title = "The ECS API cannot be reached"
	case agent.ClassUnasked:
		f.title, f.remedy = "The ECS API was not asked", "It is not known which instance this is. See the metadata service; or set `cloud.instance_id` and `cloud.region`."
	case eni.ClassInvalid.String():
		f.runbook = "EnituneAPIInvalid"
		f.title, f.remedy = "What the ECS API says cannot be used", "Correct the ENI or its tags as the message says, then `sudo enitune refresh`."
	}
}
