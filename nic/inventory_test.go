package nic

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// machine is a model of a machine's devices that counts how it is read.
type machine struct {
	devices map[int]NIC
	lists   int
	reads   []int
	err     error
}

func (m *machine) List(_ context.Context, virtual bool) ([]NIC, error) {
	m.lists++
	var list []NIC
	for _, n := range m.devices {
		if virtual || n.Physical() {
			list = append(list, n)
		}
	}
	return list, m.err
}

func (m *machine) ByIndex(index int) (NIC, error) {
	m.reads = append(m.reads, index)
	n, ok := m.devices[index]
	if !ok {
		return NIC{}, &Error{Op: "read link", Kind: ErrGone}
	}
	return n, m.err
}

func physical(index int, name, mac string) NIC {
	return NIC{Index: index, Name: name, MAC: mac, Parent: "virtio0"}
}

func names(t *testing.T, v *Inventory) []string {
	t.Helper()
	nics, err := v.NICs(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, n := range nics {
		list = append(list, n.Name)
	}
	return list
}

func event(n NIC) link {
	mac, _ := macBytes(n.MAC)
	return link{index: n.Index, kind: n.Kind, parent: n.Parent != "", mac: mac}
}

func TestInventoryReadsAllOnceAndThenByEvent(t *testing.T) {
	m := &machine{devices: map[int]NIC{2: physical(2, "eth0", "00:16:3e:00:00:01")}}
	v := NewInventory(m, false)
	v.setWatching(true)
	for range 3 {
		if d := cmp.Diff([]string{"eth0"}, names(t, v)); d != "" {
			t.Fatal(d)
		}
	}
	m.devices[3] = physical(3, "eth1", "00:16:3e:00:00:02")
	if !v.observe(event(m.devices[3])) {
		t.Error("a new physical device was not worth a look")
	}
	m.devices[2] = physical(2, "ens5", "00:16:3e:00:00:01")
	v.observe(event(m.devices[2]))
	if d := cmp.Diff([]string{"ens5", "eth1"}, names(t, v)); d != "" {
		t.Errorf("after a rename and a hot-plug: %s", d)
	}
	delete(m.devices, 3)
	v.observe(link{index: 3})
	if d := cmp.Diff([]string{"ens5"}, names(t, v)); d != "" {
		t.Errorf("after an unplug: %s", d)
	}
	if m.lists != 1 {
		t.Errorf("all links were read %d times, want once", m.lists)
	}
	slices.Sort(m.reads)
	if d := cmp.Diff([]int{2, 3, 3}, m.reads); d != "" {
		t.Errorf("single reads: %s", d)
	}
}

func TestInventoryIgnoresPods(t *testing.T) {
	m := &machine{devices: map[int]NIC{2: physical(2, "eth0", "00:16:3e:00:00:01")}}
	v := NewInventory(m, false)
	v.setWatching(true)
	names(t, v)
	for i := range 1000 {
		if v.observe(link{index: 100 + i, kind: "veth"}) {
			t.Fatal("a pod's veth was worth a look")
		}
	}
	names(t, v)
	if m.lists != 1 || len(m.reads) != 0 {
		t.Errorf("%d dumps and %d reads, want 1 and 0", m.lists, len(m.reads))
	}
}

func TestInventoryIgnoresBridgePorts(t *testing.T) {
	m := &machine{devices: map[int]NIC{2: physical(2, "eth0", "00:16:3e:00:00:01")}}
	v := NewInventory(m, false)
	v.setWatching(true)
	names(t, v)
	const afBridge = 7 // a bridge's message about its port has no link kind
	for _, index := range []int{2, 100} {
		if v.observe(link{family: afBridge, index: index}) {
			t.Errorf("a bridge's message about port %d was worth a look", index)
		}
	}
}

func TestInventoryNeverTakesAStackedDeviceForAnENI(t *testing.T) {
	m := &machine{devices: map[int]NIC{2: {Index: 2, Name: "eth1", MAC: "00:16:3e:00:00:01", Kind: "veth"}}}
	v := NewInventory(m, true)
	v.setWatching(true)
	names(t, v)
	v.Follow([]int{2}, []string{"00:16:3e:00:00:01"})
	m.devices[3] = NIC{Index: 3, Name: "br0", MAC: "00:16:3e:00:00:01", Kind: "bridge"}
	if v.observe(event(m.devices[3])) {
		t.Error("a bridge with an ENI's address was worth a look")
	}
}

func TestInventoryFollowsChosenVirtualDevices(t *testing.T) {
	veth := func(index int, name, mac string) NIC { return NIC{Index: index, Name: name, MAC: mac, Kind: "veth"} }
	m := &machine{devices: map[int]NIC{
		2: veth(2, "eth1", "00:16:3e:00:00:01"), 3: veth(3, "pod0", "02:00:00:00:00:09"),
	}}
	v := NewInventory(m, true)
	v.setWatching(true)
	if d := cmp.Diff([]string{"eth1", "pod0"}, names(t, v)); d != "" {
		t.Fatal(d)
	}
	v.Follow([]int{2}, []string{"00:16:3e:00:00:01", "00:16:3e:00:00:02"})
	if d := cmp.Diff([]string{"eth1"}, names(t, v)); d != "" {
		t.Errorf("a device that is not followed stays: %s", d)
	}
	m.devices[4] = veth(4, "eth2", "00:16:3e:00:00:02")
	if !v.observe(event(m.devices[4])) {
		t.Error("a device with an awaited address was not worth a look")
	}
	if d := cmp.Diff([]string{"eth1", "eth2"}, names(t, v)); d != "" {
		t.Errorf("after the awaited device came: %s", d)
	}
	looks := 0
	for i := range 1000 {
		if v.observe(link{index: 100 + i, kind: "veth", mac: [6]byte{2, 0, 0, 0, byte(i >> 8), byte(i)}}) {
			looks++
			names(t, v)
			v.Follow([]int{2, 4}, nil)
		}
	}
	if looks > relookBurst+1 {
		t.Errorf("%d looks for 1000 unknown devices, want at most %d", looks, relookBurst)
	}
}

func TestInventoryReadsAllAgainAfterLostEventsAndWithoutAWatcher(t *testing.T) {
	m := &machine{devices: map[int]NIC{2: physical(2, "eth0", "00:16:3e:00:00:01")}}
	v := NewInventory(m, false)
	names(t, v)
	names(t, v)
	if m.lists != 2 {
		t.Errorf("without a watcher %d dumps for 2 looks", m.lists)
	}
	v.setWatching(true)
	names(t, v)
	if !v.lost() {
		t.Error("lost events were not worth a look")
	}
	names(t, v)
	if m.lists != 4 {
		t.Errorf("%d dumps, want 4", m.lists)
	}
}

func TestInventoryForgetsNothingWhenAReadFails(t *testing.T) {
	m := &machine{devices: map[int]NIC{2: physical(2, "eth0", "00:16:3e:00:00:01")}}
	v := NewInventory(m, false)
	v.setWatching(true)
	names(t, v)
	v.observe(link{index: 2})
	m.err = errors.New("no buffer space")
	before := maps.Clone(v.nics)
	nics, err := v.NICs(context.Background())
	if err == nil || len(nics) != 1 {
		t.Fatalf("%v, %v, want the known device beside an error", nics, err)
	}
	if d := cmp.Diff(before, v.nics); d != "" {
		t.Errorf("devices changed: %s", d)
	}
	m.err = nil
	if d := cmp.Diff([]string{"eth0"}, names(t, v)); d != "" {
		t.Error(d)
	}
}
