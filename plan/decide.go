package plan

import (
	"errors"

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
	d = compare(d, reading, item.Wanted.Most, policy.Shrink || item.Wanted.Source == Override)
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
// nothing stands against it. most tells that as much as possible is wanted, so
// that nothing is too much; lower tells whether a setting may be made smaller:
// lowering on the cloud's word alone can make an instance worse off, because a
// primary ENI's QueueNumber is its type's default even where the instance was
// launched with more.
func compare(d Decision, r nic.Reading, most, lower bool) Decision {
	target := min(d.Desired, r.Max)
	switch {
	case d.Desired > r.Max:
		d.Reason, d.Drift, d.Action = DeviceMax, true, Report
		if r.Current < target {
			d.Action = Set
		}
	case r.Current < target:
		d.Reason, d.Drift, d.Action = BelowDesired, true, Set
	case r.Highest > target && !most:
		d.Current = r.Highest
		d.Reason, d.Drift, d.Action = AboveDesired, true, Report
		if lower {
			d.Action = Set
		}
	default:
		d.Reason = InSync
	}
	if d.Action == Set {
		d.Change = nic.Change{Setting: d.Setting, Value: target, RaiseOnly: most || !lower}
	}
	return d
}

// permit lets a write through, or says what stands against it.
func permit(d Decision, policy Policy, item Item) Decision {
	switch {
	case !policy.Writes(d.Setting):
		return d.hold(d.Reason)
	case item.Memory.Contested:
		return d.hold(Contested)
	case item.Memory.Refused != "":
		d.Detail = item.Memory.Refused
		return d.hold(KernelRefused)
	default:
		return d
	}
}

// hold turns a write into a report with a reason.
func (d Decision) hold(r Reason) Decision {
	d.Action, d.Reason, d.Change = Report, r, nic.Change{}
	return d
}
