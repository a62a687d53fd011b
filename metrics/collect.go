package metrics

import (
	"cmp"
	"errors"
	"maps"
	"slices"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
)

// catalogue describes every metric of enitune's own.
type catalogue struct {
	reconciles, reconcileDuration, repairDuration, apiRequests    *Description
	nicInfo, current, desired, maximum, drift, reason, driftSince *Description
	unmatched, changes, foreign                                   *Description
	sourceUp, sourceSuccess, eventUp, eventSupported              *Description
	instance, determined, problem                                 *Description
	stale, desiredAt, enforced                                    *Description
	report, build, configOK, configLoaded                         *Description
}

func newCatalogue() catalogue {
	describe := func(k Kind) func(name, help string, labels ...string) *Description {
		return func(name, help string, labels ...string) *Description {
			return &Description{Name: "enitune_" + name, Help: help, Kind: k, Labels: labels}
		}
	}
	gauge, counter, histogram := describe(Gauge), describe(Counter), describe(Histogram)
	setting := []string{"device", "eni", "setting"}
	return catalogue{
		nicInfo:        gauge("nic_info", "A NIC that is or could be an ENI's guest side; eni is empty if no ENI has its address. Always 1.", "device", "eni", "mac", "type", "driver"),
		current:        gauge("setting_current", "Value in force in the kernel (queues: channels; rings: descriptors).", setting...),
		desired:        gauge("setting_desired", "Value that the setting should have; absent if no source has one.", setting...),
		maximum:        gauge("setting_max", "Largest value that the driver accepts.", setting...),
		drift:          gauge("drift", "1 if the setting is not as it is wanted, else 0.", setting...),
		reason:         gauge("setting_reason", "Why the setting is as it is, and which source its desired value has. Always 1.", "device", "eni", "setting", "reason", "source"),
		driftSince:     gauge("drift_since_timestamp_seconds", "Unix time at which the present drift was first seen; absent while there is none.", setting...),
		unmatched:      gauge("eni_unmatched", "An ENI of the instance without a NIC in the guest. Always 1.", "eni", "mac", "reason"),
		changes:        counter("changes_total", "Writes by enitune, by whether a new read showed the value (result ok or refused).", "device", "eni", "setting", "result"),
		foreign:        counter("foreign_changes_total", "Changes that someone else made to the setting.", setting...),
		sourceUp:       gauge("source_up", "1 if the last attempt to read the source succeeded, else 0.", "source"),
		sourceSuccess:  gauge("source_last_success_timestamp_seconds", "Unix time of the last successful read of the source; absent before the first.", "source"),
		eventUp:        gauge("event_source_up", "1 if kernel events arrive from the source; 0 means that changes are found by polling.", "source"),
		eventSupported: gauge("event_source_supported", "1 if the kernel has the event source, else 0.", "source"),
		instance:       gauge("instance_info", "The instance that the agent runs on; absent while it is not known. Always 1.", "instance_id", "region", "instance_type"),
		determined:     gauge("determined", "1 if the desired state of every managed NIC and the NICs themselves could be found out, else 0."),
		problem:        gauge("problem", "Something went wrong in a component, by the class of failure; absent while nothing does. Always 1.", "component", "class"),
		stale:          gauge("desired_stale", "1 if the desired state could not be renewed and the last good one is enforced, else 0."),
		desiredAt:      gauge("desired_timestamp_seconds", "Unix time at which the API gave the desired state in force; absent if none is known."),
		enforced:       gauge("setting_enforced", "1 if enitune may write the setting, 0 if it only reports it (reconcile.mode, reconcile.settings).", "setting"),
		report:         gauge("report_timestamp_seconds", "Unix time of the last report."),
		configOK:       gauge("config_last_reload_successful", "1 if the configuration file was in force after the last attempt to load it, 0 if it was refused and an older one is in force."),
		configLoaded:   gauge("config_last_reload_success_timestamp_seconds", "Unix time at which the configuration in force was loaded."),
		build:          gauge("build_info", "Version of enitune. Always 1.", "version", "revision", "goversion"),

		reconciles:        counter("reconciles_total", "Reconciles by what triggered them and whether everything could be determined (result ok or error).", "trigger", "result"),
		reconcileDuration: histogram("reconcile_duration_seconds", "Time that one reconcile took, from reading the NICs to the verified result."),
		repairDuration:    histogram("repair_duration_seconds", "Time from a kernel event that announced a change to the verified write that repaired it."),
		apiRequests:       counter("api_requests_total", "HTTP requests to the ECS API by action and result code (OK, the API's error code, or a client-side class).", "action", "code"),
	}
}

func (c catalogue) all() []*Description {
	return []*Description{c.nicInfo, c.current, c.desired, c.maximum, c.drift, c.reason, c.driftSince, c.unmatched, c.changes, c.foreign,
		c.sourceUp, c.sourceSuccess, c.eventUp, c.eventSupported, c.instance, c.determined, c.problem, c.stale, c.desiredAt, c.enforced, c.report, c.build,
		c.configOK, c.configLoaded, c.reconciles, c.reconcileDuration, c.repairDuration, c.apiRequests}
}

