package agent

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func TestReconcileWritesWhatDiffersAndThenNothing(t *testing.T) {
	b := newBench(newKernel(eth(1, 1, 8, 256), eth(2, 4, 4, 1024)), nil)
	view := viewOf(apiENI(1, 4), apiENI(2, 4))
	r := b.Reconcile(context.Background(), view, true)
	if d := cmp.Diff([]string{"eth1 queues 4", "eth1 rx_ring 1024", "eth1 tx_ring 1024"}, b.kernel.written()); d != "" {
		t.Errorf("writes (-want +got):\n%s", d)
	}
	if r.ExitCode() != ExitInSync || !r.InSync {
		t.Errorf("not in sync afterwards: %v", reasons(r))
	}
	if got := r.NICs[0].Settings[0].Applied; got == nil || *got != (Applied{1, 4}) {
		t.Errorf("applied %+v, want 1 to 4", got)
	}
	r = b.Reconcile(context.Background(), view, true)
	if w := b.kernel.written(); len(w) != 0 {
		t.Errorf("a second reconcile wrote %v", w)
	}
	if r.NICs[0].Settings[0].Applied != nil {
		t.Error("a second reconcile claims a change")
	}
}

func TestPlanWritesNothing(t *testing.T) {
	b := newBench(newKernel(eth(1, 1, 8, 1024)), nil)
	r := b.Reconcile(context.Background(), viewOf(apiENI(1, 4)), false)
	if w := b.kernel.written(); len(w) != 0 {
		t.Errorf("plan wrote %v", w)
	}
	s := r.NICs[0].Settings[0]
	if r.ExitCode() != ExitDrift || s.Action != plan.Set || s.Reason != plan.BelowDesired {
		t.Errorf("exit %d, %+v", r.ExitCode(), s)
	}
}

func TestTruthIsTheReadAfterTheWrite(t *testing.T) {
	einval := &nic.Error{Device: "eth1", Op: "set channels", Kind: nic.ErrInvalid, Errno: unix.EINVAL}
	tests := []struct {
		name    string
		err     error
		applied bool
		reason  string
		result  ChangeResult
	}{
		{"error and applied", einval, true, "in_sync", "ok"},
		{"error and not applied", einval, false, "kernel_refused", "refused"},
		{"the driver has no such operation", &nic.Error{Device: "eth1", Op: "set channels", Kind: nic.ErrUnsupported, Errno: unix.EOPNOTSUPP}, false, "unsupported", ""},
		{"accepted and not applied", nil, false, "kernel_refused", "refused"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := newKernel(eth(1, 1, 8, 1024))
			k.answer = func(nic.Change) (error, bool) { return tt.err, tt.applied }
			b := newBench(k, nil)
			r := b.Reconcile(context.Background(), viewOf(apiENI(1, 4)), true)
			if got := reason(r, "eth1", nic.Queues); got != tt.reason || tt.result != "" && b.tally.changed[tt.result] != 1 {
				t.Errorf("reason %s, counted %v", got, b.tally.changed)
			}
		})
	}
}

func TestRefusedWriteIsTriedAgainAfterItsBackoff(t *testing.T) {
	k := newKernel(eth(1, 1, 8, 1024))
	k.answer = func(nic.Change) (error, bool) {
		return &nic.Error{Device: "eth1", Op: "set channels", Kind: nic.ErrInvalid, Errno: unix.EINVAL}, false
	}
	b := newBench(k, nil)
	view := viewOf(apiENI(1, 4))
	b.Reconcile(context.Background(), view, true)
	b.Reconcile(context.Background(), view, true)
	if w := k.written(); len(w) != 1 {
		t.Fatalf("%d writes before the backoff is over, want 1", len(w))
	}
	if at := b.memory.nextRetry(b.clock.now); at.Sub(b.clock.now) != refusedFirst {
		t.Errorf("next try in %v, want %v", at.Sub(b.clock.now), refusedFirst)
	}
	b.clock.now = b.clock.now.Add(refusedFirst)
	b.Reconcile(context.Background(), view, true)
	if w := k.written(); len(w) != 1 {
		t.Errorf("%d writes after the backoff, want 1", len(w))
	}
	if at := b.memory.nextRetry(b.clock.now); at.Sub(b.clock.now) != 2*refusedFirst {
		t.Errorf("the second pause is %v, want %v", at.Sub(b.clock.now), 2*refusedFirst)
	}
	r := b.Reconcile(context.Background(), viewOf(apiENI(1, 2)), true)
	if w := k.written(); len(w) != 1 || reason(r, "eth1", nic.Queues) != "kernel_refused" {
		t.Errorf("another desired value was not tried at once: %v", w)
	}
}

