//go:build netns

package kernel

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// shallow are rings that could be deeper, which is what is wanted where no source says otherwise.
func shallow() faults.Rings { return faults.Rings{MaxRX: 1024, MaxTX: 1024, RX: 256, TX: 256} }

func TestRingsAreWrittenTogetherAndBeforeChannels(t *testing.T) {
	h := newHost(t)
	var driver *faults.Driver
	f, _, code := h.apply(func(f *faults.Injector) { driver = f.Rings("eth1", shallow()) })
	var ops []faults.Op
	for _, w := range f.Writes("eth1") {
		ops = append(ops, w.Op)
	}
	if want := []faults.Op{faults.SetRings, faults.SetChannels}; !slices.Equal(ops, want) || code != agent.ExitInSync {
		t.Errorf("exit %d, operations %v, want %v", code, ops, want)
	}
	if d := cmp.Diff(faults.Rings{MaxRX: 1024, MaxTX: 1024, RX: 1024, TX: 1024}, driver.Now()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// txFails is a driver that changes the rx ring of a request and not the tx ring.
func txFails(d *faults.Driver, errno unix.Errno) faults.Handler {
	return func(c *faults.Call) faults.Verdict {
		if c.Netlink {
			return faults.Pass()
		}
		before := d.Now().TX
		c.Perform()
		changed := d.Now().TX != before
		d.Change(func(r *faults.Rings) { r.TX = before })
		if !changed {
			return faults.Refuse(0)
		}
		return faults.Refuse(errno)
	}
}

func TestOneRingThatFailsHindersNeitherTheOtherNorTheQueues(t *testing.T) {
	whole := newHost(t)
	for name, errno := range map[string]unix.Errno{"with an error": unix.EINVAL, "without an error": 0} {
		t.Run(name, func(t *testing.T) {
			h := whole.in(t)
			f, r, code := h.apply(func(f *faults.Injector) {
				d := f.Rings("eth1", shallow())
				f.On(on(faults.SetRings), txFails(d, errno))
			})
			rx, tx := world.Setting(r, "eth1", nic.RxRing), world.Setting(r, "eth1", nic.TxRing)
			if code != agent.ExitDrift || rx.Reason != plan.InSync || tx.Reason != plan.KernelRefused || tx.Current != 256 {
				t.Errorf("exit %d, rx %+v, tx %+v", code, rx, tx)
			}
			if got := netns.Channels(t, "eth1"); got != wanted {
				t.Errorf("%d channels", got)
			}
			if n := len(f.Writes("eth1")); n > 4 { // the rings together, tx alone, tx for the kernel's words, the channels
				t.Errorf("%d writes: %+v", n, f.Writes("eth1"))
			}
		})
	}
}

func TestRingsThatTheDriverRefusesDoNotHinderTheQueues(t *testing.T) {
	whole := newHost(t)
	for _, errno := range []unix.Errno{unix.EBUSY, unix.EINVAL, unix.EOPNOTSUPP, unix.ENOENT} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			h := whole.in(t)
			_, r, code := h.apply(func(f *faults.Injector) {
				f.Rings("eth1", shallow())
				f.On(on(faults.SetRings), faults.Fail(errno))
			})
			reason, exit := plan.KernelRefused, agent.ExitDrift
			if errno == unix.EOPNOTSUPP || errno == unix.ENOENT { // virtio_net before and since Linux 6.1
				reason, exit = plan.Unsupported, agent.ExitInSync
			}
			if got := world.Setting(r, "eth1", nic.RxRing).Reason; got != reason || code != exit {
				t.Errorf("exit %d, %s, want exit %d, %s", code, got, exit, reason)
			}
			if got := netns.Channels(t, "eth1"); got != wanted {
				t.Errorf("%d channels", got)
			}
		})
	}
}

