package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// bootTimeout bounds what takes seconds, on a machine that may be far busier or slower than usual.
const bootTimeout = 3 * time.Minute

// Boot starts a guest and returns when it can be used. It is killed when the test ends; if the test has failed, its console
// goes to the test's log.
//
// Where a tool, a kernel or a permission is missing, the test is skipped, or with CI=true in the environment failed, with a
// message that says what to do.
func Boot(t testing.TB, o Options) *Guest {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
	defer cancel()
	began := time.Now()
	o, err := o.withDefaults()
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	w, err := findWorkspace()
	if err != nil {
		abort(t, err)
	}
	k, err := findKernel(w.kernels, o.Kernel)
	if err != nil {
		abort(t, err)
	}
	initramfs, err := w.writeInitramfs(ctx, t.TempDir(), k, o)
	if err != nil {
		abort(t, err)
	}
	taps, err := newTaps(t, o.NICs)
	if err != nil {
		abort(t, err)
	}
	m, err := startMachine(k.image, initramfs, o, taps)
	if err != nil {
		abort(t, err)
	}
	g := newGuest(m, taps)
	g.disk = o.Disk
	t.Cleanup(func() {
		if t.Failed() {
			g.logJournal(t)
		}
		g.Kill()
		if t.Failed() {
			t.Logf("console of the guest with kernel %s:\n%s", k.release, m.console)
		}
	})
	if err := g.awaitReady(ctx, o.NICs); err != nil {
		t.Fatalf("lab: boot kernel %s: %v", k.release, err)
	}
	t.Logf("lab: kernel %s ready after %v", k.release, time.Since(began).Round(time.Millisecond))
	return g
}

// newTaps makes the taps of the NICs, by NIC ID. They are removed when the test ends.
func newTaps(t testing.TB, nics []NIC) (map[string]string, error) {
	taps := make(map[string]string)
	t.Cleanup(func() {
		// Boot hands the map to its guest, whose hot-plugs change it.
		for _, name := range slices.Sorted(maps.Values(taps)) {
			if err := deleteTap(name); err != nil {
				t.Errorf("lab: %v", err)
			}
		}
	})
	for _, n := range nics {
		name, err := newTap(n)
		if err != nil {
			return nil, err
		}
		taps[n.ID] = name
	}
	return taps, nil
}

// awaitReady waits until the guest's init process and QEMU's monitor take commands.
func (g *Guest) awaitReady(ctx context.Context, nics []NIC) error {
	if err := g.monitor.execute(ctx, "qmp_capabilities", nil); err != nil {
		return err
	}
	select {
	case e := <-g.ready:
		if g.disk != nil {
			return g.findDevices(ctx, nics)
		}
		for _, n := range nics {
			g.devices[n.ID] = e.Devices[n.MAC]
		}
		return nil
	case <-g.gone:
		return errGuestGone
	case <-ctx.Done():
		return fmt.Errorf("wait for the guest: %w", ctx.Err())
	}
}

// receive takes the guest's events until the connection ends.
func (g *Guest) receive() {
	defer g.lose()
	for {
		var e wire.Event
		if err := g.conn.Receive(&e); err != nil {
			return
		}
		if e.Kind == wire.Ready {
			g.ready <- e
			continue
		}
		g.dispatch(e)
	}
}
