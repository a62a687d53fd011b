package grafana

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/metrics"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// labels are the label names of a metric.
type labels map[string]bool

func set(names ...string) labels {
	s := labels{}
	for _, name := range names {
		s[name] = true
	}
	return s
}

const recordingRules = "../prometheus/enitune-recording.rules.yml"

// catalog has the metrics that a dashboard may use, with their labels.
type catalog map[string]labels

// known is the catalog, with the labels that a scrape adds.
func known(t *testing.T) catalog {
	t.Helper()
	found := inCode(t)
	maps.Copy(found, recorded(t))
	for name, l := range map[string]labels{
		// Prometheus' own.
		"up":     set(),
		"ALERTS": set("alertname", "alertstate", "severity", "device", "setting"),
		// node_exporter's.
		"node_network_receive_drop_total":     set("device"),
		"node_network_receive_fifo_total":     set("device"),
		"node_network_receive_packets_total":  set("device"),
		"node_network_transmit_drop_total":    set("device"),
		"node_network_transmit_fifo_total":    set("device"),
		"node_network_transmit_packets_total": set("device"),
	} {
		found[name] = l
	}
	for name, l := range found {
		if !strings.Contains(name, ":") {
			l["job"], l["instance"] = true, true
		}
	}
	return found
}

// inCode are the metrics that the daemon exports.
func inCode(t *testing.T) catalog {
	t.Helper()
	found := catalog{}
	for _, d := range metrics.New(func() (agent.Report, bool) { return agent.Report{}, false }, metrics.Build{}).Descriptions() {
		found[d.Name] = set(d.Labels...)
		if d.Kind == metrics.Histogram {
			found[d.Name+"_bucket"] = set(append(slices.Clone(d.Labels), "le")...)
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		found[f.GetName()] = set()
	}
	return found
}

// recorded are the metrics of the recording rules. Their labels are those that
// the expression groups by.
func recorded(t *testing.T) catalog {
	t.Helper()
	raw, err := os.ReadFile(recordingRules)
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Record, Expr string
				Labels       map[string]string
			}
		}
	}
	if err := yaml.Unmarshal(raw, &file); err != nil {
		t.Fatal(err)
	}
	grouping := regexp.MustCompile(`\bby\s*\(([^)]*)\)`)
	found := catalog{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			names := set(slices.Collect(maps.Keys(r.Labels))...)
			for _, m := range grouping.FindAllStringSubmatch(r.Expr, -1) {
				maps.Copy(names, set(strings.FieldsFunc(m[1], func(c rune) bool { return c == ',' || c == ' ' || c == '\n' })...))
			}
			if found[r.Record] == nil {
				found[r.Record] = labels{}
			}
			maps.Copy(found[r.Record], names)
		}
	}
	return found
}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)?\s*\{([^{}]*)\}`)
	matcher  = regexp.MustCompile("([a-zA-Z_]\\w*)\\s*(=~|!~|!=|=)\\s*[\"`]([^\"`]*)[\"`]")
	text     = regexp.MustCompile("\"[^\"]*\"|`[^`]*`")
	word     = regexp.MustCompile(`\b[a-zA-Z_:][a-zA-Z0-9_:]*`)
	added    = regexp.MustCompile(`,\s*"(\w+)", "[^"]*", "\w+", "[^"]*"\)`) // by label_replace
)

// values stand for Grafana's variables in tests.
func values() map[string]string {
	return map[string]string{
		"job": "enitune|node", "instance": "192.0.2.10:10056", "instance_id": "i-bp1example0000000001",
		"device": "eth0|eth1", "host": "192.0.2.10", "__rate_interval": "1m",
	}
}

func filled(t *testing.T, expr string) string {
	t.Helper()
	expr, err := substitute(expr, values())
	if err != nil {
		t.Fatal(err)
	}
	return expr
}

// metricsIn names the metrics of a selector: the one before the braces, or those
// that a matcher of __name__ lists.
func metricsIn(name, matchers string) []string {
	if name != "" {
		return []string{name}
	}
	for _, m := range matcher.FindAllStringSubmatch(matchers, -1) {
		if m[1] == "__name__" {
			return strings.Split(m[3], "|")
		}
	}
	return nil
}

