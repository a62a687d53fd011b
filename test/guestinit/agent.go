//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// errPowerOff is what serve returns when the harness asked for the end.
var errPowerOff = errors.New("power off requested")

// agent carries out the harness's requests.
type agent struct {
	conn   *wire.Conn
	reaper *reaper
	tasks  sync.WaitGroup

	mu   sync.Mutex
	pids map[uint64]int // running processes by the ID of their Start request
}

func newAgent(conn *wire.Conn) *agent {
	return &agent{conn: conn, reaper: newReaper(), pids: make(map[uint64]int)}
}

// serve carries out requests until the connection ends or a power-off is asked for; then what still runs is killed.
func (a *agent) serve(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	var reaping sync.WaitGroup
	reaping.Go(func() { a.reaper.run(ctx) })
	err := a.receive(ctx)
	a.killAll()
	a.tasks.Wait()
	cancel()
	reaping.Wait()
	return err
}

func (a *agent) receive(ctx context.Context) error {
	// Waits for devices end with the connection.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for {
		var r wire.Request
		if err := a.conn.Receive(&r); err != nil {
			return err
		}
		if r.Op == wire.PowerOff {
			return errPowerOff
		}
		a.tasks.Go(func() { a.handle(ctx, r) })
	}
}

// handle carries out r. Errors in sending are not reported: the receiver meets the same broken connection.
func (a *agent) handle(ctx context.Context, r wire.Request) {
	done := wire.Event{ID: r.ID, Kind: wire.Done}
	var err error
	switch r.Op {
	case wire.Start:
		err = a.start(r)
		if err == nil {
			return // start has answered, before the first output
		}
	case wire.Signal:
		err = a.signal(r)
	case wire.ReadFile:
		done.Data, err = os.ReadFile(r.Path)
	case wire.WriteFile:
		err = writeFile(r.Path, r.Data, os.FileMode(r.Mode))
	case wire.SetupNIC:
		done.Device, err = setupNIC(ctx, r.NIC)
	default:
		err = fmt.Errorf("unknown operation %q", r.Op)
	}
	if err != nil {
		done.Error = err.Error()
	}
	_ = a.conn.Send(done)
}

// start starts the process of r and, in tasks of their own, sends what it writes and its end.
func (a *agent) start(r wire.Request) error {
	path, err := lookPath(r.Argv)
	if err != nil {
		return err
	}
	out, err := newOutputs()
	if err != nil {
		return err
	}
	defer out.closeWriters()
	pid, exit, err := a.reaper.start(path, r.Argv, &syscall.ProcAttr{
		Dir:   r.Dir,
		Env:   mergeEnv(os.Environ(), r.Env),
		Files: out.files(),
		Sys:   &syscall.SysProcAttr{Setpgid: true},
	})
	if err != nil {
		out.closeReaders()
		return &os.PathError{Op: "start", Path: path, Err: err}
	}
	a.mu.Lock()
	a.pids[r.ID] = pid
	a.mu.Unlock()
	_ = a.conn.Send(wire.Event{ID: r.ID, Kind: wire.Done})
	a.tasks.Go(func() { a.follow(r.ID, out, exit) })
	return nil
}

// follow sends the output of a process until it has ended, and then its exit code.
func (a *agent) follow(id uint64, out *outputs, exit <-chan syscall.WaitStatus) {
	defer out.closeReaders()
	pumped := out.pump(func(stream int, data []byte) {
		_ = a.conn.Send(wire.Event{ID: id, Kind: wire.Output, Stream: stream, Data: data})
	})
	status := <-exit
	a.mu.Lock()
	delete(a.pids, id)
	a.mu.Unlock()
	// Descendants may hold the pipes open for ever; what the process itself wrote is in them by now.
	out.drain()
	pumped.Wait()
	_ = a.conn.Send(wire.Event{ID: id, Kind: wire.Exit, Code: exitCode(status)})
}

// signal sends a signal to a process, or to its group. A process that has ended is no error.
func (a *agent) signal(r wire.Request) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	pid, ok := a.pids[r.Target]
	if !ok {
		return nil
	}
	if r.Group {
		pid = -pid
	}
	if err := syscall.Kill(pid, syscall.Signal(r.Signal)); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("send signal %d: %w", r.Signal, err)
	}
	return nil
}

func (a *agent) killAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, pid := range a.pids {
		_ = syscall.Kill(-pid, syscall.SIGKILL)
	}
}

// exitCode is the exit code as a shell gives it: 128 + signal for a process that a signal ended.
func exitCode(status syscall.WaitStatus) int {
	if status.Signaled() {
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

// lookPath finds the program of argv.
func lookPath(argv []string) (string, error) {
	if len(argv) == 0 {
		return "", errors.New("no program to start")
	}
	return exec.LookPath(argv[0])
}

// mergeEnv returns base with the assignments of over in place of those with the same key.
func mergeEnv(base, over []string) []string {
	// Of several assignments to a key exec.Cmd passes on the last; so that its rule serves here too, it is asked.
	return (&exec.Cmd{Env: append(append([]string{}, base...), over...)}).Environ()
}

// writeFile writes a file with exactly the mode, and the directories that it needs.
func writeFile(path string, data []byte, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}
