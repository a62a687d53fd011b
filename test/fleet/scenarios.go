package main

import (
	"math"
	"time"
)

// scenario is something that happens to a fleet.
type scenario struct {
	name, about string
	// prepare brings the fleet to the moment at which counting begins.
	prepare func(s *simulation)
	// watch is for how long it is counted. Where until is set, that is less if all
	// instances that lacked something have it before.
	watch time.Duration
	until bool
	// readings of the limit for which it is simulated.
	readings []reading
}

const day = 24 * time.Hour

func scenarios() []scenario {
	both, one := []reading{byMinute, strict}, []reading{byMinute}
	return []scenario{
		{"steady", "a day like any other", settled, day, false, one},
		{"first-day", "the day after a start of all at once, with caches, without any refusal",
			func(s *simulation) {
				for _, q := range s.quotas {
					q.limit = math.MaxInt
				}
				settled(s)
				s.startAll(time.Minute, true)
			}, day, false, one},
		{"rollout", "all start within a minute, for the first time: nothing is known",
			func(s *simulation) { s.startAll(time.Minute, true) }, 2 * day, true, both},
		{"restart", "all boot within a minute, with caches",
			func(s *simulation) { settled(s); s.startAll(time.Minute, true) }, 2 * day, true, both},
		{"daemons", "all daemons are restarted within a minute",
			func(s *simulation) { settled(s); s.startAll(time.Minute, false) }, 2 * day, true, both},
		{"outage", "after the API has answered with HTTP 500 for an hour", outage(fails(failing)), 2 * day, true, both},
		{"blackhole", "after the API has not answered for an hour", outage(fails(silent)), 2 * day, true, one},
		{"restart-outage", "all boot at the beginning of an outage of an hour, counted from its end",
			outage(func(s *simulation) { s.trouble = failing; s.startAll(time.Minute, true) }), 2 * day, true, both},
		{"in-outage", "while the API answers with HTTP 500, for an hour",
			func(s *simulation) { settled(s); s.trouble = failing }, time.Hour, false, one},
		{"metadata", "while the metadata service does not answer, for an hour",
			func(s *simulation) { settled(s); s.metadataDown = true }, time.Hour, false, one},
		{"crowded", "the second day on which the other tools use nine tenths of the limit",
			func(s *simulation) {
				settled(s)
				s.tools = s.quotas[describeENIs].limit * 9 / 10
				s.run(day)
			}, day, false, one},
		{"denied", "all start within a minute, without the permission, for a day",
			func(s *simulation) { s.trouble = denying; s.startAll(time.Minute, true) }, day, false, one},
	}
}

// settled starts a fleet for which there is no limit for once, and runs it until its
// reads are regular and spread.
func settled(s *simulation) {
	limits := [actions]int{}
	for action, q := range s.quotas {
		limits[action], q.limit = q.limit, math.MaxInt
	}
	s.startAll(time.Minute, true)
	s.run(2 * time.Minute)
	for action, q := range s.quotas {
		q.limit = limits[action]
	}
	s.run(2 * s.interval)
}

// outage has something last for an hour, and counts from its end on.
func outage(begin func(s *simulation)) func(s *simulation) {
	return func(s *simulation) {
		settled(s)
		begin(s)
		s.run(time.Hour)
		s.trouble = healthy
	}
}

func fails(t trouble) func(s *simulation) { return func(s *simulation) { s.trouble = t } }

// simulate plays a scenario under one reading of the limit.
func simulate(o options, sc scenario, r reading) *measurement {
	s := newSimulation(o, r)
	sc.prepare(s)
	m := s.measure()
	end := s.now + sc.watch
	for s.now < end && (!sc.until || len(m.arrivals) < m.awaited) {
		s.run(time.Minute)
	}
	m.finish(s)
	return m
}
