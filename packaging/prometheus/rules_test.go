package prometheus

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// The files that are shipped.
const (
	recordingFile = "enitune-recording.rules.yml"
	alertsFile    = "enitune-alerts.rules.yml"
)

type ruleFile struct {
	Groups []group `yaml:"groups"`
}

type group struct {
	Name  string `yaml:"name"`
	Rules []rule `yaml:"rules"`
}

type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// read parses a file strictly: a key that is unknown or there twice is an error.
func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalWithOptions(text, into, yaml.Strict()); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// rules gives the rules of a file's one group.
func rules(t *testing.T, name, groupName string) []rule {
	t.Helper()
	var f ruleFile
	read(t, name, &f)
	if len(f.Groups) != 1 || f.Groups[0].Name != groupName {
		t.Fatalf("%s: want the group %s alone, got %+v", name, groupName, f.Groups)
	}
	if len(f.Groups[0].Rules) == 0 {
		t.Fatalf("%s: no rules", name)
	}
	return f.Groups[0].Rules
}

// recordings gives the recording rules, also the one beside the alerts, which they
// begin with.
func recordings(t *testing.T) []rule {
	t.Helper()
	list := rules(t, recordingFile, "enitune-recording")
	for _, r := range rules(t, alertsFile, "enitune-alerts") {
		if r.Record != "" {
			list = append(list, r)
		}
	}
	return list
}

func alerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(rules(t, alertsFile, "enitune-alerts"), func(r rule) bool { return r.Record != "" })
}

// tests gives the paths of promtool's unit tests.
func tests(t *testing.T) []string {
	t.Helper()
	list, err := filepath.Glob("tests/*_test.yml")
	if err != nil || len(list) == 0 {
		t.Fatalf("no unit tests: %v", err)
	}
	return list
}

func TestEveryRecordingRuleIsNamedLevelMetricOperation(t *testing.T) {
	name := regexp.MustCompile(`^job[a-z_]*:enitune_[a-z_]+:[a-z0-9_]+$`)
	seen := map[string]bool{}
	for _, r := range recordings(t) {
		if !name.MatchString(r.Record) || r.Alert != "" || r.For != "" || len(r.Annotations) > 0 {
			t.Errorf("%+v is no recording rule, or not named level:metric:operation", r)
		}
		if seen[r.Record] {
			t.Errorf("%s is there twice", r.Record)
		}
		seen[r.Record] = true
	}
}

func TestEveryRecordingRuleHasAUnitTest(t *testing.T) {
	text, err := os.ReadFile("tests/recording_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range recordings(t) {
		if !regexp.MustCompile(`expr: .*` + r.Record + `\b`).Match(text) {
			t.Errorf("no unit test asks for %s", r.Record)
		}
	}
}

func TestOnlyTheAlertsForAgentsThatAreDownNameAJob(t *testing.T) {
	for _, r := range append(recordings(t), alerts(t)...) {
		if names := strings.Contains(r.Expr, "job="); names != (r.Alert == "EnituneDown" || r.Alert == "EnituneFleetDown") {
			t.Errorf("%s%s: names a job: %v", r.Record, r.Alert, names)
		}
	}
}
