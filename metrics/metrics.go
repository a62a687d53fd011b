// Package metrics shows the agent's reports to Prometheus. A scrape reads the
// last report from memory: it makes no system call on a NIC and no API call.
package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
)

// Build identifies the running program.
type Build struct {
	Version, Revision, GoVersion string
}

// Metrics gathers everything that enitune exports. It is a prometheus.Gatherer
// and an agent.Recorder, safe for concurrent use.
type Metrics struct {
	report    func() (agent.Report, bool)
	build     Build
	catalogue catalogue
	recorded  *prometheus.Registry // of the four below
	runtime   *prometheus.Registry // of Go and of the handler; empty outside of the daemon
	process   *process             // nil outside of the daemon

	reconciles        *prometheus.CounterVec
	reconcileDuration prometheus.Histogram
	repairDuration    prometheus.Histogram
	apiRequests       *prometheus.CounterVec

	mu      sync.Mutex
	changes map[changeKey]float64
	foreign map[settingKey]float64
	codes   map[string]struct{} // seen as label "code"
	config  configHealth
}

// configHealth is how the last load of the configuration went.
type configHealth struct {
	tried, ok bool
	loaded    time.Time // of the last one that went well
}

// settingKey identifies the series of one setting.
type settingKey struct {
	device, eni string
	setting     nic.Setting
}

type changeKey struct {
	settingKey
	result agent.ChangeResult
}

// maxCodes bounds the label "code", whose values come from a server. The ECS
// API documents about 80 codes for the calls made here.
const maxCodes = 100

// New makes the metrics of an agent. report gives its last report; ok is false
// while there is none.
func New(report func() (r agent.Report, ok bool), build Build) *Metrics {
	c := newCatalogue()
	m := &Metrics{
		report: report, build: build, catalogue: c,
		recorded: prometheus.NewPedanticRegistry(), runtime: prometheus.NewPedanticRegistry(),
		reconciles:        counters(c.reconciles),
		reconcileDuration: histogram(c.reconcileDuration),
		repairDuration:    histogram(c.repairDuration),
		apiRequests:       counters(c.apiRequests),
		changes:           map[changeKey]float64{},
		foreign:           map[settingKey]float64{},
		codes:             map[string]struct{}{},
	}
	m.recorded.MustRegister(m.reconciles, m.reconcileDuration, m.repairDuration, m.apiRequests)
	return m
}

func counters(d *Description) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Name, Help: d.Help}, d.Labels)
}

// histogram makes a native histogram that also has classic buckets, from 100 µs
// to 10 s.
func histogram(d *Description) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: d.Name, Help: d.Help,
		Buckets:                         []float64{0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	})
}

// Descriptions lists every metric of enitune's own.
func (m *Metrics) Descriptions() []Description {
	var list []Description
	for _, d := range m.catalogue.all() {
		list = append(list, *d)
	}
	return list
}

// Reconciled implements agent.Recorder.
func (m *Metrics) Reconciled(trigger string, ok bool, took time.Duration) {
	result := "ok"
	if !ok {
		result = "error"
	}
	m.reconciles.WithLabelValues(trigger, "error") // so that the first one is seen to come
	m.reconciles.WithLabelValues(trigger, result).Inc()
	m.reconcileDuration.Observe(took.Seconds())
}

// Repaired implements agent.Recorder.
func (m *Metrics) Repaired(took time.Duration) { m.repairDuration.Observe(took.Seconds()) }

// ConfigLoaded notes that the configuration was read at a time, and whether it is
// in force.
func (m *Metrics) ConfigLoaded(ok bool, at time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.config.tried, m.config.ok = true, ok
	if ok {
		m.config.loaded = at
	}
}

// Changed implements agent.Recorder.
func (m *Metrics) Changed(device, eni string, s nic.Setting, result agent.ChangeResult) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.changes[changeKey{settingKey{device, eni, s}, result}]++
}

// ForeignChange implements agent.Recorder.
func (m *Metrics) ForeignChange(device, eni string, s nic.Setting) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.foreign[settingKey{device, eni, s}]++
}

// APIRequest counts one HTTP request to the ECS API.
func (m *Metrics) APIRequest(action, code string) {
	m.apiRequests.WithLabelValues(action, m.boundedCode(code)).Inc()
}

// boundedCode keeps a server from making series without end.
func (m *Metrics) boundedCode(code string) string {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.codes[code]; !ok && (len(m.codes) >= maxCodes || !plainCode(code)) {
		return "other"
	}
	m.codes[code] = struct{}{}
	return code
}

// plainCode tells whether a code looks like the API's: letters, digits, dots,
// dashes and underscores, at most 80.
func plainCode(code string) bool {
	for _, r := range code {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' {
			return false
		}
	}
	return len(code) > 0 && len(code) <= 80
}
