package agent

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/nic"
)

func TestRevertsAreForgottenWithTheDevice(t *testing.T) {
	b := newBench(newKernel(eth(1, 4, 8, 1024)), func(o *ReconcilerOptions) { o.Budget.Burst = 10 })
	view := viewOf(apiENI(1, 4))
	b.Reconcile(context.Background(), view, true)
	for range contestedAfter {
		b.kernel.foreign(1, nic.Queues, 1)
		b.Reconcile(context.Background(), view, true)
	}
	again := eth(1, 1, 8, 1024)
	again.Index = 7
	b.kernel.unplug(1)
	b.kernel.plug(again)
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "in_sync" {
		t.Errorf("a new device is %s", got)
	}
}

func TestAppliedTellsOfTheDirectionThatWasRaised(t *testing.T) {
	st := eth(1, 0, 0, 1024)
	st.Channels = nic.Channels{Max: nic.ChannelCounts{RX: 8, TX: 8}, Current: nic.ChannelCounts{RX: 8, TX: 1}}
	k := newKernel(st)
	k.answer = func(nic.Change) (error, bool) {
		raised := st
		raised.Channels.Current.TX = 4
		k.plug(raised)
		return nil, false
	}
	r := newBench(k, nil).Reconcile(context.Background(), viewOf(apiENI(1, 4)), true)
	if a := r.NICs[0].Settings[0].Applied; a == nil || *a != (Applied{1, 4}) {
		t.Errorf("applied %+v, want 1 to 4", a)
	}
}

func TestAnOperationThatTheDriverLackedIsTriedAtAnotherMaximum(t *testing.T) {
	k := newKernel(eth(1, 1, 8, 1024))
	k.answer = func(nic.Change) (error, bool) {
		return &nic.Error{Device: "eth1", Op: "set channels", Kind: nic.ErrUnsupported, Errno: unix.EOPNOTSUPP}, false
	}
	b := newBench(k, nil)
	view := viewOf(apiENI(1, 4))
	b.Reconcile(context.Background(), view, true)
	k.answer = nil
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "unsupported" {
		t.Errorf("tried again at the same maximum: %s", got)
	}
	k.plug(eth(1, 1, 16, 1024))
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "in_sync" {
		t.Errorf("at another maximum: %s", got)
	}
}

func TestABusyDeviceIsTriedAgainSooner(t *testing.T) {
	k := newKernel(eth(1, 1, 8, 1024))
	k.answer = func(nic.Change) (error, bool) {
		return &nic.Error{Device: "eth1", Op: "set channels", Kind: nic.ErrBusy, Errno: unix.EBUSY}, false
	}
	b := newBench(k, nil)
	b.Reconcile(context.Background(), viewOf(apiENI(1, 4)), true)
	if wait := b.memory.nextRetry(b.clock.now).Sub(b.clock.now); wait != busyFirst {
		t.Errorf("tried again after %v, want %v", wait, busyFirst)
	}
}

func TestUnresolvedENIsCountUnlessNoNICOfTheirsIsManaged(t *testing.T) {
	unresolved := func(index int, typ string) ENI {
		e := apiENI(index, 4)
		e.Values, e.Type, e.Unresolved = nil, typ, "denied"
		return e
	}
	rules := []Rule{{Device: "eth2", Manage: false}}
	tests := []struct {
		name string
		eni  ENI
		exit int
	}{
		{"a managed NIC's", unresolved(1, "Secondary"), ExitError},
		{"an excluded NIC's", unresolved(2, "Secondary"), ExitInSync},
		{"a trunk's member", unresolved(3, "Member"), ExitInSync},
	}
	for _, tt := range tests {
		b := newBench(newKernel(eth(1, 4, 8, 1024), eth(2, 4, 8, 1024)), func(o *ReconcilerOptions) { o.Rules = rules })
		if got := b.Reconcile(context.Background(), viewOf(tt.eni), true).ExitCode(); got != tt.exit {
			t.Errorf("%s: exit %d, want %d", tt.name, got, tt.exit)
		}
	}
}

