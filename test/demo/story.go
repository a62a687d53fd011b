package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"
)

// The ENIs of the story.
const (
	primaryENI = "eni-bp1demo00000000eth0"
	firstENI   = "eni-bp1demo00000000eth1"
	secondENI  = "eni-bp1demo00000000eth2"
)

func primaryNIC() nicSpec { return nicSpec{device: "eth0", mac: "00:16:3e:00:00:10", queues: 8} }
func firstNIC() nicSpec   { return nicSpec{device: "eth1", mac: "00:16:3e:00:00:11", queues: 4} }
func secondNIC() nicSpec  { return nicSpec{device: "eth2", mac: "00:16:3e:00:00:12", queues: 2} }

// step is a scene of the story: it shows, checks, and fails on the first outcome that is not as promised.
type step struct {
	title string
	play  func(context.Context) error
}

// story is the scenes in order; each goes on from what the one before left.
func (s *stage) story() []step {
	return []step{
		{"What the cloud gave, and what the guest has", s.plan},
		{"One command brings the guest in line", s.apply},
		{"The daemon keeps it so", s.startTheDaemon},
		{"Someone changes the queues", s.someoneInterferes},
		{"An ENI is plugged into the running instance, and taken out again", s.hotPlug},
		{"An ENI gets more queues than its NIC has", s.deviceMax},
		{"The cloud goes dark", s.dark},
		{"The cloud comes back", s.light},
		{"The daemon ends", s.stopTheDaemon},
	}
}

func (s *stage) opening() {
	s.put("", "", s.paint(bold, "enitune: keeps NIC queues and rings at what their ENIs were given"))
	s.say("All of this happens in private namespaces: no root, no packages, no cloud account, nothing left behind.")
	s.say("Played:  NICs: multi-queue veth pairs; they have channels, but no rings, which show as unsupported")
	s.say("         metadata service: http://%s", metadataAddress)
	s.say("         ECS API: https://%s", ecsHost)
	s.say("Real:    enitune, the kernel, every number below")
	s.say("The agent's whole configuration (veth needs the first key; the rest is at its default):")
	s.typed("cat " + configFile)
	s.output(s.agent.config())
}

func (s *stage) closing() {
	s.blank()
	ending := fmt.Sprintf("The end. Every outcome above was checked, in %.1f s.", time.Since(s.start).Seconds())
	if s.handed.url != "" {
		ending = "The end. Everything is taken down."
	}
	s.put("", "", s.paint(bold, ending))
	s.say("Read on: README.md (what it is, how to install it) and docs/ (configuration, metrics, operations).")
	if s.handed.url == "" {
		s.say("To look around in it:  make demo KEEP=1")
	}
}

// failure tells which outcome was wrong, and the daemon's last words.
func (s *stage) failure(ctx context.Context, n int, err error) {
	if ctx.Err() != nil {
		s.say("Interrupted; everything is taken down.")
		return
	}
	s.put("  ", "    ", s.paint(red, fmt.Sprintf("FAILED in step %d:", n))+" "+err.Error())
	if s.daemon != nil {
		s.say("The daemon's last words:")
		s.output(strings.Join(s.daemon.log.tail(12), "\n"))
	}
}

// plan shows drift: two ENIs with queues to spare, a guest that uses one of each.
func (s *stage) plan(ctx context.Context) error {
	s.cloud.attach(primaryENI, 0, "Primary", primaryNIC(), 8)
	s.cloud.attach(firstENI, 1, "Secondary", firstNIC(), 4)
	for _, spec := range []nicSpec{primaryNIC(), firstNIC()} {
		if err := s.hypervisor.plug(spec); err != nil {
			return err
		}
	}
	s.say("The instance has two ENIs. The cloud gave eth0's 8 queues and eth1's 4. The guest came up using one each.")
	s.say("plan compares both sides and changes nothing.")
	out, err := s.enitune(ctx, all, "plan")
	if err != nil {
		return err
	}
	return s.conclude("exit code 2 is drift; the kernel still has 1 and 1: plan wrote nothing",
		expect("the exit code of plan", 2, out.code),
		s.expectQueues(map[string]int{"eth0": 1, "eth1": 1}),
	)
}

// apply repairs once, and finds nothing to do the second time.
func (s *stage) apply(ctx context.Context) error {
	out, err := s.enitune(ctx, all, "apply")
	if err != nil {
		return err
	}
	err = errors.Join(
		expect("the exit code of apply", 0, out.code),
		s.expectQueues(map[string]int{"eth0": 8, "eth1": 4}),
	)
	if err != nil {
		return err
	}
	s.ok("exit code 0, converged. Asked by ioctl, the kernel says the same: eth0 has 8, eth1 has 4")
	s.say("Once more, to see that it writes only what differs:")
	if out, err = s.enitune(ctx, 2, "apply"); err != nil {
		return err
	}
	return s.conclude("exit code 0, nothing written",
		expect("the exit code of the second apply", 0, out.code),
		expect("writes by the second apply", 0, strings.Count(out.output, "wrote")),
	)
}

// startTheDaemon also waits until it hears the kernel and has heard from the cloud.
func (s *stage) startTheDaemon(ctx context.Context) error {
	s.say("It listens to the kernel's events, looks every 30 s in case one is lost, and serves /metrics.")
	if err := s.launch(); err != nil {
		return err
	}
	for _, words := range [][]string{
		{"event source is up", "events=rtnetlink"},
		{"event source is up", "events=ethtool"}, // Linux 5.6 and later
		{"desired state", "origin=api", "stale=false"},
	} {
		line, err := s.daemon.await(ctx, 0, words...)
		if err != nil {
			return err
		}
		s.output(line)
	}
	out, err := s.enitune(ctx, 2, "status")
	if err != nil {
		return err
	}
	return s.conclude(fmt.Sprintf("in sync, as process %d", s.daemon.pid()),
		expect("the exit code of status", 0, out.code),
	)
}

// launch starts the daemon, with the socket from outside if there is one.
func (s *stage) launch() error {
	var socket *os.File
	command := "enitune run --config " + configFile
	if s.handed.url != "" {
		socket = s.socket
		command = "LISTEN_FDS=1 " + command
	}
	s.typed(command + " &")
	d, err := s.agent.startDaemon(socket)
	if err != nil {
		return err
	}
	s.daemon = d
	return nil
}

// stopTheDaemon ends the story.
func (s *stage) stopTheDaemon(ctx context.Context) error {
	s.typed(fmt.Sprintf("kill -TERM %d", s.daemon.pid()))
	before, err := s.queues("eth0", "eth1")
	if err != nil {
		return err
	}
	took, err := s.endDaemon()
	if err != nil {
		return err
	}
	if err := s.expectQueues(before); err != nil {
		return err
	}
	s.ok("it ended with exit code 0 after %s, and left the NICs as they are: eth0 has %d, eth1 has %d", millis(took), before["eth0"], before["eth1"])
	return ctx.Err()
}

// endDaemon checks the promise to end within a second.
func (s *stage) endDaemon() (time.Duration, error) {
	code, took, err := s.daemon.stop()
	s.daemon = nil
	if err != nil {
		return took, err
	}
	if took > time.Second {
		return took, unexpected{what: "the time from SIGTERM to the end", want: "at most 1 s", got: took.String()}
	}
	return took, expect("the daemon's exit code", 0, code)
}
