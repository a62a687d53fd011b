// Package systemd checks the units.
package systemd

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/enitune/enitune/internal/config"
)

// directives are the settings of a unit file; repeated ones are joined with
// spaces.
func directives(t *testing.T, name string) map[string]string {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	found := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		key, value, ok := strings.Cut(lines.Text(), "=")
		if ok && !strings.HasPrefix(key, "#") {
			found[key] = strings.TrimSpace(found[key] + " " + value)
		}
	}
	return found
}

func TestTheUnitsUseTheProgramsPaths(t *testing.T) {
	state := config.Default().StateDir
	daemon, apply := directives(t, "enitune.service"), directives(t, "enitune-apply.service")
	for _, tt := range []struct{ what, got, want string }{
		{"the state directory", "/var/lib/" + daemon["StateDirectory"], state},
		{"the mount that apply needs", apply["RequiresMountsFor"], state},
		{"the file that apply needs", apply["ConditionPathExists"], filepath.Join(state, "state.json")},
		{"the daemon's command", daemon["ExecStart"], "/usr/bin/enitune run"},
		{"apply's command", apply["ExecStart"], "-/usr/bin/enitune apply --offline --log"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s is %q, want %q", tt.what, tt.got, tt.want)
		}
	}
}

func TestNothingKeepsTheDaemonFromBeingStartedAgain(t *testing.T) {
	d := directives(t, "enitune.service")
	if d["Restart"] != "always" || d["StartLimitIntervalSec"] != "0" || d["RestartSec"] == "" {
		t.Errorf("Restart=%s StartLimitIntervalSec=%s RestartSec=%s, want always, 0 and a pause", d["Restart"], d["StartLimitIntervalSec"], d["RestartSec"])
	}
}

func TestTheDaemonDoesNotWaitForTheNetwork(t *testing.T) {
	d := directives(t, "enitune.service")
	for _, key := range []string{"After", "Wants", "Requires"} {
		if slices.Contains(strings.Fields(d[key]), "network-online.target") {
			t.Errorf("%s=%s", key, d[key])
		}
	}
}

func TestDriftDoesNotFailTheBoot(t *testing.T) {
	d := directives(t, "enitune-apply.service")
	if got := d["SuccessExitStatus"]; got != "1 2" {
		t.Errorf("SuccessExitStatus=%s, want 1 2", got)
	}
	if !slices.Contains(strings.Fields(d["Before"]), "network-pre.target") || d["Wants"] != "network-pre.target" {
		t.Errorf("Before=%s Wants=%s, want network-pre.target in both", d["Before"], d["Wants"])
	}
	if strings.Contains(d["After"]+d["Wants"]+d["Requires"], "settle") {
		t.Error("it waits for udev to settle")
	}
}

func TestSystemdAcceptsTheUnits(t *testing.T) {
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("systemd-analyze is not installed")
	}
	self, err := os.Executable() // stands for /usr/bin/enitune, which need not be there
	if err != nil {
		t.Fatal(err)
	}
	args := []string{"verify", "--man=no"}
	dir := t.TempDir()
	for _, name := range []string{"enitune.service", "enitune-apply.service"} {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/usr/bin/enitune", self)), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, path)
	}
	// It succeeds with warnings, such as for an unknown directive, on stderr.
	if out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("%v\n%s", err, out)
	}
}
