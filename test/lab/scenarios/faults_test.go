//go:build lab

package scenarios

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/lab"
	"github.com/enitune/enitune/test/world"
)

const mac2 = "00:16:3e:10:00:02"

// roomy is a budget that no fault here uses up, in a window so short that what one
// fault does is no rival to the next.
const roomy = "reconcile: {change_budget: {burst: 1000, per: 1s}}\n"

// stageConfig is that, and a rule that makes a ring shorter than the driver makes it
// by itself.
const stageConfig = `reconcile: {resync_interval: 5s, change_budget: {burst: 1000, per: 1s}}
nics: [{match: {device: eth0}, rx_ring: 512}]
`

// stage is one guest on which one fault follows the other: eth0 leads to the
// cloud, eth1 has 4 queue pairs and a ring of its own, eth2 has twice the queue
// pairs that its ENI gives it.
type stage struct {
	*instance
	d daemon
}

func newStage(t *testing.T, kernel string) *stage {
	t.Helper()
	first := world.ENI("eni-1", mac1, 4)
	first.Tags = map[string]string{agent.TagRxQueueSize: "512"}
	i := boot(t, options{kernel: kernel, config: stageConfig, more: []lab.NIC{{ID: "n1", MAC: mac1, Queues: 4}, {ID: "n2", MAC: mac2, Queues: 8}}},
		world.ENI("eni-0", mac0, 4), first, world.ENI("eni-2", mac2, 4))
	i.run("ip", "link", "set", "eth1", "up")
	i.run("ip", "link", "set", "eth2", "up")
	return &stage{i, i.start()}
}

// TestFaultsOfANIC makes NICs go through all that can happen to one while the
// daemon runs. After each fault they are in line again.
func TestFaultsOfANIC(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		s := newStage(t, kernel)
		for _, fault := range []struct {
			name string
			f    func(*stage)
		}{
			{"an XDP program keeps the queues as they are", (*stage).xdpRefuses},
			{"an XDP program adds queues of its own", (*stage).xdpAdds},
			{"two NICs swap their addresses", (*stage).swapAddresses},
			{"a NIC is renamed", (*stage).rename},
			{"a NIC goes down and up", (*stage).downAndUp},
			{"a NIC is moved to another network namespace and back", (*stage).otherNamespace},
			{"a NIC comes back with another index and another maximum", (*stage).replug},
			{"events are lost on both sockets", (*stage).overflow},
			{"the memory runs out", (*stage).outOfMemory},
			{"the host stops the guest for a while", (*stage).heldByTheHost},
			{"the guest is suspended to memory", (*stage).suspended},
		} {
			t.Run(fault.name, func(t *testing.T) {
				s.t = t
				fault.f(s)
			})
			if t.Failed() {
				return // what follows builds on it
			}
		}
		s.t = t
		if kernel == "6.12" { // one is enough
			s.repairTimes()
		}
	})
}

// drift changes a NIC as someone else would, and waits for the repair.
func (s *stage) drift(device string) {
	s.t.Helper()
	s.run("ethtool", "-L", device, "combined", "1")
	s.d.await(device + " queues: 1 -> 4")
	if got := s.combined(device); got != 4 {
		s.t.Errorf("%s has %d queues after the repair, want 4", device, got)
	}
}

// reason gives what the daemon says of a NIC's queues, and of which ENI it is.
func (s *stage) reason(device string) (reason plan.Reason, eni string) {
	s.t.Helper()
	r, _ := s.report("status")
	for _, n := range r.NICs {
		if n.Device == device {
			eni = n.ENI
		}
	}
	return world.Setting(r, device, nic.Queues).Reason, eni
}

// writes counts what the daemon has tried to write to the queues of an ENI's NIC.
func (s *stage) writes(eni, result string) float64 {
	s.t.Helper()
	total := 0.0
	for line := range strings.Lines(s.d.metrics()) {
		if m := regexp.MustCompile(`^enitune_changes_total\{device="[^"]*",eni="` + eni + `",result="` + result + `",setting="queues"\} (\S+)`).FindStringSubmatch(line); m != nil {
			v, err := strconv.ParseFloat(m[1], 64)
			if err != nil {
				s.t.Fatal(err)
			}
			total += v
		}
	}
	return total
}

// xdpRefuses attaches a program to a NIC that has too few queues, which the driver
// then does not change. 4 more for XDP, one a CPU, are not to be had.
func (s *stage) xdpRefuses() {
	s.d.signal(syscall.SIGSTOP)
	s.run("ethtool", "-L", "eth1", "combined", "2")
	s.run("guesttool", "xdp", "eth1", "on")
	s.d.signal(syscall.SIGCONT)
	s.d.await(`eth1 queues: 2, should be 4.*EINVAL.*XDP program`)
	if got, _ := s.reason("eth1"); got != plan.KernelRefused {
		s.t.Errorf("the reason is %v, want %v", got, plan.KernelRefused)
	}
	// Neither more looks nor another NIC's repair make it write again.
	for range 10 {
		s.run("ip", "link", "set", "eth1", "mtu", "1400")
		s.run("ip", "link", "set", "eth1", "mtu", "1500")
	}
	s.drift("eth2")
	if got := s.writes("eni-1", "refused"); got != 1 {
		s.t.Errorf("%v refused writes, want 1", got)
	}
	s.run("guesttool", "xdp", "eth1", "off")
	s.d.await("eth1 queues: 2 -> 4")
}

