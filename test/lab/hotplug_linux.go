package lab

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// AddNIC plugs n into the running guest and returns the name of the guest's device once it is there and set up.
// n needs an ID and a MAC of its own.
func (g *Guest) AddNIC(t testing.TB, n NIC) (device string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
	defer cancel()
	if n.ID == "" || n.MAC == "" {
		t.Fatal("lab: a NIC to add needs an ID and a MAC")
	}
	n, err := n.withDefaults(0)
	if err != nil {
		t.Fatalf("lab: %v", err)
	}
	if g.Tap(n.ID) != "" {
		t.Fatalf("lab: the guest has a NIC %s already; it has %v", n.ID, slices.Sorted(maps.Keys(g.taps)))
	}
	tap, err := newTap(n)
	if err != nil {
		abort(t, err)
	}
	g.mu.Lock()
	g.taps[n.ID] = tap
	g.mu.Unlock()
	setup := n.guest()
	if g.disk != nil {
		if err := g.announce(ctx, n); err != nil {
			t.Fatalf("lab: tell the guest's networkd of NIC %s: %v", n.ID, err)
		}
		setup = n.bare()
	}
	if err := g.plug(ctx, n, tap); err != nil {
		t.Fatalf("lab: add NIC %s: %v", n.ID, err)
	}
	if err := g.setupNIC(ctx, n.ID, setup); err != nil {
		t.Fatalf("lab: %v", err)
	}
	return g.Device(n.ID)
}

// setupNIC has the guest's agent wait for a NIC and set it up, and notes the device's name.
func (g *Guest) setupNIC(ctx context.Context, id string, setup wire.NIC) error {
	e, err := g.call(ctx, wire.Request{ID: g.nextID(), Op: wire.SetupNIC, NIC: setup})
	if err != nil {
		return fmt.Errorf("set up NIC %s in the guest: %w", id, err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.devices[id] = e.Device
	return nil
}

// plug tells QEMU of the device.
func (g *Guest) plug(ctx context.Context, n NIC, tap string) error {
	err := g.monitor.execute(ctx, "netdev_add", map[string]any{
		"type": "tap", "id": n.netdev(), "ifname": tap, "script": "no", "downscript": "no", "queues": n.Queues,
	})
	if err != nil {
		return err
	}
	return g.monitor.execute(ctx, "device_add", map[string]any{
		"driver": "virtio-net-pci", "id": n.ID, "netdev": n.netdev(), "mac": n.MAC, "mq": n.Queues > 1,
		"vectors": n.vectors(), "rx_queue_size": n.RxRing, "queue_reset": !n.NoQueueReset, "romfile": "",
	})
}

// RemoveNIC unplugs the NIC with the given ID from the running guest and returns when the guest has let it go.
func (g *Guest) RemoveNIC(t testing.TB, id string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), bootTimeout)
	defer cancel()
	tap := g.Tap(id)
	if tap == "" {
		t.Fatalf("lab: the guest has no NIC %s; it has %v", id, slices.Sorted(maps.Keys(g.taps)))
	}
	if err := g.unplug(ctx, id); err != nil {
		t.Fatalf("lab: remove NIC %s: %v", id, err)
	}
	g.mu.Lock()
	delete(g.taps, id)
	delete(g.devices, id)
	g.mu.Unlock()
	if err := deleteTap(tap); err != nil {
		t.Fatalf("lab: remove NIC %s: %v", id, err)
	}
}

// unplug has QEMU take the device from the guest, which has to agree.
func (g *Guest) unplug(ctx context.Context, id string) error {
	wait := g.monitor.expect("DEVICE_DELETED", id)
	if err := g.monitor.execute(ctx, "device_del", map[string]any{"id": id}); err != nil {
		return fmt.Errorf("take the device away: %w", err)
	}
	if err := wait(ctx); err != nil {
		return err
	}
	return g.monitor.execute(ctx, "netdev_del", map[string]any{"id": NIC{ID: id}.netdev()})
}