// Gather implements prometheus.Gatherer: what the last report shows and what was
// recorded and, once Handler was called, the process's own metrics.
func (m *Metrics) Gather() ([]*dto.MetricFamily, error) {
	recorded, err := m.recorded.Gather()
	runtime, runtimeErr := m.runtime.Gather()
	s := samples{newFamilies(), m.catalogue}
	s.add(s.build, 1, m.build.Version, m.build.Revision, m.build.GoVersion)
	r, ok := m.report()
	s.events(r.Events)
	if ok {
		s.whole(r)
		s.problems(r.Errors)
		for _, n := range r.NICs {
			s.nic(n)
		}
	}
	m.held(s, r)
	var processErr error
	if m.process != nil {
		processErr = m.process.add(s.families)
	}
	return s.sorted(recorded, runtime), errors.Join(err, runtimeErr, processErr)
}

// held adds what was recorded setting by setting, in the order of the report, and
// how the configuration was loaded, which only the daemon does more than once.
func (m *Metrics) held(s samples, r agent.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.config; c.tried {
		s.add(s.configOK, flag(c.ok))
		s.add(s.configLoaded, seconds(c.loaded))
	}
	for _, k := range settingsOf(r) {
		if k.eni == "" && m.foreign[k] == 0 && m.changes[changeKey{k, agent.ChangeOK}] == 0 {
			continue // left alone
		}
		setting := k.setting.String()
		s.add(s.foreign, m.foreign[k], k.device, k.eni, setting)
		for _, result := range []agent.ChangeResult{agent.ChangeOK, agent.ChangeRefused} {
			s.add(s.changes, m.changes[changeKey{k, result}], k.device, k.eni, setting, string(result))
		}
	}
}

// Keep forgets the counters of NICs that are not in a report. It is to be called
// with every new one: a scrape in the middle of a reconcile must not forget what
// the next report will show.
func (m *Metrics) Keep(r agent.Report) {
	present := map[settingKey]bool{}
	for _, k := range settingsOf(r) {
		present[k] = true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.changes, func(k changeKey, _ float64) bool { return !present[k.settingKey] })
	maps.DeleteFunc(m.foreign, func(k settingKey, _ float64) bool { return !present[k] })
}

func settingsOf(r agent.Report) []settingKey {
	var keys []settingKey
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			keys = append(keys, settingKey{n.Device, n.ENI, s.Setting})
		}
	}
	return keys
}

// samples turns a report into samples.
type samples struct {
	*families
	catalogue
}

func (s samples) events(sources []agent.SourceHealth) {
	for _, source := range sources {
		s.add(s.eventUp, flag(source.Up), source.Source)
		s.add(s.eventSupported, flag(source.Class != eni.ClassUnsupported.String()), source.Source)
	}
}

// whole adds what holds for the report as a whole.
func (s samples) whole(r agent.Report) {
	s.add(s.report, seconds(r.Time))
	s.add(s.stale, flag(r.Desired.Stale))
	s.add(s.determined, flag(r.Determined))
	if !r.Desired.FetchedAt.IsZero() {
		s.add(s.desiredAt, seconds(r.Desired.FetchedAt))
	}
	for _, setting := range nic.Settings() {
		s.add(s.enforced, flag(slices.Contains(r.Enforced, setting)), setting.String())
	}
	if r.Instance.ID != "" {
		s.add(s.instance, 1, r.Instance.ID, r.Instance.Region, r.Instance.Type)
	}
	for _, source := range r.Sources {
		s.add(s.sourceUp, flag(source.Up), source.Source)
		if !source.LastSuccess.IsZero() {
			s.add(s.sourceSuccess, seconds(source.LastSuccess), source.Source)
		}
	}
	for _, u := range r.Unmatched {
		s.add(s.unmatched, 1, u.ENI, u.MAC, string(u.Reason))
	}
}

// problems adds each kind of problem once, however many there are of it.
func (s samples) problems(list []agent.Problem) {
	type kind struct{ component, class string }
	seen := map[kind]bool{}
	for _, p := range list {
		k := kind{string(p.Component), cmp.Or(p.Class, agent.ClassOther)}
		if !seen[k] {
			seen[k] = true
			s.add(s.problem, 1, k.component, k.class)
		}
	}
}

func (s samples) nic(n agent.NICReport) {
	s.add(s.nicInfo, 1, n.Device, n.ENI, n.MAC, n.Type, n.Driver)
	for _, sr := range n.Settings {
		s.setting(n.Device, n.ENI, sr)
	}
}

func (s samples) setting(device, eni string, r agent.SettingReport) {
	l := labelsOf(s.drift.Labels, []string{device, eni, r.Setting.String()})
	s.addWith(s.drift, flag(r.Drift), l)
	s.add(s.reason, 1, device, eni, r.Setting.String(), r.Reason.String(), r.Source.String())
	if r.Max > 0 {
		s.addWith(s.current, float64(r.Current), l)
		s.addWith(s.maximum, float64(r.Max), l)
	}
	if r.Desired > 0 {
		s.addWith(s.desired, float64(r.Desired), l)
	}
	if !r.DriftSince.IsZero() {
		s.addWith(s.driftSince, seconds(r.DriftSince), l)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