// xdpAdds attaches a program to a NIC with room for a queue for each CPU beside
// the ones in use, which the driver then takes.
func (s *stage) xdpAdds() {
	before := s.writes("eni-2", "[a-z]*")
	s.run("guesttool", "xdp", "eth2", "on")
	s.d.await(`eth2 queues: 8, more than the wanted 4`)
	if got, _ := s.reason("eth2"); got != plan.AboveDesired {
		s.t.Errorf("the reason is %v, want %v", got, plan.AboveDesired)
	}
	s.run("guesttool", "xdp", "eth2", "off")
	s.d.await("eth2 queues: no longer drifted")
	if got := s.writes("eni-2", "[a-z]*"); got != before {
		s.t.Errorf("%v writes because of the program, want none", got-before)
	}
	s.drift("eth2")
}

func (s *stage) swapAddresses() {
	swap := func(first, second string) {
		for device, mac := range map[string]string{"eth1": first, "eth2": second} {
			s.run("ip", "link", "set", device, "down")
			s.run("ip", "link", "set", device, "address", mac)
			s.run("ip", "link", "set", device, "up")
		}
	}
	swap(mac2, mac1)
	s.drift("eth1")
	s.run("ethtool", "-G", "eth1", "rx", "256")
	s.d.await("eth1 rx_ring: 256 -> 512") // as the tag of eni-1 says
	s.drift("eth2")
	for device, want := range map[string]string{"eth1": "eni-1", "eth2": "eni-2"} {
		if _, eni := s.reason(device); eni != want {
			s.t.Errorf("%s is taken for %q, want %s", device, eni, want)
		}
	}
	swap(mac1, mac2)
}

func (s *stage) rename() {
	name := func(from, to string) {
		s.run("ip", "link", "set", from, "down")
		s.run("ip", "link", "set", from, "name", to)
		s.run("ip", "link", "set", to, "up")
	}
	name("eth1", "lan9")
	s.drift("lan9")
	if got := s.d.sum(`enitune_setting_current{device="eth1"`); got != 0 {
		s.t.Error("there still are series of the old name")
	}
	name("lan9", "eth1")
	s.drift("eth1")
}

func (s *stage) downAndUp() {
	s.run("ip", "link", "set", "eth1", "down")
	s.drift("eth1")
	s.run("ip", "link", "set", "eth1", "up")
	s.drift("eth1")
}

func (s *stage) otherNamespace() {
	holder := s.guest.Start(s.t.Context(), nil, "unshare", "-n", "sh", "-c", "echo $$; exec sleep 100000")
	line, err := holder.WaitLine(s.t.Context(), regexp.MustCompile(`^\d+$`))
	if err != nil {
		s.t.Fatal(err)
	}
	s.run("ip", "link", "set", "eth1", "netns", line)
	s.d.await(`NIC is gone" device=eth1`)
	s.d.await(`ENI has no NIC in this network namespace" eni=eni-1`)
	s.drift("eth2")
	s.run("nsenter", "-t", line, "-n", "ethtool", "-L", "eth1", "combined", "1")
	s.run("nsenter", "-t", line, "-n", "ip", "link", "set", "eth1", "netns", "1")
	s.d.await("eth1 queues: 1 -> 4")
	if err := holder.Signal(s.t.Context(), syscall.SIGKILL); err != nil {
		s.t.Fatal(err)
	}
}

// replug unplugs a NIC and plugs it in with other queue pairs: fewer than its ENI
// gives it, and more than its driver takes by itself.
func (s *stage) replug() {
	index := func() string {
		return strings.TrimSpace(s.run("cat", "/sys/class/net/"+s.guest.Device("n1")+"/ifindex"))
	}
	give := func(queues int) {
		if err := s.cloud.UpdateENI("eni-1", func(e *ecssim.ENI) { e.QueueNumber = &queues }); err != nil {
			s.t.Fatal(err)
		}
	}
	old := index()
	for _, step := range []struct {
		queues, given int
		log           string
	}{
		{2, 4, `queues: the NIC offers at most 2 of the wanted 4`},
		{8, 6, `queues: 4 -> 6`},
		{4, 4, `NIC appeared`},
	} {
		s.guest.RemoveNIC(s.t, "n1")
		s.d.await("NIC is gone")
		give(step.given)
		device := s.guest.AddNIC(s.t, lab.NIC{ID: "n1", MAC: mac1, Queues: step.queues})
		s.d.await(step.log)
		if now := index(); now == old {
			s.t.Errorf("%s has index %s as before", device, now)
		}
		s.run("ip", "link", "set", device, "up")
	}
	s.drift(s.guest.Device("n1"))
}

