//go:build observe

package prometheus

import (
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

func TestPrometheusParsesEveryQueryOfTheRunbooks(t *testing.T) {
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
	text, err := json.Marshal(object{"groups": []object{{"name": "runbooks", "rules": list}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "runbooks.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "check", "rules", file); err != nil || !strings.Contains(out, fmt.Sprintf("%d rules found", len(list))) {
		t.Errorf("%v\n%s", err, out)
	}
}
