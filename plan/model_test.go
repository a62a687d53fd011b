package plan

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"github.com/enitune/enitune/nic"
)

// device is a model of a NIC in a kernel: what it says, and how it answers
// writes.
type device struct {
	state nic.State
	// refuses answers writes of the operation with an error and changes
	// nothing.
	refuses map[nic.Operation]bool
	// lies answers with an error and applies the change all the same, as
	// drivers have done.
	lies map[nic.Operation]bool
}

// set applies one change as a driver would: values above the maximum are
// refused, never clamped.
func (d *device) set(t *rapid.T, ch nic.Change) error {
	op := ch.Setting.Operation()
	r := d.state.Reading(ch.Setting)
	if r.Err != nil || ch.Value > r.Max || ch.Value < 1 {
		t.Fatalf("wrote %+v to a device that reads %+v", ch, r)
	}
	if d.refuses[op] {
		return unix.EINVAL
	}
	raise := func(current int) int {
		if ch.RaiseOnly {
			return max(current, ch.Value)
		}
		return ch.Value
	}
	switch c := &d.state.Channels.Current; {
	case ch.Setting == nic.RxRing:
		d.state.Rings.Current.RX = raise(d.state.Rings.Current.RX)
	case ch.Setting == nic.TxRing:
		d.state.Rings.Current.TX = raise(d.state.Rings.Current.TX)
	case d.state.Channels.Max.Combined > 0:
		c.Combined = raise(c.Combined)
	default:
		c.RX, c.TX = raise(c.RX), raise(c.TX)
	}
	if d.lies[op] {
		return unix.EINVAL
	}
	return nil
}

func drawDevice(t *rapid.T) *device {
	n := func(label string, low, high int) int { return rapid.IntRange(low, high).Draw(t, label) }
	d := &device{refuses: map[nic.Operation]bool{}, lies: map[nic.Operation]bool{}}
	d.state.Name = "eth0"
	most := n("max queues", 1, 16)
	if rapid.Bool().Draw(t, "combined") {
		d.state.Channels = nic.Channels{Max: nic.ChannelCounts{Combined: most}, Current: nic.ChannelCounts{Combined: n("queues", 1, most)}}
	} else {
		mostTX := n("max tx", 1, 16)
		d.state.Channels = nic.Channels{Max: nic.ChannelCounts{RX: most, TX: mostTX},
			Current: nic.ChannelCounts{RX: n("rx", 1, most), TX: n("tx", 1, mostTX)}}
	}
	ringRX, ringTX := n("max rx ring", 0, 1024), n("max tx ring", 0, 1024)
	d.state.Rings = nic.Rings{Max: nic.RingSizes{RX: ringRX, TX: ringTX},
		Current: nic.RingSizes{RX: n("rx ring", 0, ringRX), TX: n("tx ring", 0, ringTX)}}
	unsupported := &nic.Error{Kind: nic.ErrUnsupported, Errno: unix.EOPNOTSUPP}
	if rapid.Bool().Draw(t, "no rings") {
		d.state.Rings, d.state.RingsErr = nic.Rings{}, unsupported
	}
	if rapid.IntRange(0, 9).Draw(t, "no channels") == 0 {
		d.state.Channels, d.state.ChannelsErr = nic.Channels{}, unsupported
	}
	for _, op := range []nic.Operation{nic.SetRings, nic.SetChannels} {
		switch n("answer", 0, 5) {
		case 0:
			d.refuses[op] = true
		case 1:
			d.lies[op] = true
		}
	}
	return d
}

func drawTarget(t *rapid.T) Target {
	target := Target{
		ENI:      rapid.SampledFrom([]ENIKnowledge{ENIMatched, ENIMatched, ENIMatched, ENIUndetermined, ENIUnknown, ENIAmbiguous}).Draw(t, "eni"),
		Excluded: rapid.IntRange(0, 9).Draw(t, "excluded") == 0,
		Budget:   rapid.IntRange(0, 6).Draw(t, "budget"),
	}
	for _, s := range nic.Settings() {
		item := Item{Setting: s, Memory: Memory{Contested: rapid.IntRange(0, 9).Draw(t, "contested") == 0}}
		if rapid.IntRange(0, 4).Draw(t, "has value") > 0 {
			item.Wanted = Wanted{Value: rapid.IntRange(1, 1200).Draw(t, "wanted"), Source: rapid.SampledFrom(Sources()).Draw(t, "source")}
		}
		target.Items = append(target.Items, item)
	}
	return target
}

