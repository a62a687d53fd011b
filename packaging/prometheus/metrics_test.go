package prometheus

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/metrics"
	"github.com/enitune/enitune/plan"
)

// labels are the names of a metric's labels.
type labels []string

// ofTarget are the labels of every scraped series.
var ofTarget = labels{"job", "instance"}

// known are the metrics that a rule may use: those of the program, those of the
// recording rules, and what Prometheus and every process have.
func known(t *testing.T) map[string]labels {
	t.Helper()
	m := map[string]labels{
		"up":                         ofTarget,
		"process_start_time_seconds": ofTarget,
	}
	for _, d := range metrics.New(func() (agent.Report, bool) { return agent.Report{}, false }, metrics.Build{}).Descriptions() {
		m[d.Name] = append(slices.Clone(ofTarget), d.Labels...)
		if d.Kind == metrics.Histogram {
			m[d.Name+"_bucket"] = append(slices.Clone(m[d.Name]), "le")
		}
	}
	if len(m) < 20 {
		t.Fatalf("only %d metrics", len(m))
	}
	for _, r := range recordings(t) {
		m[r.Record] = level(r.Record)
	}
	m["job:enitune_changes:increase1h"] = labels{"job", "result"}
	return m
}

// level gives the labels that the name of a recorded series stands for.
func level(record string) labels {
	name, _, _ := strings.Cut(record, ":")
	switch name {
	case "job_instance_type":
		return labels{"job", "instance_type"}
	default:
		return strings.Split(name, "_")
	}
}

var (
	quoted   = regexp.MustCompile(`"[^"]*"`)
	selector = regexp.MustCompile(`([a-z_:][a-z0-9_:]*)\s*\{([^}]*)\}`)
	matcher  = regexp.MustCompile(`\s*(\w+)\s*(?:=~|!~|!=|=)\s*("[^"]*")\s*,?`)
	grouping = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	span     = regexp.MustCompile(`\[\w+\]`)
	word     = regexp.MustCompile(`[a-z_:][a-zA-Z0-9_:]*`)
)

// language are the words of PromQL in the rules.
var language = strings.Fields(`absent and avg avg_over_time changes count group histogram_quantile increase
	last_over_time max max_over_time or present_over_time rate sum time timestamp topk unless`)

// names gives the metrics and the labels that an expression uses. Each label is
// with its metric where it stands in a selector.
func names(expr string) (metricNames []string, ofMetric map[string]labels, groups labels) {
	ofMetric = map[string]labels{}
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
			ofMetric[m[1]] = append(ofMetric[m[1]], l[1])
		}
	}
	for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
		groups = append(groups, word.FindAllString(m[1], -1)...)
	}
	rest := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(expr, "")
	rest = span.ReplaceAllString(grouping.ReplaceAllString(quoted.ReplaceAllString(rest, ""), ""), "")
	for _, w := range word.FindAllString(rest, -1) {
		if !slices.Contains(language, w) {
			metricNames = append(metricNames, w)
		}
	}
	return metricNames, ofMetric, groups
}

func TestEveryMetricAndLabelOfARuleExists(t *testing.T) {
	have := known(t)
	for _, r := range append(recordings(t), alerts(t)...) {
		used, ofMetric, groups := names(r.Expr)
		if len(used) == 0 {
			t.Errorf("%s%s uses no metric", r.Record, r.Alert)
		}
		var all labels
		for _, name := range used {
			if have[name] == nil {
				t.Errorf("%s%s: there is no metric %s", r.Record, r.Alert, name)
			}
			all = append(all, have[name]...)
		}
		for name, list := range ofMetric {
			for _, l := range list {
				if !slices.Contains(have[name], l) {
					t.Errorf("%s%s: %s has no label %s", r.Record, r.Alert, name, l)
				}
			}
		}
		for _, l := range groups {
			if !slices.Contains(all, l) {
				t.Errorf("%s%s: no metric in it has the label %s", r.Record, r.Alert, l)
			}
		}
	}
}

// values are what a label can be.
func values() map[string][]string {
	v := map[string][]string{
		"class":     agent.Classes(),
		"component": {"metadata", "api", "kernel", "state", "config"},
		"reason":    {string(agent.NICMissing), string(agent.NotInUse), string(agent.TrunkMember)},
	}
	for _, r := range plan.Reasons() {
		v["reason"] = append(v["reason"], r.String())
	}
	for _, s := range plan.Sources() {
		v["source"] = append(v["source"], s.String())
	}
	return v
}

func TestEveryValueOfALabelInARuleExists(t *testing.T) {
	can := values()
	checked := 0
	for _, r := range append(recordings(t), alerts(t)...) {
		for _, m := range selector.FindAllStringSubmatch(r.Expr, -1) {
			for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
				for _, value := range strings.Split(strings.Trim(l[2], `"`), "|") {
					if value == "" || l[1] == "job" {
						continue
					}
					checked++
					if !slices.Contains(can[l[1]], value) {
						t.Errorf("%s%s: %s is never %q, only %v", r.Record, r.Alert, l[1], value, can[l[1]])
					}
				}
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d values found", checked)
	}
}

func TestEveryLabelInAnAnnotationIsOneOfTheAlert(t *testing.T) {
	have := known(t)
	label := regexp.MustCompile(`\$labels\.(\w+)`)
	for _, r := range alerts(t) {
		used, _, _ := names(r.Expr)
		var all labels
		for _, name := range used {
			all = append(all, have[name]...)
		}
		for key, text := range r.Annotations {
			for _, m := range label.FindAllStringSubmatch(text, -1) {
				if !slices.Contains(all, m[1]) {
					t.Errorf("%s: %s uses %s, which no metric in it has", r.Alert, key, m[1])
				}
			}
		}
	}
}

func TestEverySeriesInAUnitTestExists(t *testing.T) {
	have := known(t)
	one := regexp.MustCompile(`^(\w+)\{(.*)\}$`)
	for _, name := range tests(t) {
		var f unitTest
		read(t, name, &f)
		for _, test := range f.Tests {
			for _, s := range test.InputSeries {
				m := one.FindStringSubmatch(s.Series)
				if m == nil || have[m[1]] == nil {
					t.Errorf("%s: %s: there is no %s", name, test.Name, s.Series)
					continue
				}
				for _, l := range matcher.FindAllStringSubmatch(m[2], -1) {
					if l[1] != "cluster" && !slices.Contains(have[m[1]], l[1]) {
						t.Errorf("%s: %s: %s has no label %s", name, test.Name, m[1], l[1])
					}
				}
			}
		}
	}
}

func TestEveryMetricInARunbookExists(t *testing.T) {
	have := known(t)
	pages, err := filepath.Glob(filepath.Join(runbooks, "*.md"))
	if err != nil || len(pages) < 2 {
		t.Fatalf("%d pages: %v", len(pages), err)
	}
	name := regexp.MustCompile(`\b(?:job[a-z_]*:)?enitune_[a-z_]+(?::[a-z0-9_]+)?`)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range name.FindAllString(string(text), -1) {
			if have[used] == nil {
				t.Errorf("%s: there is no metric %s", page, used)
			}
		}
	}
}