func TestMaximaThatChangeAtRunTimeAreFollowed(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1s")
	var rings *faults.Driver
	var few *faults.Rule
	d := h.start(func(f *faults.Injector) {
		rings = f.Rings("eth1", shallow())
		few = f.On(on(faults.GetChannels), faults.AnswerChannels(func(c *faults.Channels) { c.MaxRX, c.MaxTX = 2, 2 }))
	})
	d.settles("2 queues, as many as the device has", func(r agent.Report) bool {
		got := world.Setting(r, "eth1", nic.Queues)
		return got.Reason == plan.DeviceMax && got.Current == 2 && got.Max == 2 && got.Drift
	})
	few.End()
	d.settles("4 queues", func(r agent.Report) bool { return world.Setting(r, "eth1", nic.Queues).Reason == plan.InSync })
	rings.Change(func(r *faults.Rings) { r.MaxRX, r.MaxTX = 2048, 2048 })
	d.settles("deeper rings", func(r agent.Report) bool {
		return r.InSync && world.Setting(r, "eth1", nic.RxRing).Current == 2048 && world.Setting(r, "eth1", nic.TxRing).Current == 2048
	})
	rings.Change(func(r *faults.Rings) { *r = faults.Rings{MaxRX: 512, MaxTX: 512, RX: 512, TX: 512} })
	d.settles("shallower rings", func(r agent.Report) bool { return r.InSync && world.Setting(r, "eth1", nic.RxRing).Current == 512 })
	writes := len(d.f.Writes("eth1"))
	if writes > budget {
		t.Errorf("%d writes", writes)
	}
}

func TestARefusalIsForgottenWhenTheMaximumChanges(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1s")
	var driver *faults.Driver
	var fault *faults.Rule
	d := h.start(func(f *faults.Injector) {
		driver = f.Rings("eth1", shallow())
		fault = f.On(on(faults.SetRings), faults.Fail(unix.EINVAL))
	})
	d.settles("a refusal", func(r agent.Report) bool { return world.Setting(r, "eth1", nic.RxRing).Reason == plan.KernelRefused })
	fault.End()
	driver.Change(func(r *faults.Rings) { r.MaxRX, r.MaxTX = 512, 512 })
	d.converges()
}

func TestNonsenseFromTheDriverIsNotActedOn(t *testing.T) {
	const huge = 1<<32 - 1
	whole := newHost(t)
	tests := []struct {
		name     string
		channels func(*faults.Channels)
		rings    func(*faults.Rings)
		setting  nic.Setting
		reason   plan.Reason
		code     int
	}{
		{"no channels at all", func(c *faults.Channels) { *c = faults.Channels{} }, nil, nic.Queues, plan.Unsupported, agent.ExitInSync},
		{"more channels than the maximum", func(c *faults.Channels) { c.RX, c.TX = 16, 16 }, nil, nic.Queues, plan.AboveDesired, agent.ExitDrift},
		{"a huge maximum of channels", func(c *faults.Channels) { c.MaxRX, c.MaxTX = huge, huge }, nil, nic.Queues, plan.Unreadable, agent.ExitError},
		{"a huge number of channels", func(c *faults.Channels) { c.RX, c.TX = huge, huge }, nil, nic.Queues, plan.Unreadable, agent.ExitError},
		{"no rings", nil, func(r *faults.Rings) { *r = faults.Rings{} }, nic.RxRing, plan.Unsupported, agent.ExitInSync},
		{"rings deeper than the maximum", nil, func(r *faults.Rings) { r.RX, r.TX = 4096, 4096 }, nic.RxRing, plan.AboveDesired, agent.ExitDrift},
		{"a huge maximum of rings", nil, func(r *faults.Rings) { r.MaxRX, r.MaxTX = huge, huge }, nic.RxRing, plan.Unreadable, agent.ExitError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := whole.in(t)
			f, r, code := h.apply(func(f *faults.Injector) {
				if tt.channels != nil {
					f.On(on(faults.GetChannels), faults.AnswerChannels(tt.channels))
				}
				if tt.rings != nil {
					f.Rings("eth1", shallow())
					f.On(on(faults.GetRings), faults.AnswerRings(tt.rings))
				}
			})
			got := world.Setting(r, "eth1", tt.setting)
			if code != tt.code || got.Reason != tt.reason {
				t.Errorf("exit %d, %+v, want exit %d, %s", code, got, tt.code, tt.reason)
			}
			if got.Reason == plan.Unreadable && !strings.Contains(got.Message, "4294967295") {
				t.Errorf("the message does not tell: %s", got.Message)
			}
			for _, w := range f.Writes("eth1") {
				if w.Op == faults.SetRings || tt.channels != nil {
					t.Errorf("it was acted on: %+v", w)
				}
			}
			if netns.Channels(t, "eth2") != wanted {
				t.Errorf("eth2 has %d channels", netns.Channels(t, "eth2"))
			}
		})
	}
	whole.heals()
}