func drawPolicy(t *rapid.T) Policy {
	p := Policy{Observe: rapid.IntRange(0, 4).Draw(t, "observe") == 0, Shrink: rapid.Bool().Draw(t, "shrink")}
	for _, s := range nic.Settings() {
		if rapid.IntRange(0, 4).Draw(t, "writable") > 0 {
			p.Writable = append(p.Writable, s)
		}
	}
	return p
}

// TestModelConverges walks random NICs, wishes and policies: it applies the plan
// to a model kernel until nothing is to be set, remembering refusals as the
// agent does, and checks what must hold on the way and at the end.
func TestModelConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dev, target, policy := drawDevice(t), drawTarget(t), drawPolicy(t)
		start := dev.state
		budget, steps := target.Budget, 0
		for ; ; steps++ {
			if steps > 2*len(nic.Settings()) {
				t.Fatalf("no end after %d steps: %+v", steps, dev.state)
			}
			target.State = dev.state
			decisions := Diff(policy, []Target{target})[0]
			if d := cmp.Diff(decisions, Diff(policy, []Target{target})[0]); d != "" {
				t.Fatalf("the same input gave another plan:\n%s", d)
			}
			ops := writeAll(t, dev, &target, decisions, policy)
			if ops == 0 {
				break
			}
			target.Budget -= ops
		}
		if spent := budget - target.Budget; spent > budget {
			t.Fatalf("%d writes with a budget of %d", spent, budget)
		}
		checkEnd(t, start, dev, target, policy)
	})
}

// writeAll carries out a plan on the model, checks that each write is allowed,
// and gives the number of kernel operations.
func writeAll(t *rapid.T, dev *device, target *Target, decisions []Decision, policy Policy) int {
	ops := map[nic.Operation]bool{}
	for i, d := range decisions {
		if d.Action != Set {
			if d.Change != (nic.Change{}) {
				t.Fatalf("a change without action set: %+v", d)
			}
			continue
		}
		ops[d.Setting.Operation()] = true
		allowed := !policy.Observe && !target.Excluded && contains(policy.Writable, d.Setting) &&
			(target.ENI == ENIMatched || target.ENI == ENIUndetermined) &&
			!target.Items[i].Memory.Contested && target.Items[i].Memory.Refused == ""
		if !allowed {
			t.Fatalf("policy forbids %+v", d)
		}
		before := dev.state.Reading(d.Setting)
		err := dev.set(t, d.Change)
		after := dev.state.Reading(d.Setting)
		if after.Current < before.Current && d.Source != Override && !policy.Shrink {
			t.Fatalf("lowered from %+v to %+v without leave", before, after)
		}
		if err != nil && after == before {
			target.Items[i].Memory.Refused = err.Error()
		}
	}
	return len(ops)
}

// checkEnd checks a guest for which nothing is left to set.
func checkEnd(t *rapid.T, start nic.State, dev *device, target Target, policy Policy) {
	for _, d := range Diff(policy, []Target{target})[0] {
		r := dev.state.Reading(d.Setting)
		untouched := start.Reading(d.Setting)
		switch d.Reason {
		case InSync:
			if r.Current != d.Desired || r.Highest != d.Desired {
				t.Fatalf("called in sync: %+v with %+v", d, r)
			}
		case DeviceMax:
			writable := contains(policy.Writable, d.Setting) && !policy.Observe
			if writable && r.Current < r.Max {
				t.Fatalf("device_max left below the maximum: %+v with %+v", d, r)
			}
		case BelowDesired:
			if !policy.Observe && contains(policy.Writable, d.Setting) {
				t.Fatalf("left below: %+v", d)
			}
		case Excluded, NoENI, DuplicateMAC, NoDesiredValue, Contested:
			if r.Current != untouched.Current || r.Highest != untouched.Highest {
				t.Fatalf("%s, and yet changed from %+v to %+v", d.Reason, untouched, r)
			}
		case AboveDesired, KernelRefused, Held, Unsupported, Unreadable:
		}
	}
}

func contains(list []nic.Setting, s nic.Setting) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
