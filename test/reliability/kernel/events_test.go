//go:build netns

package kernel

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// sources are the event sockets by the name of their source.
func sources() map[string]faults.Socket {
	return map[string]faults.Socket{"rtnetlink": faults.RouteEvents, "ethtool": faults.GenericEvents}
}

// up tells whether an event source is up.
func up(source string, want bool) func(agent.Report) bool {
	return func(r agent.Report) bool {
		for _, e := range r.Events {
			if e.Source == source {
				return e.Up == want
			}
		}
		return false
	}
}

// deafen keeps the daemon from hearing the source other than the given one: a change of a veth's channels is told by both.
func (d *daemon) deafen(but string) {
	for source, socket := range sources() {
		if source != but {
			d.f.On(faults.Match{Op: faults.Receive, Socket: socket}, faults.Fail(unix.EAGAIN))
		}
	}
}

func TestLostEventsAreMadeUpForByALook(t *testing.T) {
	for source, socket := range sources() {
		t.Run(source, func(t *testing.T) {
			h := newHost(t)
			h.configure("resync_interval: 1h")
			d := h.start(none)
			d.ready()
			d.deafen(source)
			d.f.On(faults.Match{Op: faults.Receive, Socket: socket}, faults.LoseMessages())
			before := d.metric(repairs)
			netns.SetChannels(t, "eth1", 1)
			d.Await("eth1 queues: 1 -> 4")
			if r := d.converges(); d.metric(repairs) == before || !up(source, true)(r) {
				t.Errorf("%+v", r.Events)
			}
			if n := d.Count("event source is down"); n > 0 {
				t.Error("lost events are taken for a broken source")
			}
		})
	}
}

// repairs counts what was repaired because of an event, and not by the regular look.
const repairs = "enitune_repair_duration_seconds_count"

// messages are more than an event socket holds: 1 MB or less (net.core.rmem_max), of 1 KB and more each.
const messages = 3000

func TestAnOverflowOfLinkEventsIsMadeUpFor(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1h")
	d := h.start(none)
	d.ready()
	d.before = len(d.f.Writes("eth1"))
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = "pod0", link(t, "eth2").Attrs().Index
	pod := &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_BRIDGE} // whose own events are worth nothing
	if err := errors.Join(netlink.LinkAdd(pod), netlink.LinkSetUp(pod)); err != nil {
		t.Fatal(err)
	}
	repaired := d.metric(repairs)
	stopped(t, d, func() {
		for i := range messages {
			if err := netlink.LinkSetAlias(pod, fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
		}
		netns.Delete(t, "eth1")
		h.nic("eth1", mac1)
		if n := drops(t, d.PID()); n != 1 {
			t.Fatalf("%d sockets have lost messages", n)
		}
	})
	await(t, "4 channels", func() int { return netns.Channels(t, "eth1") }, func(n int) bool { return n == wanted })
	d.converges()
	if n := len(d.f.Writes("eth1")) - d.before; n != 1 {
		t.Errorf("%d writes", n)
	}
	// A look for another reason may have come first.
	t.Logf("%s repairs because of an event, %s before", d.metric(repairs), repaired)
}

func TestAnOverflowOfEthtoolEventsIsMadeUpFor(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1h")
	h.nic("pod0", "") // whose own events are worth nothing
	d := h.start(none)
	d.ready()
	d.before = len(d.f.Writes("eth1"))
	d.deafen("ethtool")
	repaired := d.metric(repairs)
	stopped(t, d, func() {
		for i := range messages {
			netns.SetChannels(t, "pod0", 2+i%2)
		}
		netns.SetChannels(t, "eth1", 1)
		if n := drops(t, d.PID()); n == 0 {
			t.Fatal("no socket has lost messages")
		}
	})
	d.Await("eth1 queues: 1 -> 4")
	d.converges()
	if n := len(d.f.Writes("eth1")) - d.before; n != 1 {
		t.Errorf("%d writes", n)
	}
	// A look for another reason may have come first.
	t.Logf("%s repairs because of an event, %s before", d.metric(repairs), repaired)
}

