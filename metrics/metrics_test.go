package metrics

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func at(second int) time.Time { return time.Unix(1_770_000_000+int64(second), 0).UTC() }

// someReport has a NIC that drifts, one that is in sync, one that no ENI has,
// and an ENI without a NIC.
func someReport() agent.Report {
	setting := func(s nic.Setting, current, most, desired int, src plan.Source, r plan.Reason, drift bool) agent.SettingReport {
		sr := agent.SettingReport{Setting: s, Current: current, Max: most, Desired: desired, Source: src, Action: plan.None, Reason: r, Drift: drift}
		if drift {
			sr.DriftSince = at(-60)
		}
		return sr
	}
	return agent.Report{
		Version: 1, Time: at(0), Determined: true, Enforced: []nic.Setting{nic.Queues},
		Instance: agent.Instance{ID: "i-1", Region: "cn-hangzhou", Type: "ecs.g7.xlarge"},
		Desired:  agent.Origin{Origin: agent.OriginCache, FetchedAt: at(-3600), Stale: true},
		Errors: []agent.Problem{{Component: agent.ComponentAPI, Class: "denied", Message: "one"},
			{Component: agent.ComponentAPI, Class: "denied", Message: "another"}, {Component: agent.ComponentState, Message: "of an older version"}},
		NICs: []agent.NICReport{
			{Device: "eth0", MAC: "00:16:3e:00:00:01", ENI: "eni-1", Type: "Primary", Driver: "virtio_net", Settings: []agent.SettingReport{
				setting(nic.Queues, 1, 4, 4, plan.API, plan.Contested, true),
				setting(nic.RxRing, 1024, 1024, 1024, plan.Device, plan.InSync, false),
				setting(nic.TxRing, 0, 0, 0, 0, plan.Unsupported, false),
			}},
			{Device: "eth9", MAC: "00:16:3e:00:00:09", Driver: "virtio_net", Settings: []agent.SettingReport{
				setting(nic.Queues, 1, 4, 0, 0, plan.NoENI, false),
			}},
		},
		Unmatched: []agent.Unmatched{{ENI: "eni-2", MAC: "00:16:3e:00:00:02", Reason: agent.NICMissing}},
		Sources:   []agent.SourceHealth{{Source: "api", Error: "down"}, {Source: "kernel", Up: true, LastSuccess: at(0)}},
		Events:    []agent.SourceHealth{{Source: "ethtool", Class: "unsupported"}, {Source: "rtnetlink", Up: true}},
	}
}

func newMetrics(r *agent.Report) *Metrics {
	return New(func() (agent.Report, bool) { return *r, r.Version != 0 }, Build{"1.2.3", "abc", "go1.26"})
}

// exposition gathers m as text.
func exposition(t *testing.T, m *Metrics) string {
	t.Helper()
	// A registry's checks of names, labels and duplicates.
	families, err := prometheus.Gatherers{m}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestExposition compares the whole text with testdata/exposition.txt; UPDATE=1
// writes that file anew.
func TestExposition(t *testing.T) {
	r := someReport()
	m := newMetrics(&r)
	m.Reconciled("ethtool", true, 300*time.Microsecond)
	m.Repaired(2 * time.Millisecond)
	m.Changed("eth0", "eni-1", nic.Queues, "ok")
	m.Changed("eth0", "eni-1", nic.Queues, "refused")
	m.ForeignChange("eth0", "eni-1", nic.Queues)
	m.APIRequest("DescribeNetworkInterfaces", "OK")
	m.APIRequest("DescribeNetworkInterfaces", "Throttling.User")
	got := exposition(t, m)
	const golden = "testdata/exposition.txt"
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	problems, err := promlint.New(strings.NewReader(got)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
}

func TestEveryMetricIsDescribedByWhatItIs(t *testing.T) {
	r := someReport()
	m := newMetrics(&r)
	m.Reconciled("ethtool", true, time.Millisecond)
	m.ConfigLoaded(true, at(0))
	m.APIRequest("DescribeNetworkInterfaces", "OK")
	families, err := m.Gather()
	if err != nil {
		t.Fatal(err)
	}
	type named struct {
		Name, Help string
		Kind       Kind
		Labels     string
	}
	var got, want []named
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, l.GetName())
		}
		got = append(got, named{f.GetName(), f.GetHelp(), Kind(strings.ToLower(f.GetType().String())), strings.Join(labels, ",")})
	}
	for _, d := range m.Descriptions() {
		want = append(want, named{d.Name, d.Help, d.Kind, strings.Join(slices.Sorted(slices.Values(d.Labels)), ",")})
	}
	slices.SortFunc(want, func(a, b named) int { return strings.Compare(a.Name, b.Name) })
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-described +gathered):\n%s", d)
	}
}

func TestBeforeTheFirstReportThereIsNoReportSeries(t *testing.T) {
	var r agent.Report
	got := exposition(t, newMetrics(&r))
	if strings.Contains(got, "enitune_drift") || !strings.Contains(got, "enitune_build_info") {
		t.Errorf("exposition:\n%s", got)
	}
}

