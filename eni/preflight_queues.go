package eni

import (
	"fmt"
	"strings"
)

// queueValues checks the queue number, at the top or in the traffic
// configuration, by itself.
func (p *preflight) queueValues() {
	top, nested := p.m.QueueNumber, p.m.traffic().QueueNumber
	if top != nil && nested != nil && *top != *nested {
		p.add(SeverityError, "queue-number-conflict", "queue_number", "give it once",
			"queue_number %d and traffic_config.queue_number %d contradict each other", *top, *nested)
	}
	for _, q := range []struct {
		field string
		value *int
	}{{"queue_number", top}, {"traffic_config.queue_number", nested}} {
		if q.value != nil && (*q.value < 1 || *q.value > maxQueueNumber) {
			p.add(SeverityError, "queue-number-range", q.field, "see what fits with: enitune eni limits",
				"%s %d: want 1 to %d", q.field, *q.value, maxQueueNumber)
		}
	}
}

// queues checks the queue number against the state and the limits.
func (p *preflight) queues() {
	top, nested := p.m.QueueNumber, p.m.traffic().QueueNumber
	if p.facts.ENI.Type == typePrimary {
		return // no state and no quota lets a primary ENI's number change
	}
	if top != nil {
		p.queueState(*top)
	}
	switch {
	case nested != nil:
		p.queueLimits("traffic_config.queue_number", *nested)
	case top != nil:
		p.queueLimits("queue_number", *top)
	}
}

// queueState: the ENI is Available, or its instance Stopped.
func (p *preflight) queueState(n int) {
	const field = "queue_number"
	if p.facts.ENI.Status != statusInUse {
		return // Available, or a finding of status
	}
	id, instance := p.attachedTo(), p.facts.Instance
	switch {
	case instance == nil:
		p.add(SeverityNote, "instance-status-unknown", field, p.remedyRunning(id),
			"queue_number %d: whether %s is Stopped, as it must be, is not known", n, textOr(id, "the instance"))
	case instance.Status != instanceStopped:
		p.add(SeverityWarning, "eni-state", field, p.remedyRunning(instance.ID),
			"queue_number %d: %s is InUse and its instance %s is %s; the queue number changes only while the instance is Stopped or the ENI Available",
			n, p.facts.ENI.ID, instance.ID, textOr(instance.Status, "in an unknown state"))
	}
}

// remedyRunning says how to change what needs a stopped instance.
func (p *preflight) remedyRunning(instance string) string {
	switch {
	case p.facts.ENI.ServiceManaged:
		return remedyService
	case instance == "":
		return "stop the instance that it is attached to, or detach the ENI, and run this again"
	}
	return fmt.Sprintf("the instance is down meanwhile, so do this from another machine: "+
		"aliyun ecs StopInstance --InstanceId %s --StoppedMode KeepCharging; run this again; aliyun ecs StartInstance --InstanceId %[1]s\n"+
		"or without a stop: aliyun ecs DetachNetworkInterface --InstanceId %[1]s --NetworkInterfaceId %s; run this again; "+
		"aliyun ecs AttachNetworkInterface --InstanceId %[1]s --NetworkInterfaceId %[2]s\n"+
		"or in use, for accounts in the private preview: --traffic-queues", instance, p.facts.ENI.ID)
}

func textOr(text, fallback string) string {
	if text == "" {
		return fallback
	}
	return text
}

// queueLimits: the instance type's limits for one ENI and for all together.
func (p *preflight) queueLimits(field string, n int) {
	if p.facts.ENI.Status == statusAvailable {
		p.add(SeverityNote, "queue-quota", field, "", "%s %d: the instance type's limits are checked when the ENI is attached", field, n)
		return
	}
	t := p.facts.Type
	if t == nil {
		p.add(SeverityNote, "queue-quota", field, "", "%s %d: the limits of the instance type are not known here; the API checks them", field, n)
		return
	}
	switch per := t.MaximumQueueNumberPerEni; {
	case per == nil:
		p.add(SeverityNote, "queue-limit", field, "", "%s %d: the maximum for one ENI is not published for %s", field, n, t.ID)
	case n > *per:
		p.add(SeverityWarning, "queue-limit", field, fmt.Sprintf("ask for at most %d, or change to a type with more: enitune eni limits --instance-type TYPE", *per),
			"%s %d: %s allows one ENI at most %d", field, n, t.ID, *per)
	}
	if len(p.facts.Siblings) == 0 {
		p.add(SeverityNote, "queue-quota", field, "", "%s %d: the other ENIs of the instance are not known here; the API checks the sum", field, n)
		return
	}
	p.queueQuota(field, n, *t)
}

// queueQuota shows the sum of the queues of all ENIs of the instance.
func (p *preflight) queueQuota(field string, n int, t InstanceType) {
	sum, others, complete := p.siblingQueues(t)
	terms := strings.Join(append(others, fmt.Sprintf("this %d", n)), " + ")
	total := sum + n
	switch quota := t.TotalEniQueueQuantity; {
	case quota == nil:
		p.add(SeverityNote, "queue-quota", field, "", "%s %d: the queues of all ENIs would be %s = %d; how many %s allows is not published", field, n, terms, total, t.ID)
	case total > *quota:
		remedy := fmt.Sprintf("ask for at most %d, or lower another ENI of the instance first", *quota-sum)
		if *quota <= sum {
			remedy = "lower another ENI of the instance first"
		}
		p.add(SeverityWarning, "queue-quota", field, remedy+", or change to a larger instance type",
			"%s %d: %d of %d queues: %s = %[3]d; %[6]d more than %[7]s allows all its ENIs together", field, n, total, *quota, terms, total-*quota, t.ID)
	case !complete:
		p.add(SeverityNote, "queue-quota", field, "", "%s %d: %d of %d queues as far as known: %s", field, n, total, *quota, terms)
	default:
		p.add(SeverityNote, "queue-quota", field, "", "%s %d: %d of %d queues: %s = %[3]d; left %[6]d", field, n, total, *quota, terms, *quota-total)
	}
}

// siblingQueues sums the queues of the instance's other ENIs. One without a
// number has the type's default; complete is false if that is not known either.
func (p *preflight) siblingQueues(t InstanceType) (sum int, terms []string, complete bool) {
	complete = true
	for _, s := range p.facts.Siblings {
		if s.ID == p.facts.ENI.ID {
			continue
		}
		name := s.ID
		fallback := t.SecondaryEniQueueNumber
		if s.Type == typePrimary {
			name, fallback = s.ID+" (primary)", t.PrimaryEniQueueNumber
		}
		switch q := s.queueNumber(); {
		case q != nil:
			sum += *q
			terms = append(terms, fmt.Sprintf("%s %d", name, *q))
		case fallback != nil:
			sum += *fallback
			terms = append(terms, fmt.Sprintf("%s %d by default", name, *fallback))
		default:
			complete = false
			terms = append(terms, name+" unknown")
		}
	}
	return sum, terms, complete
}
