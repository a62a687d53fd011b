package metrics

import (
	"cmp"
	"maps"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
)

// descs are the descriptions of the metrics that are made from a report.
type descs struct {
	nicInfo, current, desired, maximum, drift, reason, driftSince *prometheus.Desc
	unmatched, changes, foreign                                   *prometheus.Desc
	sourceUp, sourceSuccess, eventUp, eventSupported              *prometheus.Desc
	instance, determined, problem                                 *prometheus.Desc
	stale, report, build, configOK, configLoaded                  *prometheus.Desc
}

func newDescs() descs {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("enitune_"+name, help, labels, nil)
	}
	setting := []string{"device", "eni", "setting"}
	return descs{
		nicInfo:        d("nic_info", "A NIC that is or could be an ENI's guest side; eni is empty if no ENI has its address. Always 1.", "device", "eni", "mac", "type", "driver"),
		current:        d("setting_current", "Value in force in the kernel (queues: channels; rings: descriptors).", setting...),
		desired:        d("setting_desired", "Value that the setting should have; absent if no source has one.", setting...),
		maximum:        d("setting_max", "Largest value that the driver accepts.", setting...),
		drift:          d("drift", "1 if the setting is not as it is wanted, else 0.", setting...),
		reason:         d("setting_reason", "Why the setting is as it is, and which source its desired value has. Always 1.", "device", "eni", "setting", "reason", "source"),
		driftSince:     d("drift_since_timestamp_seconds", "Unix time at which the present drift was first seen; absent while there is none.", setting...),
		unmatched:      d("eni_unmatched", "An ENI of the instance without a NIC in the guest. Always 1.", "eni", "mac", "reason"),
		changes:        d("changes_total", "Writes by enitune, by whether a new read showed the value (result ok or refused).", "device", "eni", "setting", "result"),
		foreign:        d("foreign_changes_total", "Changes that someone else made to the setting.", setting...),
		sourceUp:       d("source_up", "1 if the last attempt to read the source succeeded, else 0.", "source"),
		sourceSuccess:  d("source_last_success_timestamp_seconds", "Unix time of the last successful read of the source; absent before the first.", "source"),
		eventUp:        d("event_source_up", "1 if kernel events arrive from the source; 0 means that changes are found by polling.", "source"),
		eventSupported: d("event_source_supported", "1 if the kernel has the event source, else 0.", "source"),
		instance:       d("instance_info", "The instance that the agent runs on; absent while it is not known. Always 1.", "instance_id", "region", "instance_type"),
		determined:     d("determined", "1 if the desired state of every managed NIC and the NICs themselves could be found out, else 0."),
		problem:        d("problem", "Something went wrong in a component, by the class of failure; absent while nothing does. Always 1.", "component", "class"),
		stale:          d("desired_stale", "1 if the desired state could not be renewed and the last good one is enforced, else 0."),
		report:         d("report_timestamp_seconds", "Unix time of the last report."),
		configOK:       d("config_last_reload_successful", "1 if the configuration file was in force after the last attempt to load it, 0 if it was refused and an older one is in force."),
		configLoaded:   d("config_last_reload_success_timestamp_seconds", "Unix time at which the configuration in force was loaded."),
		build:          d("build_info", "Version of enitune. Always 1.", "version", "revision", "goversion"),
	}
}

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(ch chan<- *prometheus.Desc) {
	d := m.descs
	for _, desc := range []*prometheus.Desc{d.nicInfo, d.current, d.desired, d.maximum, d.drift, d.reason, d.driftSince,
		d.unmatched, d.changes, d.foreign, d.sourceUp, d.sourceSuccess, d.eventUp, d.eventSupported, d.instance, d.determined, d.problem, d.stale, d.report, d.build, d.configOK, d.configLoaded} {
		ch <- desc
	}
	m.reconciles.Describe(ch)
	m.reconcileDuration.Describe(ch)
	m.repairDuration.Describe(ch)
	m.apiRequests.Describe(ch)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(ch chan<- prometheus.Metric) {
	e := emitter{descs: m.descs, ch: ch}
	e.gauge(e.build, 1, m.build.Version, m.build.Revision, m.build.GoVersion)
	m.reconciles.Collect(ch)
	m.reconcileDuration.Collect(ch)
	m.repairDuration.Collect(ch)
	m.apiRequests.Collect(ch)

	m.collectConfig(e)

	r, ok := m.report()
	for _, s := range r.Events {
		e.gauge(e.eventUp, flag(s.Up), s.Source)
		e.gauge(e.eventSupported, flag(s.Class != eni.ClassUnsupported.String()), s.Source)
	}
	if !ok {
		return
	}
	e.gauge(e.report, seconds(r.Time))
	e.gauge(e.stale, flag(r.Desired.Stale))
	e.gauge(e.determined, flag(r.Determined))
	if r.Instance.ID != "" {
		e.gauge(e.instance, 1, r.Instance.ID, r.Instance.Region, r.Instance.Type)
	}
	e.problems(r.Errors)
	for _, s := range r.Sources {
		e.gauge(e.sourceUp, flag(s.Up), s.Source)
		if !s.LastSuccess.IsZero() {
			e.gauge(e.sourceSuccess, seconds(s.LastSuccess), s.Source)
		}
	}
	for _, u := range r.Unmatched {
		e.gauge(e.unmatched, 1, u.ENI, u.MAC, string(u.Reason))
	}
	for _, n := range r.NICs {
		e.nic(n)
	}
	m.collectCounters(e, r)
}

// Keep forgets the counters of NICs that are not in a report. It is to be called
// with every new one: a scrape in the middle of a reconcile must not forget what
// the next report will show.
func (m *Metrics) Keep(r agent.Report) {
	present := settingsOf(r)
	m.mu.Lock()
	defer m.mu.Unlock()
	maps.DeleteFunc(m.changes, func(k changeKey, _ float64) bool { return !present[k.settingKey] })
	maps.DeleteFunc(m.foreign, func(k settingKey, _ float64) bool { return !present[k] })
}

func settingsOf(r agent.Report) map[settingKey]bool {
	present := map[settingKey]bool{}
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			present[settingKey{n.Device, n.ENI, s.Setting}] = true
		}
	}
	return present
}