func TestFetchGoesByTheOperatorsInstance(t *testing.T) {
	c := newCloudModel(apiInterface(1, 4))
	cloud := c.cloud()
	cloud.InstanceID = "i-operator"
	res := cloud.Fetch(context.Background(), Desired{})
	if res.InstanceID != "i-operator" || res.Desired.InstanceID != "i-operator" || res.Desired.InstanceType != "" {
		t.Errorf("%+v", res)
	}
}

func TestFetchLeavesOutAnENIThatWentToAnotherInstance(t *testing.T) {
	c := newCloudModel(apiInterface(1, 4))
	c.metaErr = context.DeadlineExceeded
	gone := apiInterface(2, 8)
	gone.InstanceID = "i-other"
	c.hidden = append(c.hidden, gone)
	previous := Desired{InstanceID: "i-1", Region: "cn-hangzhou", FetchedAt: time.Time{}, ENIs: []ENI{apiENI(1, 4), apiENI(2, 2)}}
	if enis := c.cloud().Fetch(context.Background(), previous).Desired.ENIs; len(enis) != 1 || enis[0].ID != "eni-1" {
		t.Errorf("%+v", enis)
	}
}

func TestARivalQuickerThanTheReadIsContestedAndNotRefusedByTheKernel(t *testing.T) {
	k := newKernel(eth(1, 4, 8, 1024))
	k.answer = func(nic.Change) (error, bool) { return nil, false } // accepted, and changed back at once
	b := newBench(k, nil)
	view := viewOf(apiENI(1, 4))
	b.Reconcile(context.Background(), view, true)
	k.foreign(1, nic.Queues, 1)
	o := b.Reconciler.Reconcile(context.Background(), view, true)
	if got := reason(o.Report, "eth1", nic.Queues); got != "contested" {
		t.Errorf("%s, want contested", got)
	}
	if d := cmp.Diff([]string{"eth1 queues 4", "eth1 queues 4"}, k.written()); d != "" {
		t.Errorf("writes (-want +got):\n%s", d)
	}
	if b.tally.foreign != contestedAfter || b.tally.changed[ChangeRefused] != 2 || len(o.foreign) != contestedAfter {
		t.Errorf("%d foreign changes counted and %d told, %v", b.tally.foreign, len(o.foreign), b.tally.changed)
	}
	k.answer = nil // the rival has ended
	b.clock.now = b.clock.now.Add(10 * time.Minute)
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "in_sync" {
		t.Errorf("after the budget refilled: %s", got)
	}
}

func TestAWriteThatWasAcceptedAndIsNotThereIsTriedAgainSoon(t *testing.T) {
	k := newKernel(eth(1, 1, 8, 1024))
	k.answer = func(nic.Change) (error, bool) { return nil, false } // and nobody has changed it before
	b := newBench(k, nil)
	view := viewOf(apiENI(1, 4))
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "kernel_refused" {
		t.Fatal(got)
	}
	k.answer = nil
	b.clock.now = b.clock.now.Add(busyFirst)
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "in_sync" {
		t.Errorf("after %v: %s", busyFirst, got)
	}
}

func TestWhatWasRefusedIsTriedAgainWhenTheXDPProgramIsDetached(t *testing.T) {
	st := eth(1, 1, 8, 1024)
	st.XDP = true
	k := newKernel(st)
	k.answer = func(nic.Change) (error, bool) {
		return &nic.Error{Device: "eth1", Op: "set channels", Kind: nic.ErrInvalid, Errno: unix.EINVAL}, false
	}
	b := newBench(k, nil)
	view := viewOf(apiENI(1, 4))
	for range 2 {
		if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "kernel_refused" {
			t.Errorf("with the program: %s", got)
		}
	}
	if got := len(k.written()); got != 1 {
		t.Errorf("%d writes with the program, want 1", got)
	}
	k.answer = nil
	k.plug(eth(1, 1, 8, 1024))
	if got := reason(b.Reconcile(context.Background(), view, true), "eth1", nic.Queues); got != "in_sync" {
		t.Errorf("without the program: %s", got)
	}
}
