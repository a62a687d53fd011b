package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// someoneInterferes shows the repair of a foreign change, in the kernel, the log and the metrics.
func (s *stage) someoneInterferes(ctx context.Context) error {
	if err := s.interfere(ctx, "eth1", 4); err != nil {
		return err
	}
	m, err := s.agent.metrics(ctx)
	if err != nil {
		return err
	}
	eth1 := []string{`device="eth1"`, `setting="queues"`}
	foreign := m.of("enitune_foreign_changes_total", eth1...)
	written := m.of("enitune_changes_total", append(eth1, `result="ok"`)...)
	drift := m.of("enitune_drift", eth1...)
	repairs := m.of("enitune_repair_duration_seconds_count")
	spent := m.of("enitune_repair_duration_seconds_sum")
	s.say("No scrape could have caught that drift. Prometheus learns of it all the same, from /metrics:")
	for _, found := range []samples{foreign, written, drift, repairs, spent} {
		s.output(strings.Join(found, "\n"))
	}
	return s.conclude("one foreign change, one write, no drift",
		expect("enitune_foreign_changes_total of eth1's queues", "1", foreign.value()),
		expect("enitune_changes_total of eth1's queues", "1", written.value()),
		expect("enitune_drift of eth1's queues", "0", drift.value()),
		expect("enitune_repair_duration_seconds_count", "1", repairs.value()),
	)
}

// interfere sets a NIC's queues to 1 as somebody else would and waits until the daemon has set them to want again.
func (s *stage) interfere(ctx context.Context, device string, want int) error {
	mark := s.daemon.log.mark()
	s.typed(fmt.Sprintf("ethtool -L %s rx 1 tx 1", device))
	if s.ethtool == "" {
		s.say("(ethtool is not installed here, so the demo makes the system call that ethtool would: ETHTOOL_SCHANNELS)")
	}
	var line string
	seen, took, err := s.watch(ctx, device, want, func(ctx context.Context) error {
		if err := s.change(ctx, device, 1); err != nil {
			return err
		}
		var err error
		line, err = s.daemon.await(ctx, mark, fmt.Sprintf("%s queues: 1 -> %d", device, want))
		return err
	})
	if err != nil {
		return err
	}
	if err := s.expectQueues(map[string]int{device: want}); err != nil {
		return err
	}
	if seen {
		s.ok("%s had 1 queue for %s, then %d again", device, s.paint(bold, millis(took)), want)
	} else {
		s.ok("%s has %d queues again; %s for the change and the repair together, too quick to look between", device, want, s.paint(bold, millis(took)))
	}
	s.output(line)
	return nil
}

// change sets channels with the real ethtool if there is one, else with the same system call.
func (s *stage) change(ctx context.Context, device string, n int) error {
	if s.ethtool == "" {
		return s.witness.setQueues(device, n)
	}
	return runEthtool(ctx, s.ethtool, device, n)
}

// glance is the pause between two looks at the kernel: next to nothing, and enough to let others have the processor.
const glance = 5 * time.Microsecond

// watch asks the kernel for a NIC's queues again and again while act runs, and tells how long they were not as wanted: from
// the first reading that is different to the first that is right again. seen is false if there was no different reading, as
// happens where one processor serves all; then took is how long act took.
func (s *stage) watch(ctx context.Context, device string, want int, act func(context.Context) error) (seen bool, took time.Duration, err error) {
	group, ctx := errgroup.WithContext(ctx)
	ctx, stop := context.WithCancel(ctx)
	looking := make(chan struct{})
	group.Go(func() error {
		wrong := time.Now()
		for first := true; ctx.Err() == nil; first = false {
			n, err := s.witness.queues(device)
			if err != nil {
				return err
			}
			switch now := time.Now(); {
			case n != want && !seen:
				seen, wrong = true, now
			case n == want && seen:
				took = now.Sub(wrong)
				return nil
			}
			if first {
				close(looking)
			}
			time.Sleep(glance)
		}
		took = time.Since(wrong) // act ended between two looks
		return nil
	})
	group.Go(func() error {
		defer stop()
		select {
		case <-looking:
			return act(ctx)
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	err = group.Wait()
	return seen, took, err
}

// millis writes a span as people compare it.
func millis(d time.Duration) string {
	return fmt.Sprintf("%.1f ms", float64(d.Microseconds())/1000)
}
