package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// hotPlug shows that a NIC is adopted without a restart, and forgotten without a trace.
func (s *stage) hotPlug(ctx context.Context) error {
	mark := s.daemon.log.mark()
	s.say("The cloud attaches an ENI with 2 queues. Its NIC appears as eth2, using one. Nobody tells the daemon.")
	s.cloud.attach(secondENI, 2, "Secondary", secondNIC(), 2)
	if err := s.hypervisor.plug(secondNIC()); err != nil {
		return err
	}
	start := time.Now()
	line, err := s.daemon.await(ctx, mark, "eth2 queues: 1 -> 2")
	if err != nil {
		return err
	}
	took := time.Since(start)
	s.output(line)
	if err := s.expectQueues(map[string]int{"eth2": 2}); err != nil {
		return err
	}
	s.ok("the API was asked about the unknown address and eth2 was set, %s after it was up", s.paint(bold, millis(took)))
	return s.unplugSecond(ctx)
}

func (s *stage) unplugSecond(ctx context.Context) error {
	before, err := s.agent.metrics(ctx)
	if err != nil {
		return err
	}
	mark := s.daemon.log.mark()
	s.say("And out again:")
	if err := s.cloud.RemoveENI(secondENI); err != nil {
		return err
	}
	if err := s.hypervisor.unplug("eth2"); err != nil {
		return err
	}
	line, err := s.daemon.await(ctx, mark, "NIC is gone", "device=eth2")
	if err != nil {
		return err
	}
	s.output(line)
	after, err := s.agent.metrics(ctx)
	if err != nil {
		return err
	}
	was, is := len(before.naming(`device="eth2"`)), len(after.naming(`device="eth2"`))
	if was == 0 {
		return unexpected{what: "metrics of eth2 while it was there", want: "some", got: "none"}
	}
	return s.conclude(fmt.Sprintf("eth2 had %d time series on /metrics; now it has %d", was, is),
		expect("metrics of eth2 after it is gone", 0, is),
	)
}

// deviceMax shows drift that only the cloud can end, and what cures it.
func (s *stage) deviceMax(ctx context.Context) error {
	mark := s.daemon.log.mark()
	s.say("Somebody raises eth1's ENI from 4 queues to 8. But the NIC was attached with 4.")
	s.say("SIGHUP makes the daemon read the cloud now. Else it does every 6 h, and for each unknown NIC.")
	s.cloud.attach(firstENI, 1, "Secondary", firstNIC(), 8)
	s.typed(fmt.Sprintf("kill -HUP %d", s.daemon.pid()))
	if err := s.daemon.hangUp(); err != nil {
		return err
	}
	if _, err := s.daemon.await(ctx, mark, "eth1 queues", "reason=device_max"); err != nil {
		return err
	}
	out, err := s.enitune(ctx, 3, "status")
	if err != nil {
		return err
	}
	if err := errors.Join(expect("the exit code of status", 2, out.code), s.expectQueues(map[string]int{"eth1": 4})); err != nil {
		return err
	}
	s.ok("exit code 2: this stays drift, because only the cloud can end it. The message says how. So:")
	return s.attachAgain(ctx)
}

// attachAgain does what the agent advises.
func (s *stage) attachAgain(ctx context.Context) error {
	mark := s.daemon.log.mark()
	if err := s.hypervisor.unplug("eth1"); err != nil {
		return err
	}
	if _, err := s.daemon.await(ctx, mark, "NIC is gone", "device=eth1"); err != nil {
		return err
	}
	spec := firstNIC()
	spec.queues = 8
	s.say("The ENI is detached and attached again. Its NIC comes back with 8 queues, one in use.")
	if err := s.hypervisor.plug(spec); err != nil {
		return err
	}
	line, err := s.daemon.await(ctx, mark, "eth1 queues: 1 -> 8")
	if err != nil {
		return err
	}
	s.output(line)
	return s.conclude("eth1 has all 8, the drift is over",
		s.expectQueues(map[string]int{"eth1": 8}),
	)
}
