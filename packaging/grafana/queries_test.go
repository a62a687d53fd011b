package grafana

import (
	"strings"
	"testing"
)

func TestVariablesAreReplacedAsGrafanaDoesIt(t *testing.T) {
	vars := map[string]string{"job": "a|b", "host": "192.0.2.10"}
	for _, tt := range []struct{ expr, want string }{
		{`up{job=~"$job"}`, `up{job=~"a|b"}`},
		{`up{job=~"$job|"}`, `up{job=~"a|b|"}`},
		{"up{instance=~`${host:regex}(:[0-9]+)?`}", "up{instance=~`192\\.0\\.2\\.10(:[0-9]+)?`}"},
		{`label_replace(up, "a", "$1", "b", "(.*)")`, `label_replace(up, "a", "$1", "b", "(.*)")`},
	} {
		got, err := substitute(tt.expr, vars)
		if err != nil || got != tt.want {
			t.Errorf("%s: got %s, %v; want %s", tt.expr, got, err, tt.want)
		}
	}
}

func TestAVariableWithoutAValueIsRefused(t *testing.T) {
	for name := range values() {
		vars := values()
		delete(vars, name)
		if _, err := Queries(vars); err == nil || !strings.Contains(err.Error(), "no value for "+name) {
			t.Errorf("without %s: got %v", name, err)
		}
	}
}

func TestQueriesAreThoseOfAllPanelsAndVariables(t *testing.T) {
	queries, err := Queries(values())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, q := range queries {
		got[q.Dashboard]++
		if strings.Contains(q.Expr, "$") {
			t.Errorf("%s: %s: a variable is left: %s", q.Dashboard, q.Panel, q.Expr)
		}
	}
	for _, b := range boards(t) {
		want := strings.Count(string(b.raw), `"expr": `) + strings.Count(string(b.raw), `"definition": `)
		if got[b.UID] != want || want == 0 {
			t.Errorf("%s: %d queries, its text has %d", b.file, got[b.UID], want)
		}
	}
}

func TestFewQueriesMayBeEmpty(t *testing.T) {
	queries, err := Queries(values())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, q := range queries {
		if q.MayBeEmpty {
			n++
		}
	}
	if n == 0 || n > len(queries)/4 {
		t.Errorf("%d of %d queries may be empty", n, len(queries))
	}
}