// pods are devices that come and go, each with some eight messages.
const pods = 50

// On a Kubernetes node devices come and go all day. The kernel itself drops their messages, unless virtual devices are
// looked at, as the tests and the demo do.
func TestPodsWakeNobody(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1h")
	text, err := os.ReadFile(filepath.Join(h.dir, "config.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("virtual_devices: true"), []byte("virtual_devices: false"), 1)
	if err := os.WriteFile(filepath.Join(h.dir, "config.yaml"), text, 0o644); err != nil {
		t.Fatal(err)
	}
	d := h.start(none)
	for range sources() {
		d.Await("event source is up")
	}
	count := map[string]int{}
	for source, socket := range sources() {
		count[source] = len(d.f.Calls(faults.Match{Op: faults.Receive, Socket: socket}))
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "pods"
	bridge := &netlink.Bridge{LinkAttrs: attrs} // as container networks have, whose ports have messages of their own
	if err := netlink.LinkAdd(bridge); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { netns.Delete(t, "pods") })
	for i := range pods {
		name := fmt.Sprintf("pod%d", i)
		netns.Veth(t, netns.VethPair{Name: name, Queues: 4})
		if err := errors.Join(netlink.LinkSetMaster(link(t, name), bridge), netlink.LinkSetUp(link(t, name))); err != nil {
			t.Fatal(err)
		}
		netns.Delete(t, name)
	}
	// After them what both sockets are told.
	netns.Veth(t, netns.VethPair{Name: "pod", Queues: 4})
	netns.SetChannels(t, "pod", 2)
	lo := link(t, "lo")
	if err := netlink.LinkSetMTU(lo, lo.Attrs().MTU-1); err != nil {
		t.Fatal(err)
	}
	for source, socket := range sources() {
		m := faults.Match{Op: faults.Receive, Socket: socket}
		d.f.Await(t, m, count[source]+1)
		if n := len(d.f.Calls(m)) - count[source]; n > 10 {
			t.Errorf("%s was read %d times for %d pods", source, n, pods)
		}
	}
}

// stopped does something while the daemon stands still.
func stopped(t *testing.T, d *daemon, do func()) {
	t.Helper()
	d.Signal(unix.SIGSTOP)
	defer d.Signal(unix.SIGCONT)
	await(t, "the daemon stands still", func() string { return state(t, d.PID()) }, func(s string) bool { return s == "T" })
	do()
}

func TestASocketClosedUnderTheAgentIsOpenedAgain(t *testing.T) {
	for source, socket := range sources() {
		t.Run(source, func(t *testing.T) {
			h := newHost(t)
			h.configure("resync_interval: 1h")
			d := h.start(none)
			d.ready()
			d.f.On(faults.Match{Op: faults.Receive, Socket: socket}, faults.Times(1, faults.CloseSocket()))
			netns.SetChannels(t, "eth1", 1)
			d.Await("event source is down.*events=" + source)
			d.Await("event source is up.*events=" + source)
			d.settles(source+" is up", up(source, true))
			d.converges()
			if got := d.metric(`enitune_event_source_up{source="` + source + `"}`); got != "1" {
				t.Errorf("enitune_event_source_up is %q", got)
			}
			netns.SetChannels(t, "eth1", 2)
			d.Await("eth1 queues: 2 -> 4")
		})
	}
}

func TestWithoutEthtoolsNetlinkFamilyTheAgentPolls(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1s")
	d := h.launch(func(f *faults.Injector) { f.On(faults.Match{Op: faults.FindFamily}, faults.HideFamily()) })
	d.Await("event source is down.*events=ethtool.*before Linux 5.6")
	d.Await("eth2 queues: 1 -> 4")
	r := d.converges()
	if up("ethtool", true)(r) || !up("rtnetlink", true)(r) {
		t.Errorf("%+v", r.Events)
	}
	if got := d.metric(`enitune_event_source_up{source="ethtool"}`); got != "0" {
		t.Errorf("enitune_event_source_up is %q", got)
	}
	netns.SetChannels(t, "eth1", 1)
	d.Await("eth1 queues: 1 -> 4")
	if n := len(d.f.Calls(faults.Match{Op: faults.FindFamily})); n != 1 {
		t.Errorf("the family was asked for %d times", n)
	}
}

func TestWithoutEthtoolsNetlinkFamilyARefusalIsToldWithoutTheKernelsWords(t *testing.T) {
	h := newHost(t)
	f, r, code := h.apply(func(f *faults.Injector) {
		f.On(faults.Match{Op: faults.FindFamily}, faults.HideFamily())
		f.On(on(faults.SetChannels), faults.Fail(unix.EINVAL))
	})
	got := world.Setting(r, "eth1", nic.Queues)
	if code != agent.ExitDrift || got.Reason != plan.KernelRefused || !strings.Contains(got.Message, "invalid argument (EINVAL); tried again later") {
		t.Errorf("exit %d, %+v", code, got)
	}
	if n := len(f.Writes("eth1")); n != 1 {
		t.Errorf("%d writes", n)
	}
}

func TestAListOfNICsThatCannotBeReadIsAnError(t *testing.T) {
	whole := newHost(t)
	for _, errno := range []unix.Errno{unix.ENOBUFS, unix.EINTR, unix.ENOMEM} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			_, r, code := whole.in(t).apply(func(f *faults.Injector) { f.On(lists(), faults.Fail(errno)) })
			if code != agent.ExitError || r.InSync || len(r.Errors) != 1 || !strings.Contains(r.Errors[0].Message, "list links: "+errno.Error()) {
				t.Errorf("exit %d, %+v", code, r.Errors)
			}
		})
	}
}

