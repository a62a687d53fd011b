package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/nic"
)

// virtio is a NIC with combined channels and both rings.
func virtio(queues, maxQueues, ring, maxRing int) nic.State {
	return nic.State{
		NIC:      nic.NIC{Index: 2, Name: "eth1", MAC: "00:16:3e:00:00:01", Parent: "virtio1"},
		Driver:   "virtio_net",
		Channels: nic.Channels{Max: nic.ChannelCounts{Combined: maxQueues}, Current: nic.ChannelCounts{Combined: queues}},
		Rings:    nic.Rings{Max: nic.RingSizes{RX: maxRing, TX: maxRing}, Current: nic.RingSizes{RX: ring, TX: ring}},
	}
}

// veth is a NIC with separate channels and no rings.
func veth(rx, tx, most int) nic.State {
	return nic.State{
		NIC:      nic.NIC{Index: 2, Name: "eth1", Kind: "veth"},
		Channels: nic.Channels{Max: nic.ChannelCounts{RX: most, TX: most}, Current: nic.ChannelCounts{RX: rx, TX: tx}},
		RingsErr: &nic.Error{Op: "read rings", Kind: nic.ErrUnsupported, Errno: unix.EOPNOTSUPP},
	}
}

func enforce() Policy { return Policy{Writable: nic.Settings()} }

