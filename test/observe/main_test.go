//go:build observe

// Package observe runs the built binary under the eyes of a real Prometheus with
// the rules and dashboards that come with it, a real node_exporter and strace, in
// private namespaces and with a simulated cloud where an instance finds the real
// one. test/observe/setup.sh gets the programs.
package observe

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 60 * time.Second

func TestMain(m *testing.M) {
	faults.Main()
	os.Exit(world.Main(m, true, netns.Run))
}

// tool gives the path of a program that test/observe/setup.sh gets. Without it the
// test is skipped, and fails in CI.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("../../.cache/observe/bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	path, err = exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("%s is missing; run test/observe/setup.sh", name)
	default:
		t.Skipf("%s is missing; run test/observe/setup.sh", name)
	}
	return path
}

// shortDir is a temporary folder whose path leaves room for the name of a socket,
// which a path with the test's name may not.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "observe-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// startProgram runs a program until the test ends, and shows what it wrote if the
// test has failed.
func startProgram(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "output"))
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		_ = log.Close()
		if text, err := os.ReadFile(log.Name()); t.Failed() && err == nil {
			t.Logf("the output of %s:\n%s", filepath.Base(cmd.Path), text)
		}
	})
}
