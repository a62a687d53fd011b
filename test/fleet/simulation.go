package main

import (
	"container/heap"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
)

// interval is the default cloud.refresh_interval.
const interval = 6 * time.Hour

// pacer is the agent's Pace, or what it is compared with.
type pacer interface {
	Read(ctx context.Context, c *agent.Cloud, known agent.Desired) agent.FetchResult
	Next(res agent.FetchResult, known agent.Desired) time.Duration
}

// The actions that the agent calls.
const (
	describeENIs = iota
	describeTypes
	actions
)

// trouble is what the API does to every call.
type trouble int

const (
	healthy trouble = iota
	failing         // HTTP 500
	silent          // no answer
	denying         // HTTP 403, Forbidden.RAM
)

// simulation is a fleet and the cloud around it, with a clock of its own.
type simulation struct {
	now       time.Duration // since epoch
	interval  time.Duration
	random    *rand.Rand
	newPace   newPacer
	instances []*instance
	events    events
	quotas    [actions]*quota
	tools     int // describes a minute that the account's other tools make
	trouble   trouble
	// metadataDown: the metadata service does not answer.
	metadataDown bool
	measured     *measurement // nil: nothing is measured
	replies      replies
}

// newSimulation makes a fleet that has not started. Of twenty instances one has an
// ENI that is asked for by its id, and four need the instance type's defaults.
func newSimulation(o options, r reading) *simulation {
	s := &simulation{
		interval: interval, random: rand.New(rand.NewPCG(o.seed, 1)), newPace: o.newPace,
		quotas:  [actions]*quota{newQuota(o.limit, r), newQuota(o.limit/2, r)},
		tools:   o.limit / 20,
		replies: newReplies(),
	}
	for n := range o.instances {
		i := &instance{sim: s, id: fmt.Sprintf("i-%06d", n)}
		switch {
		case n%20 == 0:
			i.kind = managed
		case n%5 == 1:
			i.kind = unnumbered
		}
		s.instances = append(s.instances, i)
	}
	return s
}

// startAll starts every instance's daemon at a random moment of a time from now.
func (s *simulation) startAll(within time.Duration, boot bool) {
	s.events = make(events, 0, len(s.instances)+1)
	for n, i := range s.instances {
		i.start(boot)
		s.events = append(s.events, event{s.now + time.Duration(s.random.Float64()*float64(within)), n})
	}
	s.events = append(s.events, event{s.now, otherTools})
	heap.Init(&s.events)
}

// run lets a time pass.
func (s *simulation) run(d time.Duration) {
	end := s.now + d
	for s.events[0].at < end {
		next := &s.events[0]
		s.now = next.at
		if next.who == otherTools {
			s.toolCalls()
			next.at += time.Minute / time.Duration(max(1, s.tools))
		} else {
			next.at = s.instances[next.who].read()
		}
		heap.Fix(&s.events, 0)
	}
	s.now = end
}

// call is one call of an instance to the API.
func (s *simulation) call(i *instance, action int) error {
	at := s.now + i.took
	i.took += answerTime
	if s.trouble == silent {
		i.took += timeOut
		return errSilent
	}
	allowed := s.quotas[action].allow(s.now)
	s.measured.call(at, i, action, allowed)
	switch {
	case !allowed:
		return errThrottled
	case s.trouble == failing:
		return errFailing
	case s.trouble == denying:
		return errDenied
	default:
		return nil
	}
}

// toolCalls is a describe of one of the account's other tools: the console, a
// network plug-in.
func (s *simulation) toolCalls() {
	if s.trouble != silent {
		s.measured.tool(s.quotas[describeENIs].allow(s.now))
	}
}

// event is when an instance, by its number, or the other tools act next.
type event struct {
	at  time.Duration
	who int
}

const otherTools = -1

// events are a heap, the next one first. None is ever added or taken: whoever acts
// has a next time.
type events []event

func (e events) Len() int           { return len(e) }
func (e events) Less(a, b int) bool { return e[a].at < e[b].at }
func (e events) Swap(a, b int)      { e[a], e[b] = e[b], e[a] }
func (e *events) Push(any)          {}
func (e *events) Pop() any          { return nil }

// replies are what the API and the metadata service say, the same to all instances.
type replies struct {
	listed     []eni.MetadataInterface
	enis, bare []eni.NetworkInterface // bare: one has no queue number
	byID       []eni.NetworkInterface
	types      []eni.InstanceType
}

func newReplies() replies {
	four := 4
	card := func(n int, kind string) eni.NetworkInterface {
		return eni.NetworkInterface{ID: fmt.Sprintf("eni-%d", n), MAC: fmt.Sprintf("00:16:3e:00:00:%02x", n), Type: kind, Status: "InUse", QueueNumber: &four}
	}
	primary, secondary, hidden := card(1, "Primary"), card(2, "Secondary"), card(3, "Secondary")
	unnumbered := secondary
	unnumbered.QueueNumber = nil
	r := replies{
		enis:  slices.Clip([]eni.NetworkInterface{primary, secondary}),
		bare:  slices.Clip([]eni.NetworkInterface{primary, unnumbered}),
		byID:  []eni.NetworkInterface{hidden},
		types: []eni.InstanceType{{ID: instanceType, PrimaryEniQueueNumber: &four, SecondaryEniQueueNumber: &four}},
	}
	for _, n := range []eni.NetworkInterface{primary, secondary, hidden} {
		r.listed = append(r.listed, eni.MetadataInterface{MAC: n.MAC, ENI: n.ID})
	}
	return r
}