// collectConfig emits how the configuration was loaded, which only the daemon
// does more than once.
func (m *Metrics) collectConfig(e emitter) {
	m.mu.Lock()
	c := m.config
	m.mu.Unlock()
	if c.tried {
		e.gauge(e.configOK, flag(c.ok))
		e.gauge(e.configLoaded, seconds(c.loaded))
	}
}

// collectCounters emits the counters of the report's NICs.
func (m *Metrics) collectCounters(e emitter, r agent.Report) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for k := range settingsOf(r) {
		if k.eni == "" && m.foreign[k] == 0 && m.changes[changeKey{k, agent.ChangeOK}] == 0 {
			continue // left alone
		}
		setting := k.setting.String()
		e.counter(e.foreign, m.foreign[k], k.device, k.eni, setting)
		for _, result := range []agent.ChangeResult{agent.ChangeOK, agent.ChangeRefused} {
			e.counter(e.changes, m.changes[changeKey{k, result}], k.device, k.eni, setting, string(result))
		}
	}
}

// emitter sends metrics made from values.
type emitter struct {
	descs
	ch chan<- prometheus.Metric
}

func (e emitter) gauge(d *prometheus.Desc, v float64, labels ...string) {
	e.send(d, prometheus.GaugeValue, v, labels)
}

func (e emitter) counter(d *prometheus.Desc, v float64, labels ...string) {
	e.send(d, prometheus.CounterValue, v, labels)
}

// send emits one metric. The kernel lets device names be any bytes, Prometheus
// wants labels in UTF-8.
func (e emitter) send(d *prometheus.Desc, t prometheus.ValueType, v float64, labels []string) {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "\uFFFD")
	}
	e.ch <- prometheus.MustNewConstMetric(d, t, v, labels...)
}

// problems emits each kind of problem once, however many there are of it.
func (e emitter) problems(list []agent.Problem) {
	type kind struct{ component, class string }
	seen := map[kind]bool{}
	for _, p := range list {
		k := kind{string(p.Component), cmp.Or(p.Class, agent.ClassOther)}
		if !seen[k] {
			seen[k] = true
			e.gauge(e.problem, 1, k.component, k.class)
		}
	}
}

func (e emitter) nic(n agent.NICReport) {
	e.gauge(e.nicInfo, 1, n.Device, n.ENI, n.MAC, n.Type, n.Driver)
	for _, s := range n.Settings {
		e.setting(n.Device, n.ENI, s.Setting, s)
	}
}

func (e emitter) setting(device, eni string, setting nic.Setting, s agent.SettingReport) {
	labels := []string{device, eni, setting.String()}
	e.gauge(e.drift, flag(s.Drift), labels...)
	e.gauge(e.reason, 1, device, eni, setting.String(), s.Reason.String(), s.Source.String())
	if s.Max > 0 {
		e.gauge(e.current, float64(s.Current), labels...)
		e.gauge(e.maximum, float64(s.Max), labels...)
	}
	if s.Desired > 0 {
		e.gauge(e.desired, float64(s.Desired), labels...)
	}
	if !s.DriftSince.IsZero() {
		e.gauge(e.driftSince, seconds(s.DriftSince), labels...)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
