package metrics

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/enitune/enitune/agent"
)

// manyENIs is a report with n ENIs, half of which drift.
func manyENIs(n int) agent.Report {
	r := someReport()
	one := r.NICs[0]
	r.NICs = nil
	for i := range n {
		one.Device, one.ENI, one.MAC = fmt.Sprintf("eth%d", i), fmt.Sprintf("eni-bp1%017d", i), fmt.Sprintf("00:16:3e:00:00:%02x", i)
		one.Settings = append([]agent.SettingReport{}, one.Settings...)
		one.Settings[0].Drift = i%2 == 0
		r.NICs = append(r.NICs, one)
	}
	return r
}

// sink is a client that takes everything.
type sink struct {
	header http.Header
	bytes  int64
}

func (s *sink) Header() http.Header { return s.header }
func (s *sink) WriteHeader(int)     {}
func (s *sink) Write(b []byte) (int, error) {
	s.bytes += int64(len(b))
	return len(b), nil
}

// BenchmarkScrape is one scrape as the daemon answers it before compression, with
// the metrics of its process. "registry" is the baseline: the same samples through
// a collector and a registry, without encoding them.
func BenchmarkScrape(b *testing.B) {
	for _, n := range []int{1, 16, 64} {
		r := manyENIs(n)
		h := newMetrics(&r).Handler(slog.New(slog.DiscardHandler))
		for _, format := range []struct{ name, accept string }{
			{"text", ""},
			{"openmetrics", "application/openmetrics-text;version=1.0.0"},
			{"protobuf", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"},
		} {
			b.Run(fmt.Sprintf("enis=%d/%s", n, format.name), func(b *testing.B) {
				req, err := http.NewRequest(http.MethodGet, "/metrics", nil)
				if err != nil {
					b.Fatal(err)
				}
				req.Header.Set("Accept", format.accept)
				b.ReportAllocs()
				var bytes int64
				for b.Loop() {
					w := sink{header: http.Header{}}
					h.ServeHTTP(&w, req)
					bytes = w.bytes
				}
				b.ReportMetric(float64(bytes), "B/scrape")
			})
		}
		b.Run(fmt.Sprintf("enis=%d/gather", n), func(b *testing.B) { benchmarkGather(b, newMetrics(&r)) })
		b.Run(fmt.Sprintf("enis=%d/registry", n), func(b *testing.B) {
			reg := prometheus.NewRegistry()
			reg.MustRegister(newThroughRegistry(b, newMetrics(&r)))
			benchmarkGather(b, reg)
		})
	}
}

func benchmarkGather(b *testing.B, g prometheus.Gatherer) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}

// throughRegistry is a collector of the same samples, as exporters are usually
// written.
type throughRegistry struct {
	m     *Metrics
	descs map[string]*prometheus.Desc
}

func newThroughRegistry(b *testing.B, m *Metrics) throughRegistry {
	b.Helper()
	c := throughRegistry{m, map[string]*prometheus.Desc{}}
	for _, d := range m.Descriptions() {
		c.descs[d.Name] = prometheus.NewDesc(d.Name, d.Help, slices.Sorted(slices.Values(d.Labels)), nil)
	}
	return c
}

func (c throughRegistry) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		ch <- d
	}
}

func (c throughRegistry) Collect(ch chan<- prometheus.Metric) {
	families, _ := c.m.Gather()
	for _, f := range families {
		for _, m := range f.GetMetric() {
			values := make([]string, len(m.GetLabel()))
			for i, l := range m.GetLabel() {
				values[i] = l.GetValue()
			}
			switch {
			case m.Counter != nil:
				ch <- prometheus.MustNewConstMetric(c.descs[f.GetName()], prometheus.CounterValue, m.Counter.GetValue(), values...)
			case m.Gauge != nil:
				ch <- prometheus.MustNewConstMetric(c.descs[f.GetName()], prometheus.GaugeValue, m.Gauge.GetValue(), values...)
			}
		}
	}
}
