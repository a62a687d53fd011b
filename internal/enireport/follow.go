package enireport

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
)

// RingTags are the tags that tell the agent in the guest the ring sizes that a
// change asks for, which the API does not give back.
func RingTags(m eni.Modification) []Tag {
	tags := []Tag{}
	for _, t := range []struct {
		key  string
		size *int
	}{{agent.TagRxQueueSize, size(m, rx)}, {agent.TagTxQueueSize, size(m, tx)}} {
		if t.size != nil {
			tags = append(tags, Tag{t.key, strconv.Itoa(*t.size)})
		}
	}
	return tags
}

// openTags are the tags of a wish that the ENI does not have; all, by force.
func openTags(w Wish, n eni.NetworkInterface) []Tag {
	return slices.DeleteFunc(RingTags(w.Want), func(t Tag) bool {
		old, has := n.Tags[t.Key]
		return has && old == t.Value && !w.Force
	})
}

// direction is one of the two of a ring. The zero value is invalid.
type direction int

const (
	rx direction = iota + 1
	tx
)

// size is a ring size that a change asks for, in either of the two places; nil
// if it asks for none.
func size(m eni.Modification, d direction) *int {
	top, nested := m.RxQueueSize, (*int)(nil)
	if d == tx {
		top = m.TxQueueSize
	}
	if t := m.TrafficConfig; t != nil {
		nested = t.RxQueueSize
		if d == tx {
			nested = t.TxQueueSize
		}
	}
	if top != nil {
		return top
	}
	return nested
}

// staleTags are notes about tags that a change without tags leaves saying
// something else, which the agent would go by.
func staleTags(m eni.Modification, n eni.NetworkInterface) []eni.Finding {
	var notes []eni.Finding
	for _, t := range RingTags(m) {
		if old, ok := n.Tags[t.Key]; ok && old != t.Value {
			notes = append(notes, eni.Finding{
				Rule: "stale-tag", Severity: eni.SeverityNote, Field: "tags",
				Message: fmt.Sprintf("the ENI's tag %s stays %q, and the agent in the guest goes by it", t.Key, old),
				Remedy:  "leave --no-tags out, or correct or remove the tag",
			})
		}
	}
	return notes
}

// RAMStatement is the statement of a RAM policy that allows an action on an ENI.
func RAMStatement(action, region, id string) string {
	return fmt.Sprintf(`{"Effect": "Allow", "Action": "ecs:%s", "Resource": "acs:ecs:%s:*:eni/%s"}`, action, region, id)
}

// next tells what is left to do after a change and its tags, in the cloud and in
// the guest.
func next(m eni.Modification, tags []Tag, facts eni.Facts) []string {
	queues := m.QueueNumber != nil || m.TrafficConfig != nil && m.TrafficConfig.QueueNumber != nil
	depth := size(m, rx) != nil || size(m, tx) != nil
	if !queues && !depth && len(tags) == 0 {
		return []string{}
	}
	id := AttachedTo(facts.ENI)
	switch {
	case id == "" && facts.ENI.Status == "Available":
		return []string{
			"attach the ENI to an instance: its NIC comes up with the new values as its maximum",
			"in that instance's guest `enitune run` then sets them by itself; without the daemon run `enitune apply`",
		}
	case isStopped(m, facts):
		start := "start the instance"
		if id != "" {
			start += ": aliyun ecs StartInstance --InstanceId " + id
		}
		return []string{
			start,
			"in its guest enitune-apply.service or `enitune run` then sets them at boot; `enitune plan` there shows whether it did",
		}
	default:
		steps := []string{"on the instance run `enitune refresh`, or wait: the daemon reads the new values within 6 h (cloud.refresh_interval); without the daemon run `enitune apply`"}
		if depth {
			steps = append(steps, "where `enitune plan` there says device_max, the NIC gets the new size when the instance is stopped and started, or the ENI detached and attached")
		}
		return steps
	}
}

// isStopped tells whether the instance is stopped once a change is accepted. Where
// its state is not known, the change tells: the API accepts the queue number of an
// ENI in use only while the instance is stopped.
func isStopped(m eni.Modification, facts eni.Facts) bool {
	if facts.Instance != nil && facts.Instance.Status != "" {
		return facts.Instance.Status == "Stopped"
	}
	return m.QueueNumber != nil && facts.ENI.Status == "InUse"
}