// overflow lets more events come than the sockets of a stopped daemon hold.
func (s *stage) overflow() {
	s.d.signal(syscall.SIGSTOP)
	s.run("guesttool", "storm", "eth2", "1", "10000")
	lost := s.drops()
	if lost["0"] == 0 || lost["16"] == 0 {
		s.t.Fatalf("no events are lost: %v by protocol", lost)
	}
	s.t.Logf("events lost: %d of rtnetlink, %d of ethtool", lost["0"], lost["16"])
	s.d.signal(syscall.SIGCONT)
	s.d.await("eth2 queues: 1 -> 4")
	s.drift("eth2")
	if !s.d.has(`enitune_event_source_up{source="ethtool"} 1`) || !s.d.has(`enitune_event_source_up{source="rtnetlink"} 1`) {
		s.t.Error("an event source is down")
	}
}

// drops counts the messages that netlink sockets have lost, by protocol: 0 for
// rtnetlink, 16 for generic netlink (ethtool).
func (s *stage) drops() map[string]int {
	s.t.Helper()
	lost := map[string]int{}
	for i, line := range strings.Split(strings.TrimSpace(s.run("cat", "/proc/net/netlink")), "\n") {
		f := strings.Fields(line) // sk Eth Pid Groups Rmem Wmem Dump Locks Drops Inode
		if i == 0 || len(f) != 10 {
			continue
		}
		n, err := strconv.Atoi(f[8])
		if err != nil {
			s.t.Fatal(fmt.Errorf("%q: %w", line, err))
		}
		lost[f[1]] += n
	}
	return lost
}

// outOfMemory has another program take all memory until the kernel ends it.
func (s *stage) outOfMemory() {
	hog := s.guest.Start(s.t.Context(), nil, "tail", "/dev/zero")
	s.drift("eth2")
	if code, err := hog.Wait(s.t.Context()); err != nil || code != 128+int(syscall.SIGKILL) {
		s.t.Errorf("what takes all memory ended with %d, %v, want to see it killed", code, err)
	}
	s.drift("eth2")
	if log := s.run("dmesg"); !strings.Contains(log, "Out of memory") {
		s.t.Error("the kernel did not run out of memory")
	}
}

func (s *stage) heldByTheHost() {
	s.guest.Pause(s.t)
	s.guest.Resume(s.t)
	s.drift("eth0")
}

// suspended has the guest suspend itself to memory. Then its devices lose what they
// were told and the driver makes their rings as long as it can, without an event:
// the next regular look finds that.
func (s *stage) suspended() {
	if got := s.rxRing("eth0"); got != 512 {
		s.t.Fatalf("the rx ring is %d, want 512 before the sleep", got)
	}
	asked := s.d.sum("enitune_api_requests_total")
	wait := s.guest.AwaitSuspend(s.t)
	p := s.guest.Start(s.t.Context(), nil, "sh", "-c", "echo mem >/sys/power/state")
	wait()
	s.guest.Wake(s.t)
	if code, err := p.Wait(s.t.Context()); code != 0 || err != nil {
		s.t.Fatalf("suspending ended with %d, %v", code, err)
	}
	s.d.await("eth0 rx_ring: 1024 -> 512")
	s.drift("eth0")
	s.drift("eth2")
	if queues, ring := s.combined("eth0"), s.rxRing("eth0"); queues != 4 || ring != 512 {
		s.t.Errorf("%d queues, rx ring %d", queues, ring)
	}
	if got := s.d.sum("enitune_api_requests_total") - asked; got != 0 {
		s.t.Errorf("%v requests because of the sleep, want none", got)
	}
}

// repairTimes logs how long someone else's change lasts. It asserts nothing of it:
// the guest's processors are emulated, several times slower than real ones, and
// share the machine with whatever else runs there.
func (s *stage) repairTimes() {
	const times = 50
	var call, repair []time.Duration
	for line := range strings.Lines(s.run("guesttool", "drift", "eth2", "1", "4", strconv.Itoa(times))) {
		var a, b time.Duration
		if _, err := fmt.Sscan(line, &a, &b); err != nil {
			s.t.Fatalf("%q: %v", line, err)
		}
		call, repair = append(call, a), append(repair, b)
	}
	if len(repair) != times {
		s.t.Fatalf("%d repairs, want %d", len(repair), times)
	}
	show := func(what string, list []time.Duration) {
		slices.Sort(list)
		s.t.Logf("%s, %d times on emulated processors: median %v, 90%% %v, most %v", what, times,
			list[times/2].Round(10*time.Microsecond), list[times*9/10].Round(10*time.Microsecond), list[times-1].Round(10*time.Microsecond))
	}
	show("a change of channels, as a baseline", call)
	show("from a foreign change to its repair", repair)
}
