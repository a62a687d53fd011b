//go:build observe

package grafana

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// promtool gives the path of Prometheus' own tool.
func promtool(t *testing.T) string {
	t.Helper()
	here, err := filepath.Abs("../../.cache/observe/bin/promtool")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{here, "promtool"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	const why = "promtool is not here: test/observe/setup.sh"
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
	return ""
}

type rule struct {
	Record string `json:"record"`
	Expr   string `json:"expr"`
}

// parse has promtool parse queries, as the expressions of recording rules: that
// needs no server. JSON is YAML, too.
func parse(t *testing.T, tool string, rules []rule) (string, error) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"groups": []any{map[string]any{"name": "queries", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), tool, "check", "rules", file).CombinedOutput()
	return string(out), err
}

func TestPrometheusParsesEveryQuery(t *testing.T) {
	tool := promtool(t)
	queries, err := Queries(values())
	if err != nil {
		t.Fatal(err)
	}
	var rules []rule
	for i, q := range queries {
		rules = append(rules, rule{fmt.Sprintf("query:%d", i), q.Expr})
	}
	out, err := parse(t, tool, rules)
	if err == nil && strings.Contains(out, fmt.Sprintf("%d rules found", len(queries))) {
		return
	}
	t.Errorf("promtool check rules: %v\n%s", err, out)
	for _, q := range queries { // which one it is
		if out, err := parse(t, tool, []rule{{"query:0", q.Expr}}); err != nil {
			t.Errorf("%s: %s:\n%s\n%s", q.Dashboard, q.Panel, q.Expr, out)
		}
	}
}

func TestPrometheusRefusesAQueryThatIsBroken(t *testing.T) {
	out, err := parse(t, promtool(t), []rule{{"query:0", "sum(up"}})
	if err == nil || !strings.Contains(out, "unclosed left parenthesis") {
		t.Errorf("got %v: %s", err, out)
	}
}