func TestSeriesDisappearWithTheirNIC(t *testing.T) {
	r := someReport()
	m := newMetrics(&r)
	m.Changed("eth0", "eni-1", nic.Queues, "ok")
	m.ForeignChange("eth0", "eni-1", nic.Queues)
	exposition(t, m)
	r.NICs = r.NICs[1:]
	m.Keep(r)
	if got := exposition(t, m); strings.Contains(got, `"eth0"`) {
		t.Errorf("exposition:\n%s", got)
	}
	r = someReport()
	if got := exposition(t, m); !strings.Contains(got, `enitune_foreign_changes_total{device="eth0",eni="eni-1",setting="queues"} 0`) {
		t.Errorf("counters of a NIC that came back are not new:\n%s", got)
	}
}

func TestCodesFromAServerAreBounded(t *testing.T) {
	var r agent.Report
	m := newMetrics(&r)
	for i := range 10 * maxCodes {
		m.APIRequest("DescribeNetworkInterfaces", fmt.Sprintf("Code%d", i))
	}
	m.APIRequest("DescribeNetworkInterfaces", "a code\nwith {strange} letters")
	if n := strings.Count(exposition(t, m), "enitune_api_requests_total{"); n != maxCodes+1 {
		t.Errorf("%d series, want %d", n, maxCodes+1)
	}
}

func TestNamesThatAreNotUTF8DoNotBreakAScrape(t *testing.T) {
	r := someReport()
	r.NICs[0].Device = "eth\xff"
	if got := exposition(t, newMetrics(&r)); !strings.Contains(got, "eth\uFFFD") {
		t.Errorf("exposition:\n%s", got)
	}
}

func TestTheProcessHasTheUsualMetrics(t *testing.T) {
	var r agent.Report
	m := newMetrics(&r)
	m.Handler(slog.New(slog.DiscardHandler))
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	usual, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	own, err := prometheus.Gatherers{m}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	find := func(name string) *dto.MetricFamily {
		for _, f := range own {
			if f.GetName() == name {
				return f
			}
		}
		return nil
	}
	for _, want := range usual {
		name := want.GetName()
		if strings.HasPrefix(name, "process_network_") {
			continue // of the namespace, not of the process
		}
		got := find(name)
		if got == nil || got.GetType() != want.GetType() || got.GetHelp() != want.GetHelp() {
			t.Errorf("%s: got %v", name, got)
			continue
		}
		if strings.Contains(name, "max") || strings.Contains(name, "start") {
			if got.GetMetric()[0].GetGauge().GetValue() != want.GetMetric()[0].GetGauge().GetValue() {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	}
}

func TestAClientGetsTheFormatThatItAsksFor(t *testing.T) {
	r := someReport()
	m := newMetrics(&r)
	m.Reconciled("ethtool", true, 300*time.Microsecond)
	h := m.Handler(slog.New(slog.DiscardHandler))
	for _, tt := range []struct{ accept, contentType, part string }{
		{"", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores", "\nenitune_reconciles_total{result=\"ok\",trigger=\"ethtool\"} 1\n"},
		{"application/openmetrics-text;version=1.0.0,text/plain;q=0.5", "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores", "# TYPE enitune_reconciles counter\n"},
	} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		req.Header.Set("Accept", tt.accept)
		h.ServeHTTP(w, req)
		if got := w.Header().Get("Content-Type"); got != tt.contentType || !strings.Contains(w.Body.String(), tt.part) {
			t.Errorf("%q: %q, %v", tt.accept, got, strings.Contains(w.Body.String(), tt.part))
		}
	}
	w := httptest.NewRecorder()
	req := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	req.Header.Set("Accept", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited")
	h.ServeHTTP(w, req)
	decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
	for {
		var f dto.MetricFamily
		if err := decoder.Decode(&f); err != nil {
			t.Fatalf("no native histogram: %v", err)
		}
		if f.GetName() == "enitune_reconcile_duration_seconds" {
			if native := f.GetMetric()[0].GetHistogram(); len(native.GetPositiveSpan()) == 0 || len(native.GetBucket()) == 0 {
				t.Errorf("got %v, want native and classic buckets", native)
			}
			return
		}
	}
}

func TestAClientThatDoesNotReadHoldsUpNoOtherScrape(t *testing.T) {
	r := someReport()
	h := newMetrics(&r).Handler(slog.New(slog.DiscardHandler))
	release := make(chan struct{})
	var stuck sync.WaitGroup
	reached := make(chan struct{})
	for range 10 * scrapesAtOnce {
		stuck.Go(func() {
			h.ServeHTTP(&unread{httptest.NewRecorder(), reached, release}, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		})
	}
	for range 10 * scrapesAtOnce {
		<-reached // all are writing
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "enitune_drift{") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("got %d %v", w.Code, w.Header())
	}
	close(release)
	stuck.Wait()
}

// unread is a client that takes the header and nothing else.
type unread struct {
	*httptest.ResponseRecorder
	reached chan<- struct{}
	release <-chan struct{}
}

func (u *unread) Write([]byte) (int, error) {
	u.reached <- struct{}{}
	<-u.release
	return 0, errors.New("connection reset by peer")
}
