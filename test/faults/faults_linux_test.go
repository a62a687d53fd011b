package faults_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mdlayher/genetlink"
	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
)

// probeKey makes the test binary the program under test.
const probeKey = "ENITUNE_TEST_FAULTS_PROBE"

func TestMain(m *testing.M) {
	faults.Main()
	if os.Getenv(probeKey) != "" {
		probe()
		return
	}
	netns.Main(m)
}

// probe says what the kernel answers, a line for each call.
func probe() {
	e, err := ethtool.NewEthtool()
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	c, err := e.GetChannels("eth1")
	fmt.Println("channels", c.RxCount, c.MaxRx, name(err))
	_, err = e.SetChannels("eth1", ethtool.Channels{RxCount: 2, TxCount: 2})
	fmt.Println("set", name(err))
	r, err := e.GetRing("eth1")
	fmt.Println("rings", r.RxPending, r.TxPending, name(err))
	r.RxPending, r.TxPending = 2*r.RxPending, 2*r.TxPending
	_, err = e.SetRing("eth1", r)
	fmt.Println("set", name(err))
	_, err = netlink.LinkList()
	fmt.Println("links", name(err))
	conn, err := genetlink.Dial(nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	_, err = conn.GetFamily("ethtool")
	fmt.Println("family", name(err))
}

func name(err error) string {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return fmt.Sprint(err)
	}
	return unix.ErrnoName(errno)
}

func TestTheProgramGetsTheAnswersOfTheRules(t *testing.T) {
	eth1 := func(op faults.Op) faults.Match { return faults.Match{Op: op, Device: "eth1"} }
	set := eth1(faults.SetChannels)
	tests := []struct {
		name     string
		rules    func(f *faults.Injector)
		want     string // of what the probe says, a part
		channels int    // of the NIC afterwards
	}{
		{"no rule", func(*faults.Injector) {}, "channels 1 4 <nil>\nset <nil>\nrings 0 0 ENOTSUP\nset ENOTSUP\nlinks <nil>\nfamily <nil>\n", 2},
		{"refused", func(f *faults.Injector) { f.On(set, faults.Fail(unix.EBUSY)) }, "set EBUSY", 1},
		{"refused and applied", func(f *faults.Injector) { f.On(set, faults.FailApplied(unix.EINVAL)) }, "set EINVAL", 2},
		{"accepted and ignored", func(f *faults.Injector) { f.On(set, faults.Ignore()) }, "set <nil>", 1},
		{"refused once", func(f *faults.Injector) { f.On(set, faults.Times(0, faults.Fail(unix.EBUSY))) }, "set <nil>", 2},
		{"another device", func(f *faults.Injector) {
			f.On(faults.Match{Op: faults.SetChannels, Device: "eth2"}, faults.Fail(unix.EBUSY))
		}, "set <nil>", 2},
		{"a rule that was taken back", func(f *faults.Injector) { f.On(set, faults.Fail(unix.EBUSY)).End() }, "set <nil>", 2},
		{"another answer", func(f *faults.Injector) {
			f.On(eth1(faults.GetChannels), faults.AnswerChannels(func(c *faults.Channels) { c.MaxRX, c.RX = 99, 98 }))
		}, "channels 98 99 <nil>", 2},
		{"a driver with rings", func(f *faults.Injector) { f.Rings("eth1", faults.Rings{MaxRX: 512, MaxTX: 512, RX: 128, TX: 256}) }, "rings 128 256 <nil>", 2},
		{"something first", func(f *faults.Injector) { f.On(set, faults.Before(func() { netns.Delete(t, "eth1") })) }, "set ENODEV", 0},
		{"no memory for a dump", func(f *faults.Injector) {
			f.On(faults.Match{Op: faults.Receive, Socket: faults.RouteRequests}, faults.Fail(unix.ENOBUFS))
		}, "links ENOBUFS\nfamily <nil>", 2},
		{"a socket that is gone", func(f *faults.Injector) {
			f.On(faults.Match{Op: faults.Receive, Socket: faults.RouteRequests}, faults.CloseSocket())
		}, "links ENOTSOCK", 2},
		{"no family", func(f *faults.Injector) { f.On(faults.Match{Op: faults.FindFamily}, faults.HideFamily()) }, "family ENOENT", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 4, Channels: 1})
			f, cmd, said := start(t, tt.rules)
			if err := cmd.Wait(); err != nil || !strings.Contains(said.String(), tt.want) {
				t.Errorf("%v, said %q, want %q", err, said, tt.want)
			}
			if tt.channels > 0 && netns.Channels(t, "eth1") != tt.channels {
				t.Errorf("%d channels, want %d", netns.Channels(t, "eth1"), tt.channels)
			}
			writes := f.Writes("eth1")
			if len(writes) != 2 || writes[0].Channels.RX != 2 {
				t.Errorf("recorded %+v", writes)
			}
		})
	}
}

func TestAProgramThatHangsInTheKernelCanBeKilled(t *testing.T) {
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 4, Channels: 1})
	held := make(chan struct{})
	_, cmd, said := start(t, func(f *faults.Injector) {
		f.On(faults.Match{Op: faults.SetChannels}, func(c *faults.Call) faults.Verdict {
			close(held)
			return faults.Hang(nil)(c)
		})
	})
	<-held
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	err := cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || strings.Contains(said.String(), "set") {
		t.Errorf("%v, said %q", err, said)
	}
}

func TestADriverKeepsTheRingsThatAreWritten(t *testing.T) {
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 4, Channels: 1})
	var d *faults.Driver
	_, cmd, _ := start(t, func(f *faults.Injector) {
		d = f.Rings("eth1", faults.Rings{MaxRX: 512, MaxTX: 512, RX: 128, TX: 128})
		d.Change(func(r *faults.Rings) { r.RX, r.TX = 64, 256 })
	})
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(faults.Rings{MaxRX: 512, MaxTX: 512, RX: 128, TX: 512}, d.Now()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// start starts the probe under the rules.
func start(t *testing.T, rules func(*faults.Injector)) (*faults.Injector, *exec.Cmd, *bytes.Buffer) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), probeKey+"=1", "GORACE=atexit_sleep_ms=0")
	said := &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = said, os.Stderr
	f := faults.Under(t, cmd)
	rules(f)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return f, cmd, said
}
