package lab

import (
	"context"
	"testing"
)

// Pause stops the guest's processors, as a host does that moves or saves it. Time goes on without it.
func (g *Guest) Pause(t testing.TB) { g.command(t, "stop") }

// Resume lets a paused guest go on.
func (g *Guest) Resume(t testing.TB) { g.command(t, "cont") }

// AwaitSuspend returns a function that waits until the guest has suspended itself to memory (echo mem >/sys/power/state). It
// must be called before the guest is asked to.
func (g *Guest) AwaitSuspend(t testing.TB) (wait func()) {
	suspended := g.monitor.expect("SUSPEND", "")
	return func() {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
		defer cancel()
		if err := suspended(ctx); err != nil {
			t.Fatalf("lab: %v", err)
		}
	}
}

// Wake wakes a guest that has suspended itself to memory, as its power button would.
func (g *Guest) Wake(t testing.TB) { g.command(t, "system_wakeup") }

// command carries out a command of QEMU's monitor that has no arguments.
func (g *Guest) command(t testing.TB, name string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
	defer cancel()
	if err := g.monitor.execute(ctx, name, nil); err != nil {
		t.Fatalf("lab: %v", err)
	}
}
