package main

import (
	"slices"
	"time"
)

// measurement counts what happens from its begin on.
type measurement struct {
	begin     time.Duration
	took      time.Duration
	instances int
	arrivals  []time.Duration // of those awaited, since begin, ascending
	awaited   int             // instances that lacked something at the begin
	perMinute [actions][]int  // calls, refused ones included
	let       [actions]int    // calls that were let through
	refused   int             // calls
	toolCalls int             // of the account's other tools
	hurt      int             // those of them that were refused
	busiest   int             // the calls of the instance that made the most
}

// measure begins to count, and to wait for the instances that lack something.
func (s *simulation) measure() *measurement {
	m := &measurement{begin: s.now, instances: len(s.instances)}
	for _, i := range s.instances {
		i.calls = 0
		if i.awaited = i.lacks; i.awaited {
			m.awaited++
		}
	}
	s.measured = m
	return m
}

// finish ends counting.
func (m *measurement) finish(s *simulation) {
	m.took = s.now - m.begin
	for _, i := range s.instances {
		m.busiest = max(m.busiest, i.calls)
	}
	s.measured = nil
}

func (m *measurement) call(at time.Duration, i *instance, action int, allowed bool) {
	if m == nil {
		return
	}
	i.calls++
	minute := int((at - m.begin) / time.Minute)
	for len(m.perMinute[action]) <= minute {
		m.perMinute[action] = append(m.perMinute[action], 0)
	}
	m.perMinute[action][minute]++
	if allowed {
		m.let[action]++
	} else {
		m.refused++
	}
}

func (m *measurement) tool(allowed bool) {
	if m == nil {
		return
	}
	m.toolCalls++
	if !allowed {
		m.hurt++
	}
}

// arrive notes that an instance has got what it lacked.
func (m *measurement) arrive(at time.Duration, i *instance) {
	if m == nil || !i.awaited {
		return
	}
	i.awaited = false
	m.arrivals = append(m.arrivals, at-m.begin)
}

// after is when so many of a hundred of those awaited had got what they lacked; ok is
// false if they have not.
func (m *measurement) after(percent int) (d time.Duration, ok bool) {
	n := (m.awaited*percent + 99) / 100
	if n == 0 || len(m.arrivals) < n {
		return 0, false
	}
	return m.arrivals[n-1], true
}

// minutes is the median and the most calls of an action in one minute.
func (m *measurement) minutes(action int) (median, most int) {
	list := slices.Clone(m.perMinute[action])
	for len(list) < int(m.took/time.Minute) {
		list = append(list, 0)
	}
	if len(list) == 0 {
		return 0, 0
	}
	slices.Sort(list)
	return list[len(list)/2], list[len(list)-1]
}

// perInstance is the mean number of calls of an instance.
func (m *measurement) perInstance() float64 {
	total := m.refused
	for _, n := range m.let {
		total += n
	}
	return float64(total) / float64(m.instances)
}

// taken is the share of the limit on describing ENIs that the fleet used.
func (m *measurement) taken(limit int) float64 {
	return float64(m.let[describeENIs]) / float64(limit) / m.took.Minutes()
}

// toolsRefused is the share of the other tools' calls that were refused.
func (m *measurement) toolsRefused() float64 { return float64(m.hurt) / float64(max(1, m.toolCalls)) }
