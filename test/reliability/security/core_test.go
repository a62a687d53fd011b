//go:build netns

package security

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/world"
)

// TestNoCoreIsDumped: a daemon that dies of SIGABRT, started with core dumps on and
// GOTRACEBACK=crash, leaves none, also where the kernel would write one for another
// process.
func TestNoCoreIsDumped(t *testing.T) {
	h := newHost(t)
	unlimited := unix.Rlimit{Cur: 1 << 30, Max: 1 << 30}
	var before unix.Rlimit
	h.must(unix.Getrlimit(unix.RLIMIT_CORE, &before))
	if before.Max < unlimited.Max {
		unlimited = unix.Rlimit{Cur: before.Max, Max: before.Max}
	}
	h.must(unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{Cur: unlimited.Cur, Max: before.Max}))
	t.Cleanup(func() { h.must(unix.Setrlimit(unix.RLIMIT_CORE, &before)) })

	// What another process leaves: it tells whether this machine dumps at all.
	other := exec.Command("/bin/sh", "-c", "kill -ABRT $$")
	other.Dir = t.TempDir()
	err := other.Run()
	if !dumped(t, err) {
		t.Logf("this machine dumps no cores (core_pattern, RLIMIT_CORE %d): only the process's own protection is seen", unlimited.Cur)
	}

	h.env = append(h.env, "GOTRACEBACK=crash")
	cmd := h.command("run")
	d := world.LaunchDaemon(t, cmd)
	d.Await("event source is up")
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", d.PID()))
	h.must(err)
	if !strings.Contains(strings.Join(strings.Fields(string(limits)), " "), "Max core file size 0 0 bytes") {
		t.Errorf("its limits:\n%s", limits)
	}
	d.Signal(syscall.SIGABRT)
	d.Wait()
	if status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() || status.CoreDump() {
		t.Errorf("ended by %v", cmd.ProcessState)
	}
	h.search("its last words", d.Log())
	cores, err := filepath.Glob(h.path("core*"))
	h.must(err)
	if len(cores) > 0 {
		t.Errorf("it left %v", cores)
	}
}

// dumped tells whether a process that ended so was dumped.
func dumped(t *testing.T, err error) bool {
	t.Helper()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		t.Fatalf("ended with %v", err)
	}
	status, ok := exit.Sys().(syscall.WaitStatus)
	return ok && status.CoreDump()
}

// TestItsMemoryAndEnvironmentAreClosedToItsOwnUser: credentials can be in both. A
// process of the same user and with the same capabilities may look into any other
// one, and not into the agent.
func TestItsMemoryAndEnvironmentAreClosedToItsOwnUser(t *testing.T) {
	h := newHost(t)
	// CAP_SYS_PTRACE opens everything. Neither this thread, which ends with the
	// test, nor what it starts has it.
	runtime.LockOSThread()
	h.must(unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_PTRACE, 0, 0, 0))
	other := exec.Command("/bin/sleep", "3600")
	h.must(other.Start())
	t.Cleanup(func() { _ = other.Process.Kill(); _ = other.Wait() })
	d := h.start()
	dropPtrace(t)
	for _, file := range []string{"environ", "mem", "maps"} {
		if err := open(other.Process.Pid, file); err != nil {
			t.Fatalf("%v; this test proves nothing", err)
		}
		if err := open(d.PID(), file); !errors.Is(err, fs.ErrPermission) {
			t.Errorf("%s can be opened: %v", file, err)
		}
	}
}

// open opens a file of a process.
func open(pid int, name string) error {
	file, err := os.Open(fmt.Sprintf("/proc/%d/%s", pid, name))
	if err == nil {
		_ = file.Close()
	}
	return err
}

// dropPtrace takes CAP_SYS_PTRACE from the running thread.
func dropPtrace(t *testing.T) {
	t.Helper()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
	data[0].Effective &^= 1 << unix.CAP_SYS_PTRACE
	data[0].Permitted &^= 1 << unix.CAP_SYS_PTRACE
	data[0].Inheritable &^= 1 << unix.CAP_SYS_PTRACE
	if err := unix.Capset(&header, &data[0]); err != nil {
		t.Fatal(err)
	}
}
