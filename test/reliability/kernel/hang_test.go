//go:build netns

package kernel

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
)

// stuck gives each of the calls in which the kernel may keep the agent.
func stuck() map[string]faults.Match {
	return map[string]faults.Match{
		"reading channels": on(faults.GetChannels),
		"writing channels": on(faults.SetChannels),
		"listing":          lists(),
	}
}

func TestAnAgentThatTheKernelKeepsServesAndGoesOnLater(t *testing.T) {
	for call, match := range stuck() {
		t.Run(call, func(t *testing.T) {
			h := newHost(t)
			d := h.start(none)
			d.ready()
			release := make(chan struct{})
			d.f.On(match, faults.Times(1, hang(t, d, release)))
			netns.SetChannels(t, "eth1", 1)
			d.held(t)
			if d.get("/metrics") == "" || d.get("/healthz") == "" || len(d.report().NICs) != 2 {
				t.Error("it does not serve")
			}
			close(release)
			await(t, "4 channels", func() int { return netns.Channels(t, "eth1") }, func(n int) bool { return n == wanted })
			d.converges()
		})
	}
}

func TestAnAgentThatTheKernelKeepsEndsAllTheSame(t *testing.T) {
	for call, match := range stuck() {
		t.Run(call, func(t *testing.T) {
			h := newHost(t)
			d := h.start(none)
			d.ready()
			d.f.On(match, hang(t, d, nil))
			netns.SetChannels(t, "eth1", 1)
			d.held(t)
			// It waits 0.95 s for what it is doing; the bound allows for a busy machine.
			if code, took := d.Stop(); code != 0 || took > 3*time.Second {
				t.Errorf("ended with %d after %v", code, took)
			}
		})
	}
}

// hang keeps the daemon in a call, and tells d.held of it.
func hang(t *testing.T, d *daemon, release <-chan struct{}) faults.Handler {
	t.Helper()
	d.holding = make(chan struct{}, 100)
	return func(c *faults.Call) faults.Verdict {
		d.holding <- struct{}{}
		return faults.Hang(release)(c)
	}
}

// held waits until the daemon hangs in a call.
func (d *daemon) held(t *testing.T) {
	t.Helper()
	select {
	case <-d.holding:
	case <-time.After(patience):
		t.Fatal("the call was not made")
	}
}

func TestAnApplyThatTheKernelKeepsCanBeEnded(t *testing.T) {
	h := newHost(t)
	cmd := h.command("apply")
	f := faults.Under(t, cmd)
	d := &daemon{h: h, f: f}
	f.On(on(faults.SetChannels), hang(t, d, nil))
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	d.held(t)
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	if err := cmd.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(3 * time.Second):
		t.Fatal("it does not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != agent.ExitError || !strings.Contains(said.String(), "the kernel does not come back") {
		t.Errorf("exit %d, said %q", code, said.String())
	}
}