func TestEveryReason(t *testing.T) {
	unreadable := virtio(1, 4, 256, 256)
	unreadable.ChannelsErr = &nic.Error{Device: "eth1", Op: "read channels", Kind: nic.ErrBusy, Errno: unix.EBUSY}
	fixed := virtio(1, 4, 256, 256)
	fixed.RingsFixed = true
	type testCase struct {
		name    string
		policy  Policy
		target  Target
		item    Item
		want    Decision
		current nic.State
	}
	want := func(value int, s Source) Item {
		return Item{Setting: nic.Queues, Wanted: Wanted{Value: value, Source: s}}
	}
	set := func(value int, raiseOnly bool) nic.Change {
		return nic.Change{Setting: nic.Queues, Value: value, RaiseOnly: raiseOnly}
	}
	tests := []testCase{
		{name: "in_sync", current: virtio(4, 8, 256, 256), item: want(4, API),
			want: Decision{Current: 4, Max: 8, Desired: 4, Source: API, Action: None, Reason: InSync}},
		{name: "below_desired is set", current: virtio(1, 8, 256, 256), item: want(4, API),
			want: Decision{Current: 1, Max: 8, Desired: 4, Source: API, Action: Set, Reason: BelowDesired, Drift: true, Change: set(4, true)}},
		{name: "above_desired is reported on the API's word", current: virtio(8, 8, 256, 256), item: want(4, API),
			want: Decision{Current: 8, Max: 8, Desired: 4, Source: API, Action: Report, Reason: AboveDesired, Drift: true}},
		{name: "above_desired is set on an override's word", current: virtio(8, 8, 256, 256), item: want(4, Override),
			want: Decision{Current: 8, Max: 8, Desired: 4, Source: Override, Action: Set, Reason: AboveDesired, Drift: true, Change: set(4, false)}},
		{name: "above_desired is set with shrink", policy: Policy{Writable: nic.Settings(), Shrink: true}, current: virtio(8, 8, 256, 256), item: want(4, API),
			want: Decision{Current: 8, Max: 8, Desired: 4, Source: API, Action: Set, Reason: AboveDesired, Drift: true, Change: set(4, false)}},
		{name: "device_max sets the maximum", current: virtio(1, 4, 256, 256), item: want(8, API),
			want: Decision{Current: 1, Max: 4, Desired: 8, Source: API, Action: Set, Reason: DeviceMax, Drift: true, Change: set(4, true)}},
		{name: "device_max stays drifted at the maximum", current: virtio(4, 4, 256, 256), item: want(8, API),
			want: Decision{Current: 4, Max: 4, Desired: 8, Source: API, Action: Report, Reason: DeviceMax, Drift: true}},
		{name: "kernel_refused waits for its backoff", current: virtio(1, 4, 256, 256),
			item: Item{Setting: nic.Queues, Wanted: Wanted{Value: 4, Source: API}, Memory: Memory{Refused: "device or resource busy (EBUSY)"}},
			want: Decision{Current: 1, Max: 4, Desired: 4, Source: API, Action: Report, Reason: KernelRefused, Drift: true, Detail: "device or resource busy (EBUSY)"}},
		{name: "contested is left alone", current: virtio(1, 4, 256, 256),
			item: Item{Setting: nic.Queues, Wanted: Wanted{Value: 4, Source: API}, Memory: Memory{Contested: true}},
			want: Decision{Current: 1, Max: 4, Desired: 4, Source: API, Action: Report, Reason: Contested, Drift: true}},
		{name: "contested outdoes kernel_refused", current: virtio(1, 4, 256, 256),
			item: Item{Setting: nic.Queues, Wanted: Wanted{Value: 4, Source: API}, Memory: Memory{Contested: true, Refused: "x"}},
			want: Decision{Current: 1, Max: 4, Desired: 4, Source: API, Action: Report, Reason: Contested, Drift: true}},
		{name: "held without budget", current: virtio(1, 4, 256, 256), target: Target{Budget: -1}, item: want(4, API),
			want: Decision{Current: 1, Max: 4, Desired: 4, Source: API, Action: Report, Reason: Held, Drift: true}},
		{name: "unsupported is no drift", current: nic.State{ChannelsErr: &nic.Error{Kind: nic.ErrUnsupported}}, item: want(4, API),
			want: Decision{Desired: 4, Source: API, Action: None, Reason: Unsupported}},
		{name: "unsupported where the driver only tells the value", current: fixed, item: Item{Setting: nic.RxRing, Wanted: Wanted{Value: 512, Source: Tag}},
			want: Decision{Setting: nic.RxRing, Current: 256, Max: 256, Desired: 512, Source: Tag, Action: None, Reason: Unsupported}},
		{name: "unsupported once a write said so", current: virtio(1, 4, 256, 256),
			item: Item{Setting: nic.Queues, Wanted: Wanted{Value: 4, Source: API}, Memory: Memory{Unsupported: true}},
			want: Decision{Current: 1, Max: 4, Desired: 4, Source: API, Action: None, Reason: Unsupported}},
		{name: "unreadable is told with the kernel's words", current: unreadable, item: want(4, API),
			want: Decision{Desired: 4, Source: API, Action: Report, Reason: Unreadable, Detail: "eth1: read channels: device or resource busy (EBUSY)"}},
		{name: "no_desired_value is no drift", current: virtio(1, 4, 256, 256), item: Item{Setting: nic.Queues},
			want: Decision{Current: 1, Max: 4, Action: None, Reason: NoDesiredValue}},
		{name: "excluded outdoes all", current: virtio(1, 4, 256, 256), target: Target{Excluded: true}, item: want(4, API),
			want: Decision{Current: 1, Max: 4, Desired: 4, Source: API, Action: None, Reason: Excluded}},
		{name: "eni_unknown is left alone", current: virtio(1, 4, 256, 256), target: Target{ENI: ENIUnknown}, item: want(4, API),
			want: Decision{Current: 1, Max: 4, Desired: 4, Source: API, Action: None, Reason: NoENI}},
		{name: "duplicate_mac is left alone and told", current: virtio(1, 4, 256, 256), target: Target{ENI: ENIAmbiguous}, item: Item{Setting: nic.Queues},
			want: Decision{Current: 1, Max: 4, Action: Report, Reason: DuplicateMAC}},
		{name: "observe only reports", policy: Policy{Writable: nic.Settings(), Observe: true}, current: virtio(1, 8, 256, 256), item: want(4, API),
			want: Decision{Current: 1, Max: 8, Desired: 4, Source: API, Action: Report, Reason: BelowDesired, Drift: true}},
		{name: "a setting outside reconcile.settings is only reported", policy: Policy{Writable: []nic.Setting{nic.RxRing}}, current: virtio(1, 8, 256, 256), item: want(4, API),
			want: Decision{Current: 1, Max: 8, Desired: 4, Source: API, Action: Report, Reason: BelowDesired, Drift: true}},
		{name: "separate channels count the scarcer direction", current: veth(4, 1, 8), item: want(4, API),
			want: Decision{Current: 1, Max: 8, Desired: 4, Source: API, Action: Set, Reason: BelowDesired, Drift: true, Change: set(4, true)}},
		{name: "max never lowers the richer direction", current: veth(8, 4, 4),
			item: Item{Setting: nic.Queues, Wanted: Wanted{Value: 4, Source: Override, Most: true}},
			want: Decision{Current: 4, Max: 4, Desired: 4, Source: Override, Action: None, Reason: InSync}},
		{name: "separate channels above in one direction", current: veth(8, 4, 8), item: want(4, API),
			want: Decision{Current: 8, Max: 8, Desired: 4, Source: API, Action: Report, Reason: AboveDesired, Drift: true}},
	}
	seen := map[Reason]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.policy.Writable == nil {
				tt.policy = enforce()
			}
			tt.target.State = tt.current
			if tt.target.ENI == 0 {
				tt.target.ENI = ENIMatched
			}
			if tt.target.Budget == 0 {
				tt.target.Budget = 4
			}
			tt.target.Items = []Item{tt.item}
			tt.want.Setting = tt.item.Setting
			got := Diff(tt.policy, []Target{tt.target})[0][0]
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
			if got.Reason != InSync && got.Message() == "" {
				t.Errorf("reason %s has no message", got.Reason)
			}
			seen[got.Reason] = true
		})
	}
	for _, r := range Reasons() {
		if !seen[r] {
			t.Errorf("no row reaches reason %s", r)
		}
	}
}

