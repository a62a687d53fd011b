package prometheus

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	runbooks   = "../../docs/runbooks"
	runbookURL = "https://github.com/enitune/enitune/blob/HEAD/docs/runbooks/"
)

// heading is a heading of the second level in a runbook.
var heading = regexp.MustCompile(`(?m)^## (.+)$`)

func TestEveryAlertHasASeverityAndSaysWhatWhereAndWhatToDo(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range alerts(t) {
		t.Run(r.Alert, func(t *testing.T) {
			if !regexp.MustCompile(`^Enitune[A-Z][A-Za-z]+$`).MatchString(r.Alert) || r.Record != "" || seen[r.Alert] {
				t.Errorf("%q is no name of an alert, or is there twice", r.Alert)
			}
			seen[r.Alert] = true
			if len(r.Labels) != 1 || !slices.Contains([]string{"info", "warning", "critical"}, r.Labels["severity"]) {
				t.Errorf("labels are %v, want a severity (info, warning, critical) alone", r.Labels)
			}
			if s := r.Annotations["summary"]; s == "" || strings.Contains(s, "\n") || !strings.HasSuffix(s, ".") {
				t.Errorf("summary is no line with a full stop: %q", s)
			}
			if d := r.Annotations["description"]; !strings.Contains(d, "{{") || !strings.Contains(d, "First") {
				t.Errorf("description has no values, or does not say what to do first: %q", d)
			}
			if got, want := r.Annotations["runbook_url"], runbookURL+r.Alert+".md"; got != want {
				t.Errorf("runbook_url is %q, want %q", got, want)
			}
			if len(r.Annotations) != 3 {
				t.Errorf("annotations are %v, want summary, description and runbook_url", r.Annotations)
			}
		})
	}
}

func TestEveryAlertHasARunbookAndEveryRunbookAnAlert(t *testing.T) {
	want := []string{filepath.Join(runbooks, "README.md")}
	for _, r := range alerts(t) {
		want = append(want, filepath.Join(runbooks, r.Alert+".md"))
	}
	got, err := filepath.Glob(filepath.Join(runbooks, "*"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-wanted +there):\n%s", diff)
	}
}

func TestEveryRunbookLeadsFromTheMeaningToTheFix(t *testing.T) {
	for _, r := range alerts(t) {
		text, err := os.ReadFile(filepath.Join(runbooks, r.Alert+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		if !strings.HasPrefix(string(text), "# "+r.Alert+"\n") {
			t.Errorf("%s: the title is not the alert's name", r.Alert)
		}
		var got []string
		at := heading.FindAllSubmatchIndex(text, -1)
		for i, m := range at {
			end := len(text)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			got = append(got, string(text[m[2]:m[3]]))
			if len(strings.TrimSpace(string(text[m[1]:end]))) < 40 {
				t.Errorf("%s: nothing below %s", r.Alert, got[len(got)-1])
			}
		}
		if diff := cmp.Diff([]string{"Meaning", "Impact", "Diagnosis", "Fix"}, got); diff != "" {
			t.Errorf("%s: headings (-want +got):\n%s", r.Alert, diff)
		}
	}
}

func TestTheListOfRunbooksHasEveryAlertWithItsSeverity(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(runbooks, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, r := range alerts(t) {
		want = append(want, "["+r.Alert+"]("+r.Alert+".md) | "+r.Labels["severity"])
	}
	for _, m := range regexp.MustCompile(`(?m)^\| (\[Enitune\w+\]\(Enitune\w+\.md\) \| \w+) \|`).FindAllSubmatch(text, -1) {
		got = append(got, string(m[1]))
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("README.md (-rules +page):\n%s", diff)
	}
}

// unitTest is a file of promtool's unit tests.
type unitTest struct {
	RuleFiles          []string `yaml:"rule_files"`
	EvaluationInterval string   `yaml:"evaluation_interval"`
	Tests              []struct {
		Name          string   `yaml:"name"`
		Interval      string   `yaml:"interval"`
		InputSeries   []series `yaml:"input_series"`
		PromQLTest    []any    `yaml:"promql_expr_test"`
		AlertRuleTest []expect `yaml:"alert_rule_test"`
	} `yaml:"tests"`
}

type series struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type expect struct {
	EvalTime  string `yaml:"eval_time"`
	Alertname string `yaml:"alertname"`
	ExpAlerts []struct {
		Labels      map[string]string `yaml:"exp_labels"`
		Annotations map[string]string `yaml:"exp_annotations"`
	} `yaml:"exp_alerts"`
}

func TestEveryAlertIsSeenToFireAndToStaySilent(t *testing.T) {
	fires, silent := map[string]bool{}, map[string]bool{}
	for _, name := range tests(t) {
		var f unitTest
		read(t, name, &f)
		for _, test := range f.Tests {
			for _, e := range test.AlertRuleTest {
				for _, a := range e.ExpAlerts {
					if a.Labels["severity"] == "" || len(a.Annotations) != 3 {
						t.Errorf("%s: %s: %s at %s has no severity, or not its three annotations", name, test.Name, e.Alertname, e.EvalTime)
					}
				}
				fires[e.Alertname] = fires[e.Alertname] || len(e.ExpAlerts) > 0
				silent[e.Alertname] = silent[e.Alertname] || len(e.ExpAlerts) == 0
			}
		}
	}
	for _, r := range alerts(t) {
		if !fires[r.Alert] || !silent[r.Alert] {
			t.Errorf("%s: seen to fire: %v, seen to stay silent: %v", r.Alert, fires[r.Alert], silent[r.Alert])
		}
		delete(fires, r.Alert)
	}
	for name := range fires {
		t.Errorf("a unit test expects %s, which is no alert", name)
	}
}
