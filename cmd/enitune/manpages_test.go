//go:build manpages

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/packaging/man"
)

// manual writes all pages into a folder.
func manual(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := writeManual("../../docs", dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readPage(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestEveryCommandHasAPageWithAllThatAReaderLooksFor(t *testing.T) {
	dir := manual(t)
	commands := allCommands(manualRoot())
	if len(commands) < 15 {
		t.Fatalf("%d commands, want at least 15", len(commands))
	}
	for _, cmd := range commands {
		text := readPage(t, dir, pageName(cmd)+".1")
		for _, title := range []string{"NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXIT STATUS", "SEE ALSO"} {
			if strings.Count(text, `.SH "`+title+`"`) != 1 {
				t.Errorf("%s has not one section %s", pageName(cmd), title)
			}
		}
		if cmd.Name() != "completion" && (cmd.Parent() == nil || cmd.Parent().Name() != "completion") && !strings.Contains(text, `.SH "EXAMPLES"`) {
			t.Errorf("%s has no examples", pageName(cmd))
		}
	}
}

func TestEveryFlagIsOnItsCommandsPageAndGlobalOnesOnlyOnTheFirst(t *testing.T) {
	dir := manual(t)
	root := manualRoot()
	for _, cmd := range allCommands(root) {
		text := readPage(t, dir, pageName(cmd)+".1")
		check := func(f *pflag.Flag) {
			global := root.PersistentFlags().Lookup(f.Name) != nil
			listed := strings.Contains(text, flagTag(f)+"\n")
			if want := !f.Hidden && (!global || cmd == root); listed != want {
				t.Errorf("%s: --%s is listed: %v, want %v", pageName(cmd), f.Name, listed, want)
			}
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" {
				check(f)
			}
		})
		cmd.InheritedFlags().VisitAll(check)
	}
}

func TestEveryConfigurationKeyIsInItsPage(t *testing.T) {
	text := readPage(t, manual(t), "enitune-config.5")
	for _, key := range config.Keys() {
		switch key {
		case "cloud", "reconcile", "discovery", "web": // the headings
		default:
			if !strings.Contains(text, ".TP\n"+man.Bold(key)+"\n") {
				t.Errorf("enitune-config(5) has no entry for %s", key)
			}
		}
	}
}

// The words of the help texts about exit codes are taken apart for the pages;
// this holds them to what can be.
func TestExitCodesAreListedOneByOne(t *testing.T) {
	for _, cmd := range allCommands(manualRoot()) {
		text, codes := helpText(cmd)
		if joined := strings.Join(text, "\n"); strings.Contains(joined, "Exit code") {
			t.Errorf("%s: exit codes are left in the description: %s", pageName(cmd), joined)
		}
		seen := map[string]bool{}
		for i, c := range codes {
			if i > 0 && codes[i-1][0] >= c[0] {
				t.Errorf("%s: exit code %s stands after %s", pageName(cmd), c[0], codes[i-1][0])
			}
			if seen[c[0]] || strings.TrimSpace(c[1]) == "" {
				t.Errorf("%s: exit code %s is there twice, or without words", pageName(cmd), c[0])
			}
			seen[c[0]] = true
		}
		if !seen["0"] || !seen["1"] {
			t.Errorf("%s: exit codes %v, want 0 and 1 at least", pageName(cmd), codes)
		}
	}
}

func TestPagesSayWhatAReaderCannotSeeOtherwise(t *testing.T) {
	dir := manual(t)
	for name, parts := range map[string][]string{
		"enitune.1":                 {"Default: " + man.Bold(config.DefaultPath) + ".", "on their own page"},
		"enitune.service.8":         {"see DROP-INS"},
		"enitune-completion-bash.1": {".SH \"DESCRIPTION\"\nThe packages install this."},
		"enitune-eni-limits.1":      {"elastic RDMA interfaces (ERIs)"},
	} {
		text := readPage(t, dir, name)
		for _, part := range parts {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
		if strings.Contains(text, "macOS") || strings.Contains(text, "in their own help") {
			t.Errorf("%s is about other places:\n%s", name, text)
		}
	}
}

var unitPage = regexp.MustCompile(`man:([a-z.-]+)\((\d)\)`)

func TestTheUnitsPagesExist(t *testing.T) {
	dir := manual(t)
	for _, unit := range []string{"enitune.service", "enitune-apply.service"} {
		text, err := os.ReadFile("../../systemd/" + unit)
		if err != nil {
			t.Fatal(err)
		}
		pages := unitPage.FindAllStringSubmatch(string(text), -1)
		if len(pages) == 0 {
			t.Errorf("%s names no page", unit)
		}
		for _, m := range pages {
			readPage(t, dir, m[1]+"."+m[2])
		}
		readPage(t, dir, unit+".8")
	}
}

func TestThePagesNamedInSeeAlsoExist(t *testing.T) {
	dir := manual(t)
	ours := regexp.MustCompile(`\\fB(enitune(?:[a-z.]|\\-)*)\\fR\((\d)\)`)
	names, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range names {
		for _, m := range ours.FindAllStringSubmatch(readPage(t, dir, e.Name()), -1) {
			name := strings.ReplaceAll(m[1], `\-`, "-") + "." + m[2]
			if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
				t.Errorf("%s refers to %s: %v", e.Name(), name, err)
			}
		}
	}
}

func TestMandocHasNothingToSay(t *testing.T) {
	tool, err := exec.LookPath("mandoc")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("mandoc is not installed")
	}
	pages, err := filepath.Glob(filepath.Join(manual(t), "*.[0-9]"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(pages)
	// An alias leads to a page by its path below the folder of all sections.
	pages = slices.DeleteFunc(pages, func(p string) bool {
		text, err := os.ReadFile(p)
		return err != nil || strings.HasPrefix(string(text), ".so ")
	})
	if out, err := exec.CommandContext(t.Context(), tool, append([]string{"-T", "lint", "-W", "warning"}, pages...)...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
