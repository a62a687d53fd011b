//go:build netns

package kernel

import (
	"errors"
	"net"
	"slices"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// rename gives a device another name, as udev does while the instance boots.
func rename(t *testing.T, from, to string) {
	l := link(t, from)
	if err := errors.Join(netlink.LinkSetDown(l), netlink.LinkSetName(l, to), netlink.LinkSetUp(l)); err != nil {
		t.Errorf("rename %s to %s: %v", from, to, err)
	}
}

// setMAC gives a device another address.
func setMAC(t *testing.T, name, mac string) {
	addr, err := net.ParseMAC(mac)
	if err == nil {
		err = netlink.LinkSetHardwareAddr(link(t, name), addr)
	}
	if err != nil {
		t.Errorf("give %s the address %s: %v", name, mac, err)
	}
}

// moments are when something happens to eth1 while the agent repairs it, each with the rule that makes it happen then.
// The reading of a NIC ends with its rings; a write begins with reading the channels again.
func moments() map[string]func(f *faults.Injector, do func()) {
	return map[string]func(f *faults.Injector, do func()){
		"in the middle of the reading": func(f *faults.Injector, do func()) {
			f.On(on(faults.GetChannels), faults.Times(1, faults.After(do)))
		},
		beforeTheWrite: func(f *faults.Injector, do func()) { f.On(on(faults.GetRings), faults.Times(1, faults.After(do))) },
		inTheWrite: func(f *faults.Injector, do func()) {
			f.On(on(faults.SetChannels), faults.Times(1, faults.Before(do)))
		},
		"after the write": func(f *faults.Injector, do func()) { f.On(on(faults.SetChannels), faults.Times(1, faults.After(do))) },
	}
}

// The two moments that matter most: the plan is made, and the NIC is another one.
const (
	beforeTheWrite = "before the write"
	inTheWrite     = "in the middle of the write"
)

// atMoments has a daemon repair a change of eth1, do something at some moments of that, and look at the outcome. No moment
// named means all.
func atMoments(t *testing.T, do func(h *host), look func(t *testing.T, d *daemon), only ...string) {
	t.Helper()
	for moment, rule := range moments() {
		if len(only) > 0 && !slices.Contains(only, moment) {
			continue
		}
		t.Run(moment, func(t *testing.T) {
			h := newHost(t)
			d := h.start(none)
			d.ready()
			d.before = len(d.f.Writes(""))
			done := make(chan struct{})
			rule(d.f, func() { do(h); close(done) })
			netns.SetChannels(t, "eth1", 1)
			select {
			case <-done:
			case <-time.After(patience):
				t.Fatal("the moment did not come")
			}
			look(t, d)
		})
	}
}

func TestANICRenamedUnderTheAgentIsTheSameNIC(t *testing.T) {
	atMoments(t, func(h *host) { rename(h.t, "eth1", "ens9") }, func(t *testing.T, d *daemon) {
		r := d.settles("ens9 in sync", func(r agent.Report) bool { return world.Setting(r, "ens9", nic.Queues).Reason == plan.InSync })
		if got := netns.Channels(t, "ens9"); got != wanted || !r.InSync {
			t.Errorf("%d channels, %+v", got, r)
		}
		var others []agent.Change
		for _, c := range r.Changes {
			if c.By != agent.ByEnitune {
				others = append(others, c)
			}
		}
		if len(others) != 1 || others[0].To != 1 {
			t.Errorf("taken for another program's: %+v", others)
		}
		if d.Count("NIC is gone")+d.Count("the kernel refused") > 0 {
			t.Error("a renamed NIC is taken for gone, or for one that refuses")
		}
		if n := d.writes(); n > 2 { // one that found no such name
			t.Errorf("%d writes", n)
		}
	})
}

func TestTwoNICsThatSwapNamesUnderTheAgentBothConverge(t *testing.T) {
	swap := func(h *host) {
		rename(h.t, "eth1", "tmp0")
		rename(h.t, "eth2", "eth1")
		rename(h.t, "tmp0", "eth2")
	}
	atMoments(t, swap, func(t *testing.T, d *daemon) {
		d.settles("both in sync", func(r agent.Report) bool {
			return r.InSync && len(r.NICs) == 2 && world.Setting(r, "eth1", nic.Queues).Current == wanted && r.NICs[0].ENI == "eni-1" && r.NICs[0].Device == "eth2"
		})
		if one, two := netns.Channels(t, "eth1"), netns.Channels(t, "eth2"); one != wanted || two != wanted {
			t.Errorf("%d and %d channels", one, two)
		}
		if d.Count("the kernel refused") > 0 {
			t.Error("a write that another NIC got is taken for refused")
		}
		if n := d.writes(); n > 2 {
			t.Errorf("%d writes", n)
		}
	}, beforeTheWrite, inTheWrite)
}

// alone tells that eth2 is in line and eni-1 has no NIC, which is no failure.
func alone(r agent.Report) bool {
	return world.Setting(r, "eth2", nic.Queues).Reason == plan.InSync && len(r.NICs) == 1 && len(r.Errors) == 0 &&
		len(r.Unmatched) == 1 && r.Unmatched[0] == agent.Unmatched{ENI: "eni-1", MAC: mac1, Reason: agent.NICMissing}
}

func TestANICThatVanishesUnderTheAgentHindersNoOther(t *testing.T) {
	atMoments(t, func(h *host) { netns.Delete(h.t, "eth1") }, func(t *testing.T, d *daemon) {
		d.settles("eth2 in sync and eni-1 without a NIC", alone)
		if n := d.writes(); n > 1 {
			t.Errorf("%d writes to a NIC that is gone", n)
		}
		d.h.nic("eth1", mac1)
		d.converges()
	})
}

func TestANICThatComesBackWithAnotherIndexUnderTheAgentIsANewNIC(t *testing.T) {
	replug := func(h *host) {
		netns.Delete(h.t, "eth1")
		h.nic("eth1", mac1)
	}
	atMoments(t, replug, func(t *testing.T, d *daemon) {
		d.converges()
		await(t, "4 channels", func() int { return netns.Channels(t, "eth1") }, func(n int) bool { return n == wanted })
		if n := d.writes(); n > 2 {
			t.Errorf("%d writes", n)
		}
	}, beforeTheWrite, inTheWrite)
}

func TestTwoNICsThatSwapAddressesUnderTheAgentBelongToEachOthersENI(t *testing.T) {
	swap := func(h *host) {
		setMAC(h.t, "eth1", "00:16:3e:00:00:99")
		setMAC(h.t, "eth2", mac1)
		setMAC(h.t, "eth1", mac2)
		h.cloud.PutENI(world.ENI("eni-2", mac2, other))
	}
	atMoments(t, swap, func(t *testing.T, d *daemon) {
		d.Signal(unix.SIGHUP) // for the new number of queues
		d.settles("eth1 with the queues of eni-2", func(r agent.Report) bool {
			one, two := world.Setting(r, "eth1", nic.Queues), world.Setting(r, "eth2", nic.Queues)
			return r.InSync && one.Current == other && two.Current == wanted
		})
		if one, two := netns.Channels(t, "eth1"), netns.Channels(t, "eth2"); one != other || two != wanted {
			t.Errorf("%d and %d channels", one, two)
		}
	}, beforeTheWrite, inTheWrite)
}

// other is a queue number that eni-2 gets.
const other = 6

func TestANICMovedToAnotherNamespaceIsMissingUntilItComesBack(t *testing.T) {
	here, away := netns.Current(t), netns.New(t)
	move := func(h *host) {
		if err := netlink.LinkSetNsFd(link(h.t, "eth1"), away.FD()); err != nil {
			h.t.Errorf("move eth1: %v", err)
		}
	}
	atMoments(t, move, func(t *testing.T, d *daemon) {
		d.settles("eth2 in sync and eni-1 without a NIC", alone)
		away.Do(func() {
			netns.SetChannels(t, "eth1", 1)
			if err := netlink.LinkSetNsFd(link(t, "eth1"), here.FD()); err != nil {
				t.Errorf("move eth1 back: %v", err)
			}
		})
		d.converges()
		if got := netns.Channels(t, "eth1"); got != wanted {
			t.Errorf("%d channels", got)
		}
	}, beforeTheWrite, inTheWrite)
}

func TestANICThatGoesDownAndUpStaysInLine(t *testing.T) {
	h := newHost(t)
	d := h.start(none)
	d.ready()
	before := len(d.f.Writes("eth1"))
	if err := netlink.LinkSetDown(link(t, "eth1")); err != nil {
		t.Fatal(err)
	}
	netns.SetChannels(t, "eth1", 1)
	d.Await("eth1 queues: another program changed 4 to 1")
	d.Await("eth1 queues: 1 -> 4")
	netns.Up(t, "eth1")
	d.converges()
	if n := len(d.f.Writes("eth1")) - before; n != 1 || netns.Channels(t, "eth1") != wanted {
		t.Errorf("%d writes, %d channels", n, netns.Channels(t, "eth1"))
	}
}
