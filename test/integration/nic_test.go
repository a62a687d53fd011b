//go:build netns

package integration

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/netns"
)

func openNICs(t *testing.T) *nic.Handle {
	t.Helper()
	h, err := nic.Open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func findNIC(t *testing.T, h *nic.Handle, name string) nic.NIC {
	t.Helper()
	list, err := h.List(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range list {
		if n.Name == name {
			return n
		}
	}
	t.Fatalf("no %s in %v", name, list)
	return nic.NIC{}
}

// atDepth calls f from a new goroutine whose stack is used up to a depth.
func atDepth(depth int, f func()) {
	var deeper func(n int)
	deeper = func(n int) {
		var frame [64]byte
		if n == 0 {
			f()
			return
		}
		frame[n%len(frame)] = 1
		deeper(n - 1)
		runtime.KeepAlive(&frame)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		deeper(depth)
	}()
	<-done
}

// TestReadsAreRightAtEveryStackDepth reads where a read that has to grow the
// stack would come back as zeros.
func TestReadsAreRightAtEveryStackDepth(t *testing.T) {
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 8, Channels: 3})
	h := openNICs(t)
	n := findNIC(t, h, "eth1")
	wrong := 0
	ctx, stop := context.WithCancel(t.Context())
	collected := make(chan struct{})
	go func() { // the collector shrinks stacks
		defer close(collected)
		for ctx.Err() == nil {
			runtime.GC()
		}
	}()
	defer func() { stop(); <-collected }()
	for depth := range 500 {
		atDepth(depth, func() {
			st, err := h.Read(n)
			if r := st.Reading(nic.Queues); err != nil || r.Current != 3 || r.Max != 8 || st.Driver != "veth" {
				wrong++
			}
		})
	}
	if wrong > 0 {
		t.Errorf("%d of 500 reads are wrong", wrong)
	}
}

func TestSetFindsTheDeviceByIndexAndAddress(t *testing.T) {
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 8, Channels: 1, MAC: mac1})
	h := openNICs(t)
	n := findNIC(t, h, "eth1")
	link, err := netlink.LinkByName("eth1")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(netlink.LinkSetDown(link), netlink.LinkSetName(link, "ens9"), netlink.LinkSetUp(link)); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Set(n, []nic.Change{{Setting: nic.Queues, Value: 4}}) {
		if r.Err != nil || netns.Channels(t, "ens9") != 4 {
			t.Errorf("after a rename: %v, %d channels", r.Err, netns.Channels(t, "ens9"))
		}
	}
	n.MAC = mac2
	for _, r := range h.Set(n, []nic.Change{{Setting: nic.Queues, Value: 2}}) {
		if !errors.Is(r.Err, nic.ErrGone) || netns.Channels(t, "ens9") != 4 {
			t.Errorf("another address: %v, %d channels", r.Err, netns.Channels(t, "ens9"))
		}
	}
	if err := netlink.LinkDel(link); err != nil {
		t.Fatal(err)
	}
	for _, r := range h.Set(n, []nic.Change{{Setting: nic.Queues, Value: 2}}) {
		if !errors.Is(r.Err, nic.ErrGone) {
			t.Errorf("a deleted device: %v", r.Err)
		}
	}
	if _, err := h.Read(n); !errors.Is(err, nic.ErrGone) {
		t.Errorf("reading a deleted device: %v", err)
	}
}

func TestKernelRefusalsAreTyped(t *testing.T) {
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 2, Channels: 1})
	h := openNICs(t)
	n := findNIC(t, h, "eth1")
	results := h.Set(n, []nic.Change{{Setting: nic.Queues, Value: 4}, {Setting: nic.RxRing, Value: 512}, {Setting: nic.TxRing, Value: 512}})
	for _, r := range results {
		want := nic.ErrUnsupported
		if r.Setting == nic.Queues {
			want = nic.ErrInvalid
		}
		if !errors.Is(r.Err, want) {
			t.Errorf("%s: %v, want %v", r.Setting, r.Err, want)
		}
		if words := "requested channel count exceeds maximum"; r.Setting == nic.Queues && !strings.Contains(r.Err.Error(), words) {
			t.Errorf("%v does not give the kernel's words, %q", r.Err, words)
		}
	}
	if len(results) != 3 {
		t.Errorf("%d results", len(results))
	}
}

func TestWatchersTellOfChanges(t *testing.T) {
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 8, Channels: 1, MAC: mac1})
	h := openNICs(t)
	v := nic.NewInventory(h, true)
	ctx, cancel := context.WithCancel(t.Context())
	look := make(chan string, 100)
	up := make(chan error, 10)
	ended := make(chan error, 2)
	for _, w := range []*nic.Watcher{nic.NewLinkWatcher(v), nic.NewEthtoolWatcher(v)} {
		go func() {
			ended <- w.Run(ctx, func() { look <- w.Name() }, func(err error) { up <- err })
		}()
	}
	for range 2 {
		if err := receive(t, up); err != nil {
			t.Fatal(err)
		}
		receive(t, look)
	}
	list, err := v.NICs(ctx)
	if err != nil {
		t.Fatal(err)
	}
	index := findNIC(t, h, "eth1").Index
	v.Follow([]int{index}, []string{mac1, mac2})
	if len(list) != 2 {
		t.Errorf("%d devices before following, want eth1 and its peer", len(list))
	}
	netns.SetChannels(t, "eth1", 2)
	receiveUntil(t, look, "ethtool") // veth also sends a link message
	netns.Veth(t, netns.VethPair{Name: "eth2", Queues: 8, MAC: mac2})
	receiveUntil(t, look, "rtnetlink")
	cancel()
	for range 2 {
		if err := receive(t, ended); err != nil {
			t.Error(err)
		}
	}
}

// receiveUntil skips what is not wanted.
func receiveUntil(t *testing.T, ch <-chan string, want string) {
	t.Helper()
	for receive(t, ch) != want {
	}
}

func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
		panic("unreachable")
	}
}
