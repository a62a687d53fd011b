package main

import (
	"bytes"
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// completed asks the program as the shells' scripts do.
func completed(t *testing.T, args ...string) string {
	t.Helper()
	var out, errs bytes.Buffer
	if code := execute(t.Context(), append([]string{cobra.ShellCompNoDescRequestCmd}, args...), &out, &errs); code != 0 {
		t.Fatalf("%q: exit code %d\n%s", args, code, &errs)
	}
	return strings.Join(strings.Fields(out.String()), " ")
}

func TestCompletionsOfferWhatFits(t *testing.T) {
	for line, want := range map[string]string{
		"plan |":                                    ":4",
		"eni set |":                                 ":4",
		"eni set eni-1 --queues |":                  ":4",
		"eni set eni-1 --sriov |":                   "true false :4",
		"eni set eni-1 --traffic-mode |":            "Standard HighPerformance :4",
		"eni set eni-1 --file |":                    "yaml yml :8",
		"eni list --endpoint-network |":             "vpc public :4",
		"eni list --region |":                       ":4",
		"plan --config |":                           "yaml yml :8",
		"plan --output |":                           "table json yaml :4",
		"apply --textfile |":                        "prom :8",
		"config check |":                            "yaml yml :8",
		"config check ./config.yaml |":              ":4",
		"completion |":                              "bash fish zsh :4",
		"eni set eni-1 --tcp-established-timeout |": ":4",
	} {
		args := strings.Fields(line)
		args[len(args)-1] = ""
		if got := completed(t, args...); got != want {
			t.Errorf("%s offers %q, want %q", line, got, want)
		}
	}
}

func TestEachShellsCompletionsAskTheProgram(t *testing.T) {
	for _, shell := range completionShells() {
		var out, errs bytes.Buffer
		if code := execute(t.Context(), []string{"completion", shell.name}, &out, &errs); code != 0 || errs.Len() > 0 {
			t.Fatalf("%s: exit code %d, %s", shell.name, code, &errs)
		}
		if !strings.Contains(out.String(), "__complete") {
			t.Errorf("%s: this is no script of completions:\n%s", shell.name, &out)
		}
		path, err := exec.LookPath(shell.name)
		if err != nil {
			continue // the shell is not here; the package's test compares the files
		}
		check := exec.CommandContext(t.Context(), path, "-n")
		check.Stdin = &out
		if text, err := check.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", shell.name, err, text)
		}
	}
}

func TestTheHelpOfCompletionIsAboutThisSystem(t *testing.T) {
	var out bytes.Buffer
	for _, args := range [][]string{{"completion", "--help"}, {"completion", "bash", "--help"}, {"completion", "zsh", "--help"}} {
		out.Reset()
		execute(t.Context(), args, &out, &out)
		if text := out.String(); !strings.HasPrefix(text, "The packages install this.") || strings.Contains(text, "macOS") || strings.Contains(text, "powershell") {
			t.Errorf("%q:\n%s", args, text)
		}
	}
}