// labelsOf are the labels that the metrics of an expression have, and those that
// it adds.
func (c catalog) labelsOf(t *testing.T, expr string) labels {
	t.Helper()
	expr = filled(t, expr)
	all := labels{}
	for _, s := range selector.FindAllStringSubmatch(expr, -1) {
		for _, name := range metricsIn(s[1], s[2]) {
			maps.Copy(all, c[name])
		}
	}
	if name := strings.TrimSpace(expr); c[name] != nil { // a bare one
		maps.Copy(all, c[name])
	}
	for _, m := range added.FindAllStringSubmatch(expr, -1) {
		all[m[1]] = true
	}
	return all
}

func TestEveryMetricAndLabelOfAQueryExists(t *testing.T) {
	queries, err := Queries(values())
	if err != nil {
		t.Fatal(err)
	}
	metrics := known(t)
	for _, q := range queries {
		seen := 0
		for _, s := range selector.FindAllStringSubmatch(q.Expr, -1) {
			for _, name := range metricsIn(s[1], s[2]) {
				seen++
				if metrics[name] == nil {
					t.Errorf("%s: %s: there is no metric %s", q.Dashboard, q.Panel, name)
				}
			}
			for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
				if m[1] != "__name__" && !metrics.labelsOf(t, s[0])[m[1]] {
					t.Errorf("%s: %s: %s has no label %s", q.Dashboard, q.Panel, s[1], m[1])
				}
			}
		}
		if seen == 0 && metrics[q.Expr] == nil {
			t.Errorf("%s: %s asks for no metric: %s", q.Dashboard, q.Panel, q.Expr)
		}
	}
}

// What is left of a query without its selectors and texts is functions, keywords
// and labels. A metric without braces would not be filtered by the variables.
func TestEveryOtherWordOfAQueryIsAFunctionOrALabel(t *testing.T) {
	promQL := []string{"sum", "min", "max", "count", "topk", "by", "on", "and", "or", "unless", "group_left",
		"rate", "increase", "time", "timestamp", "histogram_quantile", "label_replace"}
	metrics := known(t)
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				l := metrics.labelsOf(t, q.Expr)
				rest := text.ReplaceAllString(selector.ReplaceAllString(filled(t, q.Expr), ""), "")
				for _, w := range word.FindAllString(rest, -1) {
					if !l[w] && !slices.Contains(promQL, w) {
						t.Errorf("%s: %s: %s is neither PromQL nor a label of its metrics", where(b, p), q.RefID, w)
					}
				}
				for _, m := range regexp.MustCompile(`\{\{(\w+)\}\}`).FindAllStringSubmatch(q.LegendFormat, -1) {
					if !l[m[1]] {
						t.Errorf("%s: %s: the legend uses %s, which no metric has", where(b, p), q.RefID, m[1])
					}
				}
			}
		}
	}
}

// An alternative that no series can have would leave a panel empty.
func TestEveryValueInAMatcherExists(t *testing.T) {
	allowed := map[string][]string{
		"setting": {}, "severity": {"critical", "warning", "info"}, "alertstate": {"firing", "pending"},
		"reason": {string(agent.NICMissing), string(agent.NotInUse)},
		"code":   {"OK"},
	}
	for _, s := range nic.Settings() {
		allowed["setting"] = append(allowed["setting"], s.String())
	}
	for _, r := range plan.Reasons() {
		allowed["reason"] = append(allowed["reason"], r.String())
	}
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				for _, m := range matcher.FindAllStringSubmatch(filled(t, q.Expr), -1) {
					for _, value := range strings.Split(m[3], "|") {
						if list, ok := allowed[m[1]]; ok && !slices.Contains(list, value) {
							t.Errorf("%s: %s: %s is never %q", where(b, p), q.RefID, m[1], value)
						}
					}
				}
			}
		}
	}
}