func TestBudgetIsSpentOnRingsBeforeChannels(t *testing.T) {
	target := Target{State: virtio(1, 4, 128, 256), ENI: ENIMatched, Budget: 1, Items: []Item{
		{Setting: nic.Queues, Wanted: Wanted{Value: 4, Source: API}},
		{Setting: nic.RxRing, Wanted: Wanted{Value: 256, Source: Device}},
		{Setting: nic.TxRing, Wanted: Wanted{Value: 256, Source: Device}},
	}}
	got := map[nic.Setting]Reason{}
	for _, d := range Diff(enforce(), []Target{target})[0] {
		got[d.Setting] = d.Reason
	}
	want := map[nic.Setting]Reason{nic.RxRing: BelowDesired, nic.TxRing: BelowDesired, nic.Queues: Held}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("two ring settings share one write, channels need another (-want +got):\n%s", d)
	}
}

func TestARefusedSettingLeavesTheLastWriteToOthers(t *testing.T) {
	target := Target{State: virtio(1, 4, 128, 256), ENI: ENIMatched, Budget: 1, Items: []Item{
		{Setting: nic.Queues, Wanted: Wanted{Value: 4, Source: API}},
		{Setting: nic.RxRing, Wanted: Wanted{Value: 256, Source: Device}, Memory: Memory{Retry: "invalid argument (EINVAL)"}},
	}}
	decisions := Diff(enforce(), []Target{target})[0]
	if decisions[0].Action != Set || decisions[1].Reason != KernelRefused || decisions[1].Detail == "" {
		t.Errorf("%+v", decisions)
	}
}

func TestNamesSurviveTextAndBack(t *testing.T) {
	for _, r := range Reasons() {
		var back Reason
		if text, _ := r.MarshalText(); back.UnmarshalText(text) != nil || back != r {
			t.Errorf("reason %v came back as %v", r, back)
		}
	}
	for _, s := range append(Sources(), 0) {
		var back Source
		if text, _ := s.MarshalText(); back.UnmarshalText(text) != nil || back != s {
			t.Errorf("source %v came back as %v", s, back)
		}
	}
	for _, a := range Actions() {
		var back Action
		if text, _ := a.MarshalText(); back.UnmarshalText(text) != nil || back != a {
			t.Errorf("action %v came back as %v", a, back)
		}
	}
	var r Reason
	if err := r.UnmarshalText([]byte("nonsense")); err == nil {
		t.Error("an unknown reason was accepted")
	}
}
