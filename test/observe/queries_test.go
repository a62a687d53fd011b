//go:build observe

package observe

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/enitune/enitune/packaging/grafana"
)

// dashboardsAnswer asks every query of the dashboards: those of a fleet for all,
// those of an instance for one that was repaired and then drifted.
func (f *fleet) dashboardsAnswer(t *testing.T) {
	i := slices.IndexFunc(f.scenarios, func(s *scenario) bool { return s.name == "contested" })
	one := f.scenarios[i].instance
	f.ask(t, map[string]string{"instance": ".+", "instance_id": ".*", "device": ".+"}, func(q grafana.Query) bool {
		return q.Dashboard == "enitune-fleet"
	})
	f.ask(t, map[string]string{"instance": one.target(), "instance_id": one.id, "device": "eth1"}, func(q grafana.Query) bool {
		// A veth has no rings.
		return q.Dashboard != "enitune-fleet" && !strings.Contains(q.Expr, "_ring")
	})
}

// ask asks those of the dashboards' queries that are wanted.
func (f *fleet) ask(t *testing.T, vars map[string]string, wanted func(grafana.Query) bool) {
	// Some of the fleet's life of a minute.
	maps.Copy(vars, map[string]string{"job": "enitune", "host": ".*", "__rate_interval": "5s"})
	queries, err := grafana.Queries(vars)
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, q := range queries {
		if !wanted(q) {
			continue
		}
		asked++
		m, err := f.prom.ever(q.Expr)
		switch {
		case err != nil:
			t.Errorf("%s, %s: %v", q.Dashboard, q.Panel, err)
		case len(m) == 0 && !q.MayBeEmpty:
			t.Errorf("%s, %s: no data from %s", q.Dashboard, q.Panel, q.Expr)
		}
	}
	if asked < 10 {
		t.Errorf("only %d queries", asked)
	}
}

// unanswered are documented queries that this fleet has no answer to, with why.
func unanswered(query string) bool {
	return strings.Contains(query, "node_network_") || // TestDropsAreJoinedWithDrift asks them
		strings.Contains(query, "enitune_event_source_up") // this kernel has both
}

// documentedQueries are the PromQL blocks of a page.
func documentedQueries(t *testing.T, page string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, m := range regexp.MustCompile("(?s)```promql\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		list = append(list, m[1])
	}
	return list
}

func (f *fleet) documentedQueriesAnswer(t *testing.T) {
	queries := documentedQueries(t, "../../docs/metrics.md")
	if len(queries) < 8 {
		t.Fatalf("only %d queries in the page", len(queries))
	}
	for _, q := range queries {
		m, err := f.prom.ever(scaleExpr(q))
		if err != nil {
			t.Error(err)
		} else if len(m) == 0 && !unanswered(q) {
			t.Errorf("no data from %s", q)
		}
	}
}