func TestOneFailingNICStopsNoOther(t *testing.T) {
	k := newKernel(eth(1, 1, 8, 1024), eth(2, 1, 8, 1024))
	k.answer = func(nic.Change) (error, bool) { return nil, true }
	b := newBench(k, nil)
	broken := k.states[1]
	broken.ChannelsErr = &nic.Error{Device: "eth1", Op: "read channels", Kind: nic.ErrBusy, Errno: unix.EBUSY}
	k.states[1] = broken
	r := b.Reconcile(context.Background(), viewOf(apiENI(1, 4), apiENI(2, 4)), true)
	if got := reason(r, "eth2", nic.Queues); got != "in_sync" {
		t.Errorf("eth2 is %s", got)
	}
	if r.ExitCode() != ExitError || reason(r, "eth1", nic.Queues) != "unreadable" {
		t.Errorf("exit %d, %v", r.ExitCode(), reasons(r))
	}
}

func TestRivalIsContestedUntilTheBudgetRefills(t *testing.T) {
	b := newBench(newKernel(eth(1, 4, 8, 1024)), func(o *ReconcilerOptions) { o.Budget.Burst = 10 })
	view := viewOf(apiENI(1, 4))
	reconcile := func() string {
		return reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues)
	}
	reconcile()
	for i := range contestedAfter - 1 {
		b.kernel.foreign(1, nic.Queues, 1)
		if got := reconcile(); got != "in_sync" {
			t.Fatalf("after %d reverts: %s", i+1, got)
		}
	}
	b.kernel.written()
	b.kernel.foreign(1, nic.Queues, 1)
	if got := reconcile(); got != "contested" {
		t.Fatalf("after %d reverts: %s", contestedAfter, got)
	}
	if w := b.kernel.written(); len(w) != 0 {
		t.Errorf("wrote %v while contested", w)
	}
	if b.tally.foreign != contestedAfter {
		t.Errorf("%d foreign changes counted, want %d", b.tally.foreign, contestedAfter)
	}
	if at := b.memory.nextRetry(b.clock.now); at.Sub(b.clock.now) != 10*time.Minute {
		t.Errorf("next try in %v, want 10m", at.Sub(b.clock.now))
	}
	b.clock.now = b.clock.now.Add(10 * time.Minute)
	if got := reconcile(); got != "in_sync" {
		t.Errorf("after the budget refilled: %s", got)
	}
}

func TestBudgetHoldsWritesBack(t *testing.T) {
	b := newBench(newKernel(eth(1, 4, 8, 1024)), func(o *ReconcilerOptions) { o.Budget = Budget{Burst: 1, Per: time.Minute} })
	view := viewOf(apiENI(1, 4))
	b.Reconcile(context.Background(), view, true)
	b.kernel.foreign(1, nic.Queues, 1)
	b.Reconcile(context.Background(), view, true)
	b.kernel.foreign(1, nic.Queues, 2)
	r := b.Reconcile(context.Background(), view, true)
	if got := reason(r, "eth1", nic.Queues); got != "held" || r.ExitCode() != ExitDrift {
		t.Errorf("%s, exit %d", got, r.ExitCode())
	}
	b.clock.now = b.clock.now.Add(time.Minute)
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "in_sync" {
		t.Errorf("after the budget refilled: %s", got)
	}
}

func TestReplacedDeviceIsNoForeignChange(t *testing.T) {
	b := newBench(newKernel(eth(1, 4, 8, 1024)), nil)
	view := viewOf(apiENI(1, 4))
	b.Reconcile(context.Background(), view, true)
	st := eth(1, 1, 8, 1024)
	st.Index = 7
	b.kernel.unplug(1)
	b.kernel.plug(st)
	r := b.Reconcile(context.Background(), view, true)
	if b.tally.foreign != 0 || reason(r, "eth1", nic.Queues) != "in_sync" {
		t.Errorf("%d foreign changes, %v", b.tally.foreign, reasons(r))
	}
}

