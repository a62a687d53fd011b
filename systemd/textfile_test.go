package systemd

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Units among the examples.
const (
	textfileService = "enitune-textfile.service"
	textfileTimer   = "enitune-textfile.timer"
)

// installedTextfile puts both units into a folder, as installed does the others.
func installedTextfile(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, unit := range []string{textfileService, textfileTimer} {
		text, err := os.ReadFile(filepath.Join("examples", unit))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, unit), []byte(strings.ReplaceAll(string(text), "/usr/bin/enitune", self)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestSystemdAcceptsTheUnitsForNodeExporter(t *testing.T) {
	tool, dir := analyze(t), installedTextfile(t)
	for _, unit := range []string{textfileService, textfileTimer} {
		// It succeeds with warnings, such as for an unknown directive, on stderr.
		out, err := exec.CommandContext(t.Context(), tool, "verify", "--man=no", filepath.Join(dir, unit)).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", unit, err, out)
		}
	}
	if got := score(t, filepath.Join(dir, textfileService)); got > exposure {
		t.Errorf("exposure %d.%d, want at most %d.%d", got/10, got%10, exposure/10, exposure%10)
	}
}

func TestTheUnitForNodeExporterHasTheDaemonsSandbox(t *testing.T) {
	daemon, textfile := directives(t, "enitune.service"), directives(t, filepath.Join("examples", textfileService))
	// What is about a daemon, or about being one of several units.
	own := map[string]bool{"Description": true, "Documentation": true, "After": true, "Wants": true, "Type": true, "NotifyAccess": true,
		"WatchdogSec": true, "ExecStartPre": true, "ExecStart": true, "ExecReload": true, "Restart": true, "RestartSec": true,
		"StartLimitIntervalSec": true, "TimeoutStopSec": true, "RuntimeDirectory": true, "RuntimeDirectoryMode": true, "LimitNOFILE": true, "WantedBy": true}
	for key, want := range daemon {
		if !own[key] && textfile[key] != want {
			t.Errorf("%s is %q, the daemon's is %q", key, textfile[key], want)
		}
	}
}

// The alert EnituneReportOld fires for a report that is half an hour old.
func TestTheTimerRunsMoreOftenThanItsAlertWaits(t *testing.T) {
	timer := directives(t, filepath.Join("examples", textfileTimer))
	span := func(key string) time.Duration {
		d, err := time.ParseDuration(strings.TrimSuffix(timer[key], "in"))
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		return d
	}
	const runs = 2 * time.Minute // TimeoutStartSec
	if most := span("OnUnitActiveSec") + span("RandomizedDelaySec") + runs; most >= 30*time.Minute {
		t.Errorf("a report can be %v old", most)
	}
}

func TestThePageForNodeExporterNamesItsUnits(t *testing.T) {
	page, err := os.ReadFile("../docs/node-exporter.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{textfileService, textfileTimer} {
		if !strings.Contains(string(page), "examples/"+name) {
			t.Errorf("docs/node-exporter.md does not name examples/%s", name)
		}
	}
}
