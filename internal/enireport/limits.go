package enireport

import (
	"fmt"

	"github.com/enitune/enitune/eni"
)

// LimitName is a limit of an instance type.
type LimitName string

// The limits, in the order in which they are shown.
const (
	LimitENIs          LimitName = "enis"
	LimitQueuesPerENI  LimitName = "queues_per_eni"
	LimitQueues        LimitName = "queues"
	LimitERIs          LimitName = "eris"
	LimitQueuePairs    LimitName = "queue_pairs_per_eri"
	LimitVFQueues      LimitName = "vf_queues_per_eni"
	LimitPrimaryQueues LimitName = "primary_queues_default"
	LimitOtherQueues   LimitName = "secondary_queues_default"
)

// Limits are what an instance type allows, and what of it an instance's ENIs
// take.
type Limits struct {
	Version      int     `json:"version"`
	Region       string  `json:"region"`
	InstanceType string  `json:"instance_type"`
	Instance     string  `json:"instance"` // "": a type alone, without use
	Limits       []Limit `json:"limits"`
	SriovSupport *bool   `json:"sriov_support,omitempty"`
	RssSupport   *bool   `json:"rss_support,omitempty"`
	Use          []Use   `json:"use"`
}

// Limit is one limit. Max is nil where the type's page does not have it, which
// is not the same as none.
type Limit struct {
	Limit LimitName `json:"limit"`
	Max   *int      `json:"max,omitempty"`
	Used  *int      `json:"used,omitempty"`
	Left  *int      `json:"left,omitempty"`
}

// Use is what one ENI takes.
type Use struct {
	ENI    string `json:"eni"`
	Type   string `json:"type"`
	Queues *int   `json:"queues,omitempty"`
	// Assumed: the API leaves the number out, and the type's default stands here.
	Assumed    bool `json:"assumed"`
	QueuePairs *int `json:"queue_pairs,omitempty"`
}

// FromType describes an instance type. instance is the one whose ENIs are given,
// or "" for a type alone.
func FromType(region string, t eni.InstanceType, instance string, enis []eni.NetworkInterface) Limits {
	doc := Limits{Version: Version, Region: region, InstanceType: t.ID, Instance: instance,
		SriovSupport: t.SriovSupport, RssSupport: t.RssSupport, Use: []Use{}}
	used := map[LimitName]int{}
	if instance != "" {
		doc.Use = use(t, enis)
		used = sums(doc.Use, enis)
	}
	for _, l := range []Limit{
		{Limit: LimitENIs, Max: t.EniQuantity},
		{Limit: LimitQueuesPerENI, Max: t.MaximumQueueNumberPerEni},
		{Limit: LimitQueues, Max: t.TotalEniQueueQuantity},
		{Limit: LimitERIs, Max: t.EriQuantity},
		{Limit: LimitQueuePairs, Max: t.QueuePairNumber},
		{Limit: LimitVFQueues, Max: t.VfQueueNumberPerEni},
		{Limit: LimitPrimaryQueues, Max: t.PrimaryEniQueueNumber},
		{Limit: LimitOtherQueues, Max: t.SecondaryEniQueueNumber},
	} {
		if n, ok := used[l.Limit]; ok {
			l.Used = &n
			if l.Max != nil {
				l.Left = new(max(0, *l.Max-n))
			}
		}
		doc.Limits = append(doc.Limits, l)
	}
	return doc
}

// use lists what each ENI takes: its own number, or else the type's default.
func use(t eni.InstanceType, enis []eni.NetworkInterface) []Use {
	list := []Use{}
	for _, n := range enis {
		u := Use{ENI: n.ID, Type: n.Type, Queues: n.QueueNumber, QueuePairs: n.QueuePairNumber}
		if n.QueueNumber == nil && n.TrafficConfig != nil {
			u.Queues = n.TrafficConfig.QueueNumber
		}
		if u.Queues == nil && n.Type != "Member" { // a member shares its trunk's
			u.Queues, u.Assumed = t.SecondaryEniQueueNumber, true
			if n.Type == "Primary" {
				u.Queues = t.PrimaryEniQueueNumber
			}
			u.Assumed = u.Queues != nil
		}
		list = append(list, u)
	}
	return list
}

// sums adds up what the ENIs take of the limits of an instance. The queues are
// left out if those of an ENI are not known.
func sums(list []Use, enis []eni.NetworkInterface) map[LimitName]int {
	used := map[LimitName]int{LimitENIs: 0, LimitERIs: 0}
	queues, known := 0, true
	for i, u := range list {
		if u.Type == "Member" {
			continue
		}
		used[LimitENIs]++
		if enis[i].TrafficMode == "HighPerformance" {
			used[LimitERIs]++
		}
		if u.Queues == nil {
			known = false
			continue
		}
		queues += *u.Queues
	}
	if known {
		used[LimitQueues] = queues
	}
	return used
}

// Arithmetic writes out how the queues in use add up: "4 + 4 + 2 = 10".
func (l Limits) Arithmetic() string {
	text, sum := "", 0
	for _, u := range l.Use {
		if u.Type == "Member" {
			continue
		}
		if text != "" {
			text += " + "
		}
		if u.Queues == nil {
			text += u.ENI + " not known"
			continue
		}
		text += fmt.Sprintf("%s %d", u.ENI, *u.Queues)
		if u.Assumed {
			text += " (the type's default)"
		}
		sum += *u.Queues
	}
	if text == "" {
		return ""
	}
	return fmt.Sprintf("%s = %d", text, sum)
}
