package grafana

import (
	"regexp"
	"strings"
	"testing"

	"github.com/enitune/enitune/plan"
)

func panelOf(t *testing.T, uid, title string) panel {
	t.Helper()
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			if b.UID == uid && p.Title == title {
				return p
			}
		}
	}
	t.Fatalf("%s has no panel %q", uid, title)
	return panel{}
}

// mapped are the values that a panel's value mappings give a text or a colour.
func mapped(t *testing.T, uid, title string) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for _, b := range boards(t) {
		for _, raw := range document(t, b)["panels"].([]any) {
			p := raw.(map[string]any)
			if b.UID != uid || p["title"] != title {
				continue
			}
			visit := func(_ string, value any) {
				m, _ := value.(map[string]any)
				options, _ := m["options"].(map[string]any)
				if m["type"] != "value" {
					return
				}
				for from, to := range options {
					found[from] = to.(map[string]any)
				}
			}
			walk(p["fieldConfig"], "", visit)
		}
	}
	return found
}

// drifting are the reasons that mean drift.
func drifting() map[string]bool {
	return map[string]bool{
		plan.BelowDesired.String(): true, plan.AboveDesired.String(): true, plan.DeviceMax.String(): true,
		plan.KernelRefused.String(): true, plan.Contested.String(): true, plan.Held.String(): true,
	}
}

func TestEveryReasonHasAColour(t *testing.T) {
	table := mapped(t, "enitune-instance", "Settings now")
	for _, r := range plan.Reasons() {
		if table[r.String()]["color"] == nil {
			t.Errorf("%s has no colour in the table of settings", r)
		}
	}
	for _, title := range []string{"Drifting ENIs by reason", "Reasons now"} {
		p := panelOf(t, "enitune-fleet", title)
		coloured := map[string]bool{}
		for _, o := range p.FieldConfig.Overrides {
			for _, property := range o.Properties {
				coloured[o.Matcher.Options] = coloured[o.Matcher.Options] || property.ID == "color"
			}
		}
		for reason := range drifting() {
			if !coloured[reason] {
				t.Errorf("%s has no colour in %q", reason, title)
			}
		}
	}
}

// The timeline's query numbers the reasons, and its value mappings name the
// numbers.
func TestTheTimelineNamesEveryReasonAsItsQueryNumbersIt(t *testing.T) {
	const title = "Reasons over time"
	expr := panelOf(t, "enitune-instance", title).Targets[0].Expr
	number := map[string]string{}
	for _, m := range regexp.MustCompile(`(\d+) \* enitune_setting_reason\{[^}]*reason="(\w+)"\}`).FindAllStringSubmatch(expr, -1) {
		number[m[2]] = m[1]
	}
	names := mapped(t, "enitune-instance", title)
	for _, r := range plan.Reasons() {
		if n := number[r.String()]; n == "" || names[n]["text"] != r.String() || names[n]["color"] == nil {
			t.Errorf("%s has the number %q, which is shown as %v", r, n, names[n])
		}
	}
	if len(number) != len(plan.Reasons()) || len(names) != len(number)+1 { // one for all others
		t.Errorf("%d reasons in the query, %d in the mappings, %d in the code", len(number), len(names), len(plan.Reasons()))
	}
}

func TestTheLongestDriftsAreOfEveryReasonThatMeansDrift(t *testing.T) {
	expr := panelOf(t, "enitune-fleet", "Longest drift").Targets[0].Expr
	m := regexp.MustCompile(`enitune_setting_reason\{[^}]*reason=~"([^"]*)"\}`).FindStringSubmatch(expr)
	if m == nil {
		t.Fatalf("no reasons in %s", expr)
	}
	asked := map[string]bool{}
	for _, reason := range strings.Split(m[1], "|") {
		asked[reason] = true
	}
	for _, r := range plan.Reasons() {
		if asked[r.String()] != drifting()[r.String()] {
			t.Errorf("%s: asked for %v, means drift %v", r, asked[r.String()], drifting()[r.String()])
		}
	}
}
