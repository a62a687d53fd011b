package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// patience is how long the demo waits for anything before it calls the step failed.
const patience = 20 * time.Second

// daemon is a running `enitune run`.
type daemon struct {
	cmd   *exec.Cmd
	log   *journal
	ended chan struct{} // closed when it has ended and its log is complete
}

// startDaemon starts the daemon. With a socket it goes through a shell, because the protocol wants the process's own id in
// its environment, and that is known only after the fork.
func (a *agentBinary) startDaemon(socket *os.File) (*daemon, error) {
	cmd := exec.Command(a.path, a.arguments([]string{"run"})...)
	if socket != nil {
		args := append([]string{"-c", `export LISTEN_PID=$$; exec "$0" "$@"`, a.path}, a.arguments([]string{"run"})...)
		cmd = exec.Command("/bin/sh", args...)
		cmd.ExtraFiles = []*os.File{socket} // becomes socketFD
	}
	a.equip(cmd)
	if socket != nil {
		cmd.Env = append(cmd.Env, "LISTEN_FDS=1")
	}
	cmd.SysProcAttr.Setpgid = true // a Ctrl-C is for the demo, which then ends the daemon
	d := &daemon{cmd: cmd, log: newJournal(), ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = d.log, d.log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the daemon: %w", err)
	}
	go func() { // ends with the daemon, for which stop and kill wait
		_ = cmd.Wait() // the exit code says it
		close(d.ended)
	}()
	return d, nil
}

func (d *daemon) pid() int { return d.cmd.Process.Pid }

// hangUp makes the daemon read the cloud anew.
func (d *daemon) hangUp() error { return d.cmd.Process.Signal(syscall.SIGHUP) }

// stop ends the daemon as systemd does and tells how long that took.
func (d *daemon) stop() (code int, took time.Duration, err error) {
	start := time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return 0, 0, fmt.Errorf("send SIGTERM to the daemon: %w", err)
	}
	select {
	case <-d.ended:
		return d.cmd.ProcessState.ExitCode(), time.Since(start), nil
	case <-time.After(patience):
		return 0, 0, errors.Join(fmt.Errorf("the daemon did not end within %v of SIGTERM", patience), d.kill())
	}
}

// kill ends the daemon in any case.
func (d *daemon) kill() error {
	err := d.cmd.Process.Kill()
	<-d.ended
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// await waits for a log line, at mark or later, that holds all the words.
func (d *daemon) await(ctx context.Context, mark int, words ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		line, ok, more := d.log.find(mark, words)
		if ok {
			return line, nil
		}
		select {
		case <-more:
		case <-d.ended:
			if line, ok, _ := d.log.find(mark, words); ok {
				return line, nil
			}
			return "", unexpected{what: "the daemon", want: "to run", got: d.cmd.ProcessState.String()}
		case <-ctx.Done():
			return "", unexpected{what: "the daemon's log", want: "a line with " + strings.Join(words, " "), got: "none: " + context.Cause(ctx).Error()}
		}
	}
}
