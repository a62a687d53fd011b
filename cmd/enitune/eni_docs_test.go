package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// codeRows are the code spans in front of the rows of a page's tables.
func codeRows(t *testing.T, page string, cells int) [][]string {
	t.Helper()
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^" + strings.Repeat(`\| `+"`([^`]+)`"+`[^|]*`, cells) + `\|`)
	var list [][]string
	for _, m := range row.FindAllStringSubmatch(string(data), -1) {
		list = append(list, m[1:])
	}
	return list
}

func TestTheGuideListsEveryParameterInItsOrder(t *testing.T) {
	var want [][]string
	for _, p := range parameters() {
		want = append(want, []string{"--" + p.flag, p.key, p.wire})
	}
	if diff := cmp.Diff(want, codeRows(t, "../../docs/eni.md", 3)); diff != "" {
		t.Errorf("(-code +docs):\n%s", diff)
	}
}

func TestTheGuideListsEveryOtherFlagOfEniSet(t *testing.T) {
	var firsts []string
	for _, row := range codeRows(t, "../../docs/eni.md", 1) {
		firsts = append(firsts, row[0])
	}
	cmd := (&app{}).eniSetCommand(&eniFlags{})
	flags := regexp.MustCompile(`(?m)^ +(?:-\w, +)?(--[a-z-]+)`).FindAllStringSubmatch(cmd.Flags().FlagUsages(), -1)
	if len(flags) < len(parameters()) {
		t.Fatalf("found %d flags", len(flags))
	}
	for _, m := range flags {
		if !slices.Contains(firsts, m[1]) {
			t.Errorf("%s is not in docs/eni.md", m[1])
		}
	}
}

func TestTheGuideListsEveryWarningThatForcePasses(t *testing.T) {
	files, err := filepath.Glob("../../eni/preflight*.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../docs/eni.md")
	if err != nil {
		t.Fatal(err)
	}
	warning := regexp.MustCompile(`SeverityWarning, "([a-z-]+)"`)
	found := 0
	for _, file := range files {
		code, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range warning.FindAllStringSubmatch(string(code), -1) {
			found++
			if !strings.Contains(string(page), "| `"+m[1]+"` |") {
				t.Errorf("%s: %s is not in docs/eni.md", file, m[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("found %d warnings", found)
	}
}