func TestVanishedNICIsNoError(t *testing.T) {
	k := newKernel(eth(1, 1, 8, 1024), eth(2, 4, 8, 1024))
	k.answer = func(nic.Change) (error, bool) {
		k.unplug(1)
		return &nic.Error{Device: "eth1", Op: "set channels", Kind: nic.ErrGone, Errno: unix.ENODEV}, false
	}
	b := newBench(k, nil)
	view := viewOf(apiENI(1, 4), apiENI(2, 4))
	b.Reconcile(context.Background(), view, true)
	r := b.Reconcile(context.Background(), view, true)
	want := []Unmatched{{ENI: "eni-1", MAC: mac(1), Reason: NICMissing}}
	if d := cmp.Diff(want, r.Unmatched); d != "" || r.ExitCode() != ExitInSync || len(r.Errors) != 0 {
		t.Errorf("exit %d, errors %v, unmatched (-want +got):\n%s", r.ExitCode(), r.Errors, d)
	}
}

func TestUnreadableListOfNICsIsAnError(t *testing.T) {
	k := newKernel()
	k.listErr = errors.New("list links: no buffer space available (ENOBUFS)")
	r := newBench(k, nil).Reconcile(context.Background(), viewOf(apiENI(1, 4)), true)
	if r.ExitCode() != ExitError || len(r.Errors) != 1 || r.Errors[0].Component != ComponentKernel {
		t.Errorf("exit %d, %v", r.ExitCode(), r.Errors)
	}
}

func TestCloudSwitchedOffLeavesTheRules(t *testing.T) {
	rules := []Rule{
		{Device: "eth2", Manage: false},
		{Device: "eth*", Manage: true, Wants: map[nic.Setting]Want{nic.Queues: {WantNumber, 2}, nic.RxRing: {Kind: WantMax}}},
	}
	b := newBench(newKernel(eth(1, 4, 8, 256), eth(2, 4, 8, 256)), func(o *ReconcilerOptions) { o.Rules, o.Cloud = rules, false })
	r := b.Reconcile(context.Background(), View{Origin: Origin{Origin: OriginNone}}, true)
	want := []string{
		"eth1 queues: in_sync", "eth1 rx_ring: in_sync", "eth1 tx_ring: no_desired_value",
		"eth2 queues: excluded", "eth2 rx_ring: excluded", "eth2 tx_ring: excluded",
	}
	if d := cmp.Diff(want, reasons(r)); d != "" || r.ExitCode() != ExitInSync {
		t.Errorf("exit %d (-want +got):\n%s", r.ExitCode(), d)
	}
	if d := cmp.Diff([]string{"eth1 queues 2", "eth1 rx_ring 1024"}, b.kernel.written()); d != "" {
		t.Errorf("writes (-want +got):\n%s", d)
	}
}

func TestUnknownDesiredStateIsAnErrorAndOverridesHoldAllTheSame(t *testing.T) {
	rules := []Rule{{Device: "eth1", Manage: true, Wants: map[nic.Setting]Want{nic.Queues: {WantNumber, 2}}}}
	b := newBench(newKernel(eth(1, 4, 8, 1024), eth(2, 1, 8, 1024)), func(o *ReconcilerOptions) { o.Rules = rules })
	r := b.Reconcile(context.Background(), View{Enabled: true, Origin: Origin{Origin: OriginNone}}, true)
	if d := cmp.Diff([]string{"eth1 queues 2"}, b.kernel.written()); d != "" || r.ExitCode() != ExitError {
		t.Errorf("exit %d, writes (-want +got):\n%s", r.ExitCode(), d)
	}
}

func TestInterruptedReconcileStopsBetweenNICs(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	k := newKernel(eth(1, 1, 8, 1024), eth(2, 1, 8, 1024))
	k.answer = func(nic.Change) (error, bool) { cancel(); return nil, true }
	newBench(k, nil).Reconcile(ctx, viewOf(apiENI(1, 4), apiENI(2, 4)), true)
	if d := cmp.Diff([]string{"eth1 queues 4"}, k.written()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
