package docs

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/metrics"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// described is a metric as the code or the docs describe it.
type described struct {
	Name, Kind string
	Labels     []string
}

// inCode are the metrics that the code describes.
func inCode() []described {
	var list []described
	for _, d := range metrics.New(func() (agent.Report, bool) { return agent.Report{}, false }, metrics.Build{}).Descriptions() {
		list = append(list, described{d.Name, string(d.Kind), d.Labels})
	}
	slices.SortFunc(list, func(a, b described) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func TestEveryMetricIsDocumentedWithItsLabelsAndNoOther(t *testing.T) {
	var documented []described
	for _, cells := range rows(read(t, "metrics.md").text, "metric", "type", "labels", "meaning") {
		documented = append(documented, described{strings.Trim(cells[0], "`"), cells[1], spans(cells[2])})
	}
	slices.SortFunc(documented, func(a, b described) int { return strings.Compare(a.Name, b.Name) })
	if diff := cmp.Diff(inCode(), documented, cmp.Transformer("Labels", func(l []string) string { return strings.Join(l, ",") })); diff != "" {
		t.Errorf("metrics (-code +docs):\n%s", diff)
	}
}

func TestEveryMetricNameInAQueryExists(t *testing.T) {
	known := map[string]bool{"node_network_receive_drop_total": true}
	for _, m := range inCode() {
		known[m.Name] = true
		if strings.HasSuffix(m.Name, "_duration_seconds") { // a histogram's own series
			known[m.Name+"_sum"], known[m.Name+"_count"], known[m.Name+"_bucket"] = true, true, true
		}
	}
	name := regexp.MustCompile(`\b(?:enitune|node)_[a-z_]+`)
	for _, file := range []string{"metrics.md", "node-exporter.md"} {
		p := read(t, file)
		for _, block := range append(p.blocks("promql"), p.blocks("yaml")...) {
			for _, used := range name.FindAllString(block, -1) {
				if !known[used] {
					t.Errorf("%s: %s does not exist, in:\n%s", file, used, block)
				}
			}
		}
	}
	for _, used := range name.FindAllString(read(t, "../README.md").text, -1) {
		if !known[used] {
			t.Errorf("README.md shows %s, which does not exist", used)
		}
	}
}

func TestEveryTriggerIsDocumented(t *testing.T) {
	var want []string
	for c := agent.CauseStart; c > 0; c-- {
		want = append(want, c.String())
	}
	want = append(want, "once")
	got := firsts(rows(read(t, "metrics.md").text, "value", "meaning"))
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("values (-code +docs):\n%s", diff)
	}
}

func settings(reason plan.Reason, drift bool) []agent.SettingReport {
	var list []agent.SettingReport
	for _, s := range nic.Settings() {
		r := agent.SettingReport{Setting: s, Current: 4, Max: 8, Desired: 4, Source: plan.API, Action: plan.None, Reason: reason, Drift: drift}
		if drift {
			r.DriftSince = time.Unix(1, 0)
		}
		list = append(list, r)
	}
	return list
}

func reportOf(list ...agent.SettingReport) agent.Report {
	return agent.Report{Version: 1, NICs: []agent.NICReport{{Device: "eth1", MAC: "00:16:3e:00:00:02", ENI: "eni-1", Settings: list}}}
}

// seriesOf counts the series of the report's NIC.
func seriesOf(t *testing.T, r agent.Report) int {
	t.Helper()
	list, err := metrics.New(func() (agent.Report, bool) { return r, true }, metrics.Build{}).Gather()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, mf := range list {
		for _, series := range mf.GetMetric() {
			for _, label := range series.GetLabel() {
				if label.GetName() == "device" {
					n++
				}
			}
		}
	}
	return n
}

func TestTheDocumentedNumberOfSeriesIsTheCodes(t *testing.T) {
	stranger := reportOf(settings(plan.NoENI, false)...)
	stranger.NICs[0].ENI = ""
	for i := range stranger.NICs[0].Settings {
		stranger.NICs[0].Settings[i].Desired = 0
	}
	missing := settings(plan.Unsupported, false)
	missing[1].Current, missing[1].Max, missing[1].Desired = 0, 0, 0
	missing[2].Current, missing[2].Max = 0, 0
	for _, tt := range []struct {
		name   string
		report agent.Report
		want   int
	}{
		{"a NIC in sync", reportOf(settings(plan.InSync, false)...), 25},
		{"each drifted setting has one more", reportOf(settings(plan.BelowDesired, true)...), 25 + 3},
		{"a setting that the driver lacks has 5, or 6 with a desired value", reportOf(missing...), 1 + 8 + 5 + 6},
		{"a NIC without an ENI", stranger, 13},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := seriesOf(t, tt.report); got != tt.want {
				t.Errorf("%d series, documented are %d", got, tt.want)
			}
		})
	}
	text := strings.Join(strings.Fields(read(t, "metrics.md").section(t, "Series of a NIC")), " ")
	for _, sentence := range []string{
		"A NIC with an ENI has 1 series, and 8 more for each of the three settings: 25.",
		"A drifted setting has one more.",
		"A setting that the driver does not have makes 5, or 6 if something is desired of it.",
		"A NIC without an ENI has 13.",
		"An instance with 8 ENIs makes 200 of them.",
	} {
		if !strings.Contains(text, sentence) {
			t.Errorf("metrics.md does not say: %s", sentence)
		}
	}
}
