package plan

import (
	"errors"
	"slices"

	"github.com/enitune/enitune/nic"
)

// decide applies the rules of one setting, the first that fits.
func decide(policy Policy, t Target, item Item) Decision {
	reading := t.State.Reading(item.Setting)
	d := Decision{
		Setting: item.Setting,
		Current: reading.Current,
		Max:     reading.Max,
		Desired: item.Wanted.Value,
		Source:  item.Wanted.Source,
		Action:  None,
	}
	switch {
	case t.Excluded:
		return d.leave(Excluded)
	case t.ENI == ENIUnknown:
		return d.leave(NoENI)
	case t.ENI == ENIAmbiguous:
		d.Action = Report
		return d.leave(DuplicateMAC)
	case errors.Is(reading.Err, nic.ErrUnsupported), reading.Fixed, item.Memory.Unsupported:
		return d.leave(Unsupported)
	case reading.Err != nil:
		d.Action, d.Detail = Report, reading.Err.Error()
		return d.leave(Unreadable)
	case item.Wanted.Source == 0:
		return d.leave(NoDesiredValue)
	}
	d = compare(d, reading, policy)
	if d.Action == Set {
		d = permit(d, policy, item)
	}
	return d
}

// leave ends a decision that neither is drift nor writes anything.
func (d Decision) leave(r Reason) Decision {
	d.Reason = r
	return d
}

// compare finds how the guest differs from what is wanted, and what to write if
// nothing stands against it.
func compare(d Decision, r nic.Reading, policy Policy) Decision {
	target := min(d.Desired, r.Max)
	switch {
	case d.Desired > r.Max:
		d.Reason, d.Drift, d.Action = DeviceMax, true, Report
		if r.Current < target {
			d.Action = Set
		}
	case r.Current < target:
		d.Reason, d.Drift, d.Action = BelowDesired, true, Set
	case r.Highest > target:
		d.Current = r.Highest
		d.Reason, d.Drift, d.Action = AboveDesired, true, Report
		if lowering(d, policy) {
			d.Action = Set
		}
	default:
		d.Reason = InSync
	}
	if d.Action == Set {
		d.Change = nic.Change{Setting: d.Setting, Value: target, RaiseOnly: !lowering(d, policy)}
	}
	return d
}

// lowering tells whether a setting may be made smaller. Lowering on the cloud's
// word alone can make an instance worse off: a primary ENI's QueueNumber is its
// type's default even where the instance was launched with more.
func lowering(d Decision, policy Policy) bool {
	return d.Source == Override || policy.Shrink
}

// permit lets a write through, or says what stands against it.
func permit(d Decision, policy Policy, item Item) Decision {
	held := func(r Reason) Decision {
		d.Action, d.Reason, d.Change = Report, r, nic.Change{}
		return d
	}
	switch {
	case policy.Observe, !slices.Contains(policy.Writable, d.Setting):
		return held(d.Reason)
	case item.Memory.Contested:
		return held(Contested)
	case item.Memory.Refused != "":
		d.Detail = item.Memory.Refused
		return held(KernelRefused)
	default:
		return d
	}
}