// lists are the answers to requests for links.
func lists() faults.Match { return faults.Match{Op: faults.Receive, Socket: faults.RouteRequests} }

func TestAListOfNICsThatCannotBeReadAtTheStartIsReadLater(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1s")
	var fault *faults.Rule
	d := h.start(func(f *faults.Injector) { fault = f.On(lists(), faults.Fail(unix.ENOBUFS)) })
	d.settles("an error of the kernel", func(r agent.Report) bool { return len(r.Errors) > 0 })
	if got := d.metric(`enitune_source_up{source="kernel"}`); got != "0" {
		t.Errorf("enitune_source_up is %q", got)
	}
	fault.End()
	d.converges()
}

func TestNICsThatAreKnownAreKeptWhileTheListCannotBeRead(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1s")
	d := h.start(none)
	d.ready()
	fault := d.f.On(lists(), faults.Fail(unix.ENOBUFS))
	d.Signal(unix.SIGHUP) // lists anew
	r := d.settles("an error of the kernel", func(r agent.Report) bool { return len(r.Errors) > 0 })
	if len(r.NICs) != 2 || world.Setting(r, "eth2", nic.Queues).Reason != plan.InSync {
		t.Errorf("%+v", r.NICs)
	}
	fault.End()
	d.converges()
}

func TestASocketForRequestsClosedUnderTheAgentDoesNotStopIt(t *testing.T) {
	for name, call := range map[string]faults.Match{
		"rtnetlink":            lists(),
		"ioctl":                on(faults.GetChannels),
		"ioctl before a write": on(faults.SetChannels),
	} {
		t.Run(name, func(t *testing.T) {
			h := newHost(t)
			h.configure("resync_interval: 1s")
			d := h.start(none)
			d.ready()
			d.f.On(call, faults.Times(1, faults.CloseSocket()))
			for range 2 { // the first may be refused, and a change is worth another try
				netns.SetChannels(t, "eth1", 1)
				netns.SetChannels(t, "eth1", 2)
			}
			await(t, "4 channels", func() int { return netns.Channels(t, "eth1") }, func(n int) bool { return n == wanted })
			d.converges()
		})
	}
}
