// Package metrics shows the agent's reports to Prometheus. A scrape reads the
// last report from memory: it makes no system call on a NIC and no API call.
package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
)

// Build identifies the running program.
type Build struct {
	Version, Revision, GoVersion string
}

// Metrics collects everything that enitune exports. It is a
// prometheus.Collector and an agent.Recorder, safe for concurrent use.
type Metrics struct {
	report func() (agent.Report, bool)
	build  Build
	descs  descs

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
	return &Metrics{
		report: report,
		build:  build,
		descs:  newDescs(),
		reconciles: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "enitune_reconciles_total",
			Help: "Reconciles by what triggered them and whether everything could be determined (result ok or error).",
		}, []string{"trigger", "result"}),
		reconcileDuration: histogram("enitune_reconcile_duration_seconds",
			"Time that one reconcile took, from reading the NICs to the verified result."),
		repairDuration: histogram("enitune_repair_duration_seconds",
			"Time from a kernel event that announced a change to the verified write that repaired it."),
		apiRequests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "enitune_api_requests_total",
			Help: "HTTP requests to the ECS API by action and result code (OK, the API's error code, or a client-side class).",
		}, []string{"action", "code"}),
		changes: map[changeKey]float64{},
		foreign: map[settingKey]float64{},
		codes:   map[string]struct{}{},
	}
}

// histogram makes a native histogram that also has classic buckets, from 100 µs
// to 10 s.
func histogram(name, help string) prometheus.Histogram {
	return prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: name, Help: help,
		Buckets:                         []float64{0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	})
}

// Registry gathers m, and with runtime also the Go runtime's and the process's
// own metrics.
func (m *Metrics) Registry(runtime bool) (*prometheus.Registry, error) {
	reg := prometheus.NewPedanticRegistry()
	list := []prometheus.Collector{m}
	if runtime {
		list = append(list, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	}
	for _, c := range list {
		if err := reg.Register(c); err != nil {
			return nil, err
		}
	}
	return reg, nil
}

// Reconciled implements agent.Recorder.
func (m *Metrics) Reconciled(trigger string, ok bool, took time.Duration) {
	result := "ok"
	if !ok {
		result = "error"
	}
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
