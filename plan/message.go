package plan

import (
	"fmt"

	"github.com/enitune/enitune/nic"
)

// Message says in one sentence, for a person, what is the matter with a setting
// and what can be done about it; "" where nothing is.
func (d Decision) Message() string {
	switch d.Reason {
	case InSync:
		return ""
	case BelowDesired:
		if d.Action == Set {
			return fmt.Sprintf("%d, should be %d", d.Current, d.Desired)
		}
		return fmt.Sprintf("%d, should be %d; left alone because of reconcile.mode or reconcile.settings", d.Current, d.Desired)
	case AboveDesired:
		return d.above()
	case DeviceMax:
		if d.Source == Override {
			return fmt.Sprintf("the NIC offers at most %d of the %d that a rule in nics: asks for; lower the number there", d.Max, d.Desired)
		}
		if d.Action == Report && d.Current < d.Max {
			return fmt.Sprintf("%d, the NIC offers at most %d of the wanted %d; left alone because of reconcile.mode or reconcile.settings", d.Current, d.Max, d.Desired)
		}
		return fmt.Sprintf("the NIC offers at most %d of the wanted %d; a change of the ENI reaches the NIC when the instance is stopped and started, or the ENI is detached and attached again", d.Max, d.Desired)
	case KernelRefused:
		return fmt.Sprintf("%d, should be %d; the kernel refused: %s; tried again later", d.Current, d.Desired, d.Detail)
	case Contested:
		return fmt.Sprintf("%d, should be %d; another program keeps changing it back, so it is left alone until reconcile.change_budget refills; look for ecs_mq, TuneD, NetworkManager or a script that sets it", d.Current, d.Desired)
	case Held:
		return fmt.Sprintf("%d, should be %d; the NIC's reconcile.change_budget is spent, it is written when the budget refills", d.Current, d.Desired)
	case Unsupported:
		return "the driver has no such setting, or cannot change it"
	case Unreadable:
		return "cannot be read: " + d.Detail
	case NoDesiredValue:
		return d.noValue()
	case Excluded:
		return "excluded by a rule in nics: (manage: false)"
	case NoENI:
		return "no ENI of this instance has the NIC's address; left alone"
	case DuplicateMAC:
		return "several NICs or ENIs have this address, so it cannot be told which belong together; left alone until only one has it"
	default:
		return d.Reason.String()
	}
}

func (d Decision) above() string {
	switch {
	case d.Action == Set:
		return fmt.Sprintf("%d, should be %d", d.Current, d.Desired)
	case d.Source == Override:
		return fmt.Sprintf("%d, should be %d; left alone because of reconcile.mode or reconcile.settings", d.Current, d.Desired)
	default:
		return fmt.Sprintf("%d, more than the wanted %d; left alone, set reconcile.shrink: true or a number in nics: to lower it", d.Current, d.Desired)
	}
}

func (d Decision) noValue() string {
	if d.Setting == nic.Queues {
		return "neither the API nor the instance type gives a queue number; set one in nics: to manage it"
	}
	return "no source gives a size; set one in nics: to manage it"
}
