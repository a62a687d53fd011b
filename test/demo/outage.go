package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// dark shows static stability: without the cloud the last good desired state stays in force, over a restart too.
func (s *stage) dark(ctx context.Context) error {
	mark := s.daemon.log.mark()
	s.say("From now on the metadata service and the API drop every connection.")
	s.cloud.goDark()
	s.typed(fmt.Sprintf("kill -HUP %d", s.daemon.pid()))
	if err := s.daemon.hangUp(); err != nil {
		return err
	}
	// A read that was under way tells of the API alone.
	for _, words := range []string{"component=metadata", "stale=true"} {
		if _, err := s.daemon.await(ctx, mark, "level=", words); err != nil {
			return err
		}
	}
	if err := s.showStale(ctx); err != nil {
		return err
	}
	s.ok("it says so, and goes on with what it knows. Someone interferes just now:")
	if err := s.interfere(ctx, "eth0", 8); err != nil {
		return err
	}
	return s.restartInTheDark(ctx)
}

// showStale shows that status tells of the outage and of nothing lost.
func (s *stage) showStale(ctx context.Context) error {
	out, err := s.enitune(ctx, 4, "status")
	if err != nil {
		return err
	}
	m, err := s.agent.metrics(ctx)
	if err != nil {
		return err
	}
	return errors.Join(
		expect("status says stale", true, strings.Contains(out.output, ", stale")),
		expect("the exit code of status", 0, out.code),
		expect("enitune_desired_stale", "1", m.of("enitune_desired_stale").value()),
		expect("enitune_source_up of the metadata service", "0", m.of("enitune_source_up", `source="metadata"`).value()),
		expect("enitune_source_up of the API", "0", m.of("enitune_source_up", `source="api"`).value()),
	)
}

// restartInTheDark shows that the state file is enough.
func (s *stage) restartInTheDark(ctx context.Context) error {
	s.say("Worse: the daemon is stopped, the queues are changed meanwhile, and it starts without any cloud.")
	s.typed(fmt.Sprintf("kill -TERM %d; ethtool -L eth0 rx 1 tx 1; ethtool -L eth1 rx 1 tx 1", s.daemon.pid()))
	if _, err := s.endDaemon(); err != nil {
		return err
	}
	for _, device := range []string{"eth0", "eth1"} {
		if err := s.change(ctx, device, 1); err != nil {
			return err
		}
	}
	if err := s.expectQueues(map[string]int{"eth0": 1, "eth1": 1}); err != nil {
		return err
	}
	if err := s.launch(); err != nil {
		return err
	}
	for _, words := range []string{"eth0 queues: 1 -> 8", "eth1 queues: 1 -> 8", "stale=true"} {
		line, err := s.daemon.await(ctx, 0, words)
		if err != nil {
			return err
		}
		s.output(line)
	}
	return s.conclude("eth0 and eth1 have 8 each again, from the state file alone: nothing is lost",
		s.expectQueues(map[string]int{"eth0": 8, "eth1": 8}),
	)
}

// light shows that the daemon finds the cloud again.
func (s *stage) light(ctx context.Context) error {
	mark := s.daemon.log.mark()
	s.say("Both answer again. The daemon would find out by itself, within half an hour: what it has was read in this boot, so that it leaves the account's limit to those in need. SIGHUP makes it ask now.")
	s.cloud.ClearFaults()
	if err := s.daemon.hangUp(); err != nil {
		return err
	}
	line, err := s.daemon.await(ctx, mark, "desired state", "origin=api", "stale=false")
	if err != nil {
		return err
	}
	s.output(line)
	out, err := s.enitune(ctx, 2, "status")
	if err != nil {
		return err
	}
	return s.conclude("in sync on the API's word again",
		expect("the exit code of status", 0, out.code),
		expect("status says stale", false, strings.Contains(out.output, ", stale")),
		s.expectQueues(map[string]int{"eth0": 8, "eth1": 8}),
	)
}
