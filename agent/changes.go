package agent

import (
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// LogReport writes to the log what a report that follows no other says: what was
// changed, what drifts, and what went wrong.
func LogReport(log *slog.Logger, r Report) { logChanges(log, Report{}, r, true) }

// logChanges writes to the log what a report says and the one before did not:
// every change of state once, not each cycle.
func logChanges(log *slog.Logger, before, now Report, first bool) {
	earlier, gone := earlierOf(now.NICs, before.NICs)
	for i, n := range now.NICs {
		if earlier[i] == nil && !first {
			log.Info("NIC appeared", "device", n.Device, "eni", n.ENI, "mac", n.MAC)
		}
		for _, s := range n.Settings {
			logSetting(log, n, s, settingOf(earlier[i], s.Setting))
		}
	}
	for _, n := range gone {
		log.Info("NIC is gone", "device", n.Device, "mac", n.MAC)
	}
	logProblems(log, before, now)
	logOrigin(log, before.Desired, now.Desired)
}

// earlierOf finds what each NIC was in the report before: by its address, and of
// several with one address by its name; nil for none. gone are those that no NIC was.
func earlierOf(now, before []NICReport) (earlier []*NICReport, gone []*NICReport) {
	earlier = make([]*NICReport, len(now))
	for i := range before {
		gone = append(gone, &before[i])
	}
	for _, same := range []func(a, b NICReport) bool{
		func(a, b NICReport) bool { return a.MAC == b.MAC && a.Device == b.Device },
		func(a, b NICReport) bool { return a.MAC == b.MAC }, // renamed
	} {
		for i, n := range now {
			if earlier[i] != nil {
				continue
			}
			if at := slices.IndexFunc(gone, func(b *NICReport) bool { return same(n, *b) }); at >= 0 {
				earlier[i] = gone[at]
				gone = slices.Delete(gone, at, at+1)
			}
		}
	}
	return earlier, gone
}

// settingOf is a setting of a NIC; zero if either is not there.
func settingOf(n *NICReport, s nic.Setting) SettingReport {
	if n != nil {
		for _, sr := range n.Settings {
			if sr.Setting == s {
				return sr
			}
		}
	}
	return SettingReport{}
}

// logReverts names what others did, which the repairs that follow answer.
func logReverts(log *slog.Logger, reverts []Revert) {
	for _, r := range reverts {
		text := fmt.Sprintf("%s %s: another program changed %d to %d", r.Device, r.Setting, r.From, r.To)
		log.Info(text, "device", r.Device, "eni", r.ENI, "setting", r.Setting.String(), "current", r.To)
	}
}

// logWritten names what was done in a reconcile that ended before its report was
// whole; nobody else will.
func logWritten(log *slog.Logger, o Outcome) {
	logReverts(log, o.Reverts)
	for _, n := range o.Report.NICs {
		for _, s := range n.Settings {
			if s.Applied != nil {
				logSetting(log, n, s, SettingReport{})
			}
		}
	}
}

func logSetting(log *slog.Logger, n NICReport, s, before SettingReport) {
	attrs := []any{"device", n.Device, "eni", n.ENI, "setting", s.Setting.String(), "current", s.Current,
		"desired", s.Desired, "source", s.Source.String(), "reason", s.Reason.String()}
	switch {
	case s.Applied != nil && s.Drift:
		log.Warn(fmt.Sprintf("%s %s: %d -> %d, still drifted: %s", n.Device, s.Setting, s.Applied.From, s.Applied.To, s.Message), attrs...)
	case s.Applied != nil:
		log.Info(fmt.Sprintf("%s %s: %d -> %d", n.Device, s.Setting, s.Applied.From, s.Applied.To), attrs...)
	case s.Reason == before.Reason && s.Current == before.Current && s.Desired == before.Desired:
	case s.Reason == before.Reason && s.Reason == plan.Contested: // it goes on changing
	case s.Drift, s.Reason == plan.Unreadable, s.Reason == plan.DuplicateMAC:
		log.Warn(fmt.Sprintf("%s %s: %s", n.Device, s.Setting, s.Message), attrs...)
	case before.Drift:
		log.Info(fmt.Sprintf("%s %s: no longer drifted", n.Device, s.Setting), attrs...)
	default:
		log.Debug(fmt.Sprintf("%s %s: %s", n.Device, s.Setting, s.Reason), attrs...)
	}
}

func logProblems(log *slog.Logger, before, now Report) {
	for _, p := range now.Errors {
		if !slices.Contains(before.Errors, p) && !ofSource(p, now.Sources) {
			log.Error(p.Message, "component", string(p.Component))
		}
	}
	for _, s := range now.Sources {
		logSource(log, sourceOf(before.Sources, s.Source), s)
	}
	for _, u := range now.Unmatched {
		if u.Reason == NICMissing && !slices.Contains(before.Unmatched, u) {
			log.Warn("ENI has no NIC in this network namespace", "eni", u.ENI, "mac", u.MAC)
		}
	}
}

// logSource tells when a source fails and when it answers again. What it says
// while it goes on failing differs by request id and attempt, and is of interest
// only when debugging.
func logSource(log *slog.Logger, before, now SourceHealth) {
	switch {
	case now.Error != "" && before.Error == "":
		log.Error(now.Error, "component", now.Source)
	case now.Error != before.Error && now.Error != "":
		log.Debug(now.Error, "component", now.Source)
	case before.Error != "" && now.Up:
		log.Info(sourceName(now.Source)+" answers again", "component", now.Source)
	}
}

// sourceName is what an operator calls a source.
func sourceName(source string) string {
	switch Component(source) {
	case ComponentMetadata:
		return "the metadata service"
	case ComponentAPI:
		return "the ECS API"
	case ComponentKernel, ComponentState, ComponentConfig:
	}
	return "the " + source
}

func sourceOf(list []SourceHealth, name string) SourceHealth {
	for _, s := range list {
		if s.Source == name {
			return s
		}
	}
	return SourceHealth{}
}

// ofSource tells whether a problem is the failure of a source.
func ofSource(p Problem, sources []SourceHealth) bool {
	return sourceOf(sources, string(p.Component)).Error == p.Message
}

func logOrigin(log *slog.Logger, before, now Origin) {
	if before.Origin == now.Origin && before.Stale == now.Stale || before.Origin == "" && now.Origin == OriginNone {
		return
	}
	text := "desired state: from the cache"
	switch {
	case now.Stale:
		text = "desired state: stale, because the cloud cannot be read; what is known goes on to hold"
	case now.Origin == OriginAPI:
		text = "desired state: read from the cloud"
	case now.Origin == OriginNone:
		text = "desired state: not known any more"
	}
	attrs := []any{"origin", now.Origin, "stale", now.Stale}
	if !now.FetchedAt.IsZero() {
		attrs = append(attrs, "fetched_at", now.FetchedAt.UTC().Format(time.RFC3339))
	}
	log.Info(text, attrs...)
}
