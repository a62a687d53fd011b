package enireport

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/eni"
)

func g7() eni.InstanceType {
	return eni.InstanceType{ID: "ecs.g7.xlarge", EniQuantity: new(4), PrimaryEniQueueNumber: new(4), SecondaryEniQueueNumber: new(2),
		MaximumQueueNumberPerEni: new(4), TotalEniQueueQuantity: new(16), EriQuantity: new(1)}
}

// limit finds one limit of a document.
func limit(doc Limits, name LimitName) Limit {
	for _, l := range doc.Limits {
		if l.Limit == name {
			return l
		}
	}
	return Limit{}
}

func TestLimitsAddUpWhatTheENIsUse(t *testing.T) {
	doc := FromType("cn-hangzhou", g7(), "i-1", []eni.NetworkInterface{
		{ID: "eni-p", Type: "Primary"},
		{ID: "eni-s", Type: "Secondary"},
		{ID: "eni-t", Type: "Secondary", TrafficMode: "HighPerformance", TrafficConfig: &eni.TrafficConfig{QueueNumber: new(3)}},
		{ID: "eni-m", Type: "Member"},
	})
	for _, want := range []Limit{
		{Limit: LimitENIs, Max: new(4), Used: new(3), Left: new(1)},
		{Limit: LimitQueuesPerENI, Max: new(4)},
		{Limit: LimitQueues, Max: new(16), Used: new(9), Left: new(7)},
		{Limit: LimitERIs, Max: new(1), Used: new(1), Left: new(0)},
		{Limit: LimitQueuePairs},
	} {
		if diff := cmp.Diff(want, limit(doc, want.Limit)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", want.Limit, diff)
		}
	}
	if got, want := doc.Arithmetic(), "eni-p 4 (the type's default) + eni-s 2 (the type's default) + eni-t 3 = 9"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestQueuesInUseAreNotKnownWhileThoseOfOneENIAreNot(t *testing.T) {
	typ := g7()
	typ.SecondaryEniQueueNumber = nil
	doc := FromType("cn-hangzhou", typ, "i-1", []eni.NetworkInterface{{ID: "eni-p", Type: "Primary"}, {ID: "eni-s", Type: "Secondary"}})
	if diff := cmp.Diff(Limit{Limit: LimitQueues, Max: new(16)}, limit(doc, LimitQueues)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(Use{ENI: "eni-s", Type: "Secondary"}, doc.Use[1]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMoreInUseThanAllowedLeavesNothing(t *testing.T) {
	doc := FromType("cn-hangzhou", g7(), "i-1", []eni.NetworkInterface{{ID: "eni-p", Type: "Primary", QueueNumber: new(32)}})
	if got := limit(doc, LimitQueues); *got.Used != 32 || *got.Left != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestATypeAloneHasNoUse(t *testing.T) {
	doc := FromType("cn-hangzhou", g7(), "", nil)
	for _, l := range doc.Limits {
		if l.Used != nil || l.Left != nil {
			t.Errorf("%s has a use", l.Limit)
		}
	}
	if doc.Arithmetic() != "" || len(doc.Use) != 0 {
		t.Errorf("got %q, %v", doc.Arithmetic(), doc.Use)
	}
}
