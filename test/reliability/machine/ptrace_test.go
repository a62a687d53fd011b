//go:build netns

package machine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// syscallStop marks a stop of ptrace for a system call (PTRACE_O_TRACESYSGOOD).
const syscallStop = 0x80

// syscallInfo is the beginning of struct ptrace_syscall_info (linux/ptrace.h) at the
// entry of a system call.
type syscallInfo struct {
	op     uint8
	_      [3]uint8
	arch   uint32
	ip, sp uint64
	number uint64
	args   [6]uint64
	_      [2]uint64
}

// runKilledAt runs a command, and kills it before its nth system call of those that
// count is true of, whatever thread makes it, or after a while. It tells how many of
// these calls were made.
func runKilledAt(t *testing.T, cmd *exec.Cmd, n int, count func(number uint64) bool, while time.Duration) (made int) {
	t.Helper()
	// Only the thread that starts a process traces it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	pid, err := syscall.ForkExec(cmd.Path, cmd.Args, &syscall.ProcAttr{
		Env: cmd.Environ(), Files: []uintptr{null.Fd(), null.Fd(), null.Fd()}, Sys: &syscall.SysProcAttr{Ptrace: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := tracer{pid: pid, left: n, count: count}
	late := time.AfterFunc(while, func() { _ = unix.Kill(pid, unix.SIGKILL) })
	defer late.Stop()
	if err := tr.run(); err != nil {
		_ = unix.Kill(pid, unix.SIGKILL)
		t.Fatalf("trace %v: %v", cmd, err)
	}
	return n - tr.left
}

type tracer struct {
	pid   int
	left  int // system calls until the kill
	count func(number uint64) bool
}

// run traces the process, which stands at its start, to its end.
func (tr *tracer) run() error {
	var status unix.WaitStatus
	if _, err := unix.Wait4(tr.pid, &status, 0, nil); err != nil || !status.Stopped() {
		return fmt.Errorf("the start: status %x, %w", status, err)
	}
	if err := unix.PtraceSetOptions(tr.pid, unix.PTRACE_O_TRACESYSGOOD|unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_EXITKILL); err != nil {
		return err
	}
	for tid, signal := tr.pid, 0; ; {
		// A thread that was killed meanwhile is no longer there.
		if err := unix.PtraceSyscall(tid, signal); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
		var err error
		if tid, err = waitThread(&status); errors.Is(err, unix.ECHILD) {
			return nil // all threads have ended
		} else if err != nil {
			return err
		}
		if signal, err = tr.look(tid, status); err != nil {
			return err
		}
	}
}

// waitThread waits for the next stop or end of a thread that this one traces.
func waitThread(status *unix.WaitStatus) (tid int, err error) {
	for {
		tid, err = unix.Wait4(-1, status, unix.WALL|unix.WNOTHREAD, nil)
		if !errors.Is(err, unix.EINTR) {
			return tid, err
		}
	}
}

// look judges a stop, and gives the signal that the thread is to get.
func (tr *tracer) look(tid int, status unix.WaitStatus) (signal int, err error) {
	switch stop := status.StopSignal(); {
	case !status.Stopped():
		return 0, nil
	case stop == unix.SIGTRAP|syscallStop:
		return 0, tr.call(tid)
	case stop == unix.SIGTRAP, stop == unix.SIGSTOP: // a new thread, and its first stop
		return 0, nil
	default:
		return int(stop), nil
	}
}

// call counts a system call at its entry.
func (tr *tracer) call(tid int) error {
	var info syscallInfo
	_, _, errno := unix.Syscall6(unix.SYS_PTRACE, unix.PTRACE_GET_SYSCALL_INFO, uintptr(tid), unsafe.Sizeof(info), uintptr(unsafe.Pointer(&info)), 0, 0)
	if errno == unix.ESRCH {
		return nil
	}
	if errno != 0 {
		return fmt.Errorf("read a system call: %w", errno)
	}
	if info.op != unix.PTRACE_SYSCALL_INFO_ENTRY || tr.left == 0 || !tr.count(info.number) {
		return nil
	}
	if tr.left--; tr.left == 0 {
		return unix.Kill(tr.pid, unix.SIGKILL)
	}
	return nil
}
