//go:build netns

package rivals

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
)

// startTuneD starts the real TuneD with a profile that wants 2 channels, waits until
// it has applied it, and gives what ends it.
func (m *machine) startTuneD() (stop func()) {
	m.t.Helper()
	tree, err := filepath.Abs("../../../.cache/rivals/tuned")
	if err != nil {
		m.t.Fatal(err)
	}
	work := m.t.TempDir()
	for name, text := range map[string]string{
		"profiles/rival/tuned.conf": "[net]\nchannels=rx 2 tx 2\n",
		"global_config_file":        "dynamic_tuning = 0\nsleep_interval = 1\n",
	} {
		file := filepath.Join(work, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			m.t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			m.t.Fatal(err)
		}
	}
	cmd := exec.Command("/usr/bin/python3", "testdata/tuned.py", tree, work)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	await(m.t, "TuneD has applied its profile", func() bool {
		log, err := os.ReadFile(filepath.Join(work, "log"))
		return err == nil && strings.Contains(string(log), "static tuning from profile 'rival' applied")
	})
	return func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}
}

// needTuneD skips a test where TuneD is missing, and fails it in CI. It shows TuneD
// the NICs of this namespace in /sys.
func needTuneD(t *testing.T) {
	t.Helper()
	const program = "../../../.cache/rivals/tuned/usr/sbin/tuned"
	if _, err := os.Stat(program); err != nil {
		const why = "TuneD is not here: test/reliability/rivals/setup.sh"
		if os.Getenv("CI") == "true" {
			t.Fatal(why)
		}
		t.Skip(why)
	}
	if err := unix.Mount("none", "/sys", "sysfs", 0, ""); err != nil {
		t.Fatalf("mount /sys: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount("/sys", unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func TestTheRealTuneDIsAnsweredAtEachStartAndContestedWhenItIsStartedOften(t *testing.T) {
	needTuneD(t)
	m := newMachine(t, "eth1")
	d := m.start(budget(4, time.Hour))
	d.calm()
	for start := range answered {
		stop := m.startTuneD()
		d.Await("eth1 queues: 2 -> 4")
		stop()
		if got := d.agree("eth1", granted); got != start+1 || netns.Channels(t, "eth1") != granted {
			t.Errorf("after start %d of TuneD: %d writes, %d channels", start+1, got, netns.Channels(t, "eth1"))
		}
	}
	m.startTuneD()
	d.awaitReason("eth1", plan.Contested)
	if got := d.agree("eth1", granted); got != answered || !d.alerted("eth1") {
		t.Errorf("%d writes, want %d; the alert has something to fire on: %t", got, answered, d.alerted("eth1"))
	}
}
