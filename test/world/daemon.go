package world

import (
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 60 * time.Second

// Daemon is a running `enitune run`.
type Daemon struct {
	t     testing.TB
	cmd   *exec.Cmd
	ended chan struct{}

	mu    sync.Mutex
	log   []string
	read  int           // lines that Await has gone past
	fresh chan struct{} // closed and replaced with every line
}

// StartDaemon starts a command that runs the daemon, and waits until both kernel
// event sources are up. It is killed when the test ends.
func StartDaemon(t testing.TB, cmd *exec.Cmd) *Daemon {
	t.Helper()
	d := LaunchDaemon(t, cmd)
	d.awaitEvents()
	return d
}

// LaunchDaemon does the same without waiting.
func LaunchDaemon(t testing.TB, cmd *exec.Cmd) *Daemon {
	t.Helper()
	d := &Daemon{t: t, cmd: cmd, ended: make(chan struct{}), fresh: make(chan struct{})}
	cmd.Stderr = &lineWriter{d: d}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = cmd.Wait()
		close(d.ended)
	}()
	t.Cleanup(func() {
		d.Kill()
		if t.Failed() {
			d.mu.Lock()
			defer d.mu.Unlock()
			t.Logf("the log of %v:\n%s", cmd, strings.Join(d.log, "\n"))
		}
	})
	return d
}

// PID is the daemon's process.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Signal sends the daemon a signal.
func (d *Daemon) Signal(s syscall.Signal) {
	d.t.Helper()
	if err := d.cmd.Process.Signal(s); err != nil {
		d.t.Fatal(err)
	}
}

// Kill ends the daemon at once. It may have ended already.
func (d *Daemon) Kill() {
	_ = d.cmd.Process.Kill()
	<-d.ended
}

// Stop ends the daemon and gives its exit code and how long that took.
func (d *Daemon) Stop() (code int, took time.Duration) {
	d.t.Helper()
	start := time.Now()
	d.Signal(syscall.SIGTERM)
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.t.Fatal("the daemon does not end")
	}
	return d.cmd.ProcessState.ExitCode(), time.Since(start)
}

// Wait blocks until the daemon has ended.
func (d *Daemon) Wait() {
	d.t.Helper()
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.t.Fatal("the daemon does not end")
	}
}

// Log is the log so far.
func (d *Daemon) Log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.log, "\n")
}

// Count counts the log lines so far that hold a text.
func (d *Daemon) Count(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(strings.Join(d.log, "\n"), text)
}

// Await blocks until a log line after those awaited before matches.
func (d *Daemon) Await(pattern string) string {
	d.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for {
		d.mu.Lock()
		for d.read < len(d.log) {
			line := d.log[d.read]
			d.read++
			if re.MatchString(line) {
				d.mu.Unlock()
				return line
			}
		}
		fresh := d.fresh
		d.mu.Unlock()
		d.awaitLine(fresh, deadline, pattern)
	}
}

// awaitEvents blocks until both event sources are up. It goes past no line: what
// else is logged meanwhile comes in any order.
func (d *Daemon) awaitEvents() {
	d.t.Helper()
	const pattern = "event source is up"
	deadline := time.After(patience)
	for {
		d.mu.Lock()
		up := strings.Count(strings.Join(d.log, "\n"), pattern)
		fresh := d.fresh
		d.mu.Unlock()
		if up >= 2 {
			return
		}
		d.awaitLine(fresh, deadline, pattern)
	}
}

// awaitLine blocks until a line is logged.
func (d *Daemon) awaitLine(fresh <-chan struct{}, deadline <-chan time.Time, pattern string) {
	d.t.Helper()
	select {
	case <-fresh:
	case <-d.ended:
		d.t.Fatalf("the daemon ended before it logged %q", pattern)
	case <-deadline:
		d.t.Fatalf("the daemon did not log %q", pattern)
	}
}

// lineWriter takes the daemon's log.
type lineWriter struct {
	d    *Daemon
	rest string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest += string(p)
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	for {
		line, rest, ok := strings.Cut(w.rest, "\n")
		if !ok {
			return len(p), nil
		}
		w.rest = rest
		w.d.log = append(w.d.log, line)
		close(w.d.fresh)
		w.d.fresh = make(chan struct{})
	}
}
