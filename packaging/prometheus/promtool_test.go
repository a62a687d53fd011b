//go:build observe

package prometheus

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
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

func run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), promtool(t), args...).CombinedOutput()
	return string(out), err
}

// lint are the flags for all lints, for a promtool that has them.
func lint(t *testing.T) []string {
	t.Helper()
	help, err := run(t, "check", "rules", "--help")
	if err != nil {
		t.Fatalf("%v\n%s", err, help)
	}
	if !strings.Contains(help, "--lint-fatal") {
		return nil
	}
	return []string{"--lint=all", "--lint-fatal"}
}

func TestPromtoolFindsNothingAmissInTheRules(t *testing.T) {
	out, err := run(t, append(append([]string{"check", "rules"}, lint(t)...), recordingFile, alertsFile)...)
	if err != nil || strings.Count(out, "SUCCESS") != 2 {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestTheRulesPassPromtoolsUnitTests(t *testing.T) {
	for _, name := range tests(t) {
		t.Run(strings.TrimSuffix(filepath.Base(name), "_test.yml"), func(t *testing.T) {
			if out, err := run(t, "test", "rules", name); err != nil || !strings.Contains(out, "SUCCESS") {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// queries gives those of a page: each begins on a line of its own, and goes on
// while a parenthesis is open.
func queries(page string) []string {
	var list []string
	for _, block := range regexp.MustCompile("(?ms)^```promql\n(.*?)^```$").FindAllStringSubmatch(page, -1) {
		open := false
		for line := range strings.Lines(block[1]) {
			if open {
				list[len(list)-1] += line
			} else {
				list = append(list, line)
			}
			last := list[len(list)-1]
			open = strings.Count(last, "(") > strings.Count(last, ")")
		}
	}
	return list
}

// runbookQueries gives the queries of all runbooks as recording rules.
func runbookQueries(t *testing.T) []object {
	t.Helper()
	pages, err := filepath.Glob(filepath.Join(runbooks, "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	var list []object
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, q := range queries(string(text)) {
			list = append(list, object{"record": fmt.Sprintf("%s:%d", strings.TrimSuffix(filepath.Base(page), ".md"), len(list)), "expr": q})
		}
	}
	if len(list) < len(pages) {
		t.Fatalf("found only %d queries in %d pages", len(list), len(pages))
	}
	return list
}

// write writes an object to a file of its own. JSON is YAML, too.
func write(t *testing.T, o object) (file string) {
	t.Helper()
	text, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "file.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestPrometheusParsesEveryQueryOfTheRunbooks(t *testing.T) {
	list := runbookQueries(t)
	file := write(t, object{"groups": []object{{"name": "runbooks", "rules": list}}})
	if out, err := run(t, "check", "rules", file); err != nil || !strings.Contains(out, fmt.Sprintf("%d rules found", len(list))) {
		t.Errorf("%v\n%s", err, out)
	}
}

// twins are two targets of different clusters that have the same job and instance,
// with every metric that a rule or a runbook uses.
func twins(t *testing.T) (series []object) {
	for _, cluster := range []string{"c1", "c2"} {
		for metric, names := range known(t) {
			if strings.Contains(metric, ":") {
				continue
			}
			labels := fmt.Sprintf("cluster=%q", cluster)
			for _, l := range names {
				value := map[string]string{"job": "enitune", "reason": "kernel_refused", "component": "api", "driver": "of " + cluster, "le": "+Inf"}[l]
				labels += fmt.Sprintf(",%s=%q", l, cmp.Or(value, "x"))
			}
			series = append(series, object{"series": metric + "{" + labels + "}", "values": "1+0x20"})
		}
	}
	return series
}

func TestNoRuleOrQueryFailsWhereTargetsOfTwoClustersShareJobAndInstance(t *testing.T) {
	list := runbookQueries(t)
	for _, name := range []string{recordingFile, alertsFile} {
		var f ruleFile
		read(t, name, &f)
		for n, r := range f.Groups[0].Rules {
			list = append(list, object{"record": fmt.Sprintf("%s:%d", strings.ReplaceAll(f.Groups[0].Name, "-", "_"), n), "expr": r.Expr})
		}
	}
	test := object{"interval": "1m", "input_series": twins(t), "promql_expr_test": []object{{"expr": "count(absent(up)) or vector(0)", "eval_time": "10m", "exp_samples": []object{{"labels": "{}", "value": 0}}}}}
	evaluate := func(rules []object) (string, error) {
		file := write(t, object{"groups": []object{{"name": "all", "rules": rules}}})
		return run(t, "test", "rules", write(t, object{"rule_files": []string{file}, "evaluation_interval": "1m", "tests": []object{test}}))
	}
	if out, err := evaluate(list); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	bad := object{"record": "bad:bad", "expr": "enitune_setting_reason * on (job, instance, device) group_left (driver) enitune_nic_info"}
	if out, err := evaluate([]object{bad}); err == nil || !strings.Contains(out, "many-to-many") {
		t.Errorf("promtool would not have told: %v\n%s", err, out)
	}
}
