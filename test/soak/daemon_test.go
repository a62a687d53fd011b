//go:build netns

package soak

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
)

// daemon is an `enitune run` with a folder of its own, in which its state has a small
// file system of its own.
type daemon struct {
	t      *testing.T
	binary string
	dir    string
	port   int
	env    []string
	cmd    *exec.Cmd
	ended  chan struct{}
	client *http.Client
}

// stateSize is how much the file system of the state holds.
const stateSize = "64k"

func newDaemon(t *testing.T, binary string, port int, env []string) *daemon {
	t.Helper()
	d := &daemon{t: t, binary: binary, dir: t.TempDir(), port: port}
	d.env = append(slices.Clone(env), "RUNTIME_DIRECTORY="+d.dir)
	d.client = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
	if err := os.Mkdir(d.stateDir(), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("none", d.stateDir(), "tmpfs", 0, "mode=755,size="+stateSize); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		d.end(syscall.SIGKILL)
		_ = unix.Unmount(d.stateDir(), unix.MNT_DETACH)
	})
	return d
}

func (d *daemon) stateDir() string   { return filepath.Join(d.dir, "state") }
func (d *daemon) configFile() string { return filepath.Join(d.dir, "config.yaml") }
func (d *daemon) logFile() string    { return filepath.Join(d.dir, "log") }

// configure writes the configuration: what each has, and more.
func (d *daemon) configure(more string) {
	d.t.Helper()
	text := fmt.Sprintf("discovery: {virtual_devices: true}\nstate_dir: %s\nweb: {listen: [\"127.0.0.1:%d\"], pprof: true}\n%s", d.stateDir(), d.port, more)
	if err := os.WriteFile(d.configFile(), []byte(text), 0o644); err != nil {
		d.t.Fatal(err)
	}
}

// command is enitune with arguments.
func (d *daemon) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.binary, append([]string{"--config", d.configFile()}, args...)...)
	cmd.Env = d.env
	return cmd
}

// start starts the daemon.
func (d *daemon) start() {
	d.t.Helper()
	log, err := os.OpenFile(d.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close()
	d.cmd, d.ended = d.command(context.Background(), "run"), make(chan struct{})
	d.cmd.Stderr = log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	started := make(chan error)
	go func(cmd *exec.Cmd, ended chan struct{}) {
		// It dies with the thread that starts it, which therefore is to last.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(ended)
		}
	}(d.cmd, d.ended)
	if err := <-started; err != nil {
		d.t.Fatal(err)
	}
}

// signal sends the daemon a signal.
func (d *daemon) signal(s syscall.Signal) { _ = d.cmd.Process.Signal(s) }

// end ends the daemon by a signal, and gives its exit code.
func (d *daemon) end(s syscall.Signal) int {
	if d.cmd == nil {
		return 0
	}
	d.signal(s)
	<-d.ended
	return d.cmd.ProcessState.ExitCode()
}

// alive tells whether it runs, and how it ended if not.
func (d *daemon) alive() (bool, string) {
	select {
	case <-d.ended:
		return false, d.cmd.ProcessState.String()
	default:
		return true, ""
	}
}

// get asks for a page.
func (d *daemon) get(path, accept string) (body string, status int, err error) {
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", d.port, path), nil)
	if err != nil {
		return "", 0, err
	}
	req.Header.Set("Accept", accept)
	resp, err := d.client.Do(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), resp.StatusCode, err
}

// report is the daemon's last one; ok is false while it has none or does not answer.
func (d *daemon) report() (r agent.Report, ok bool) {
	body, status, err := d.get("/status", "")
	if err != nil || status != http.StatusOK {
		return r, false
	}
	if err := json.Unmarshal([]byte(body), &r); err != nil {
		d.t.Fatal(err)
	}
	return r, true
}

// breakState makes the folder of the state full or read-only, and mendState ends it.
func (d *daemon) breakState(full bool) {
	d.t.Helper()
	if !full {
		if err := unix.Mount("none", d.stateDir(), "", unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	filler, err := os.Create(filepath.Join(d.stateDir(), "filler"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer filler.Close()
	for block := make([]byte, 4096); err == nil; {
		_, err = filler.Write(block)
	}
}

func (d *daemon) mendState() {
	d.t.Helper()
	if err := unix.Mount("none", d.stateDir(), "", unix.MS_REMOUNT, "size="+stateSize); err != nil {
		d.t.Fatal(err)
	}
	_ = os.Remove(filepath.Join(d.stateDir(), "filler"))
}
