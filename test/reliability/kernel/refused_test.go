//go:build netns

package kernel

import (
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// budget is the number of writes that a NIC may get by default.
const budget = 4

func TestApplyTellsARefusedWriteAndGoesOn(t *testing.T) {
	tests := []struct {
		name   string
		fault  faults.Handler
		reason plan.Reason
		words  string // in the message
		code   int
	}{
		{"EBUSY", faults.Fail(unix.EBUSY), plan.KernelRefused, "device or resource busy (EBUSY)", agent.ExitDrift},
		{"ENOMEM", faults.Fail(unix.ENOMEM), plan.KernelRefused, "(ENOMEM)", agent.ExitDrift},
		{"EINVAL", faults.Fail(unix.EINVAL), plan.KernelRefused, "invalid argument (EINVAL): requested channel count exceeds maximum", agent.ExitDrift},
		{"ERANGE", faults.Fail(unix.ERANGE), plan.KernelRefused, "(ERANGE)", agent.ExitDrift},
		{"EIO", faults.Fail(unix.EIO), plan.KernelRefused, "(EIO)", agent.ExitDrift},
		{"EPERM", faults.Fail(unix.EPERM), plan.KernelRefused, "(EPERM): it needs CAP_NET_ADMIN", agent.ExitDrift},
		{"ENODEV", faults.Fail(unix.ENODEV), plan.KernelRefused, "no such device (ENODEV)", agent.ExitDrift},
		{"EOPNOTSUPP", faults.Fail(unix.EOPNOTSUPP), plan.Unsupported, "the driver has no such setting", agent.ExitInSync},
		{"accepted and not done", faults.Ignore(), plan.KernelRefused, "accepted 4 and still has 1", agent.ExitDrift},
	}
	whole := newHost(t)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := whole.in(t)
			f, r, code := h.apply(func(f *faults.Injector) { f.On(on(faults.SetChannels), tt.fault) })
			got := world.Setting(r, "eth1", nic.Queues)
			if code != tt.code || got.Reason != tt.reason || got.Drift != (tt.code == agent.ExitDrift) || !strings.Contains(got.Message, tt.words) {
				t.Errorf("exit %d, %+v, want exit %d, %s with %q", code, got, tt.code, tt.reason, tt.words)
			}
			if netns.Channels(t, "eth2") != wanted {
				t.Errorf("eth2 has %d channels", netns.Channels(t, "eth2"))
			}
			if n := len(f.Writes("eth1")); n == 0 || n > 2 { // with the one that asks for the kernel's words
				t.Errorf("%d writes: %+v", n, f.Writes("eth1"))
			}
		})
	}
	whole.heals()
}

func TestAnErrorOfAWriteThatCameTrueIsNoFault(t *testing.T) {
	whole := newHost(t)
	for _, errno := range []unix.Errno{unix.EINVAL, unix.EBUSY, unix.EOPNOTSUPP, unix.EPERM} {
		t.Run(unix.ErrnoName(errno), func(t *testing.T) {
			h := whole.in(t)
			_, r, code := h.apply(func(f *faults.Injector) { f.On(on(faults.SetChannels), faults.FailApplied(errno)) })
			got := world.Setting(r, "eth1", nic.Queues)
			if code != agent.ExitInSync || got.Reason != plan.InSync || got.Applied == nil || *got.Applied != (agent.Applied{From: 1, To: wanted}) {
				t.Errorf("exit %d, %+v, applied %+v", code, got, got.Applied)
			}
		})
	}
}

func TestAWriteWhoseResultCannotBeReadIsToldAsThat(t *testing.T) {
	h := newHost(t)
	f, r, code := h.apply(func(f *faults.Injector) {
		f.On(on(faults.SetChannels), faults.After(func() { f.On(on(faults.GetChannels), faults.Fail(unix.EBUSY)) }))
	})
	got := world.Setting(r, "eth1", nic.Queues)
	if code != agent.ExitError || got.Reason != plan.Unreadable || !strings.Contains(got.Message, "(EBUSY)") {
		t.Errorf("exit %d, %+v", code, got)
	}
	if n := len(f.Writes("eth1")); n != 1 || netns.Channels(t, "eth2") != wanted {
		t.Errorf("%d writes, eth2 has %d channels", n, netns.Channels(t, "eth2"))
	}
	h.heals()
}

func TestTheDaemonTriesARefusedWriteAgainWithinTheBudget(t *testing.T) {
	h := newHost(t)
	h.configure("resync_interval: 1s")
	var fault *faults.Rule
	d := h.start(func(f *faults.Injector) { fault = f.On(on(faults.SetChannels), faults.Fail(unix.EBUSY)) })
	d.Await("eth1 queues: 1, should be 4; the kernel refused: device or resource busy")
	d.f.Await(t, on(faults.SetChannels), budget-1) // the last of the budget is left to other settings
	d.Signal(unix.SIGHUP)
	d.Await("desired state|answers|SIGHUP")
	if got := d.metric(`enitune_setting_reason{device="eth1",eni="eni-1",reason="kernel_refused",setting="queues",source="api"}`); got != "1" {
		t.Errorf("the reason series is %q", got)
	}
	refused := `enitune_changes_total{device="eth1",eni="eni-1",result="refused",setting="queues"}`
	await(t, refused, func() string { return d.metric(refused) }, func(v string) bool { return v == "3" })
	if got := world.Setting(d.report(), "eth2", nic.Queues).Reason; got != plan.InSync {
		t.Errorf("eth2: %s", got)
	}
	if n := len(d.f.Writes("eth1")); n > budget {
		t.Errorf("%d writes to eth1", n)
	}
	fault.End()
	netns.SetChannels(t, "eth1", 2) // an event: what stood against the write may have passed
	d.converges()
	if n := len(d.f.Writes("eth1")); n > budget {
		t.Errorf("%d writes to eth1", n)
	}
}

func TestTheDaemonRepairsByItselfWhenABusyKernelIsNoLongerBusy(t *testing.T) {
	h := newHost(t)
	d := h.start(func(f *faults.Injector) { f.On(on(faults.SetChannels), faults.Times(1, faults.Fail(unix.EBUSY))) })
	d.Await("eth1 queues: 1, should be 4; the kernel refused")
	d.Await("eth1 queues: 1 -> 4")
	d.converges()
}
