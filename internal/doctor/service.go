package doctor

import (
	"fmt"
	"strings"
	"time"

	"github.com/enitune/enitune/agent"
)

func checkConfig(f Facts) []Finding {
	a := f.Agent
	var found []Finding
	for _, err := range a.ConfigErrs {
		for line := range strings.Lines(err.Error()) {
			found = append(found, Finding{CheckConfig, a.ConfigPath, Fail, strings.TrimSpace(line),
				"correct it; `enitune config check` tests it again. The other checks here went by the defaults"})
		}
	}
	switch {
	case len(found) > 0:
		return found
	case !a.ConfigFound:
		return []Finding{{CheckConfig, a.ConfigPath, OK, "there is no such file, so the defaults hold", ""}}
	default:
		return []Finding{{CheckConfig, a.ConfigPath, OK, "valid", ""}}
	}
}

func checkStateDir(f Facts) []Finding {
	a := f.Agent
	finding := func(status Status, message, remedy string) []Finding {
		return []Finding{{CheckStateDir, a.StateDir, status, message, remedy}}
	}
	switch {
	case a.StateDirErr == nil && a.StateDirNew:
		return finding(OK, "it does not exist yet and is made when it is needed", "")
	case a.StateDirErr == nil:
		return finding(OK, "writable", "")
	case !f.Guest.Root:
		return finding(Note, "this user may not write to it: "+a.StateDirErr.Error(), "run `sudo enitune doctor` to test it as the daemon uses it")
	default:
		return finding(Fail, "not writable: "+a.StateDirErr.Error()+"; the desired state is then forgotten at a restart",
			"make it writable, or name another folder in state_dir")
	}
}

func checkState(f Facts) []Finding {
	a := f.Agent
	switch {
	case !f.Cloud.Enabled:
		return nil
	case a.CacheErr != nil:
		return one(CheckState, Warn, a.CacheErr.Error(), "")
	case a.Cached == nil:
		return one(CheckState, Note, "no desired state is cached yet, so a boot without the cloud has nothing to enforce",
			"run `enitune apply` once, or start the daemon")
	default:
		return one(CheckState, OK, fmt.Sprintf("the desired state of %s is cached, read %s", a.Cached.InstanceID,
			a.Cached.FetchedAt.UTC().Format(time.RFC3339)), "")
	}
}

func checkDaemon(f Facts) []Finding {
	a := f.Agent
	switch d := a.Daemon; {
	case d == nil && a.UnitEnabled:
		return one(CheckDaemon, Warn, fmt.Sprintf("%v, although enitune.service is enabled", a.DaemonErr),
			"systemctl status enitune; journalctl -u enitune says why")
	case d == nil:
		return one(CheckDaemon, Note, fmt.Sprintf("%v", a.DaemonErr),
			"systemctl enable --now enitune, unless `enitune apply` at boot is all that you want")
	case d.ReportErr != nil:
		return one(CheckDaemon, Warn, fmt.Sprintf("it runs (pid %d) and gives no report: %v", d.PID, d.ReportErr), "journalctl -u enitune says why")
	default:
		return health(*d, *d.Report)
	}
}

// health judges the running daemon's last report.
func health(d Daemon, r agent.Report) []Finding {
	var found []Finding
	add := func(status Status, remedy, format string, args ...any) {
		found = append(found, Finding{CheckDaemon, "", status, fmt.Sprintf(format, args...), remedy})
	}
	status := Warn
	if !r.Determined {
		status = Fail
	}
	for _, p := range r.Errors {
		add(status, "`enitune status` shows it; the cloud checks here tell more", "it runs (pid %d) and reports: %s: %s", d.PID, p.Component, p.Message)
	}
	if r.Desired.Stale {
		add(Warn, "see the cloud checks here", "it enforces a desired state that it could not renew since %s", r.Desired.FetchedAt.UTC().Format(time.RFC3339))
	}
	if r.Drifted() {
		add(Note, "`enitune status` tells each reason", "it reports drift")
	}
	if len(found) == 0 {
		add(OK, "", "it runs (pid %d), and all is determined", d.PID)
	}
	return found
}
