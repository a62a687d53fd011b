package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
)

// stage is what the scenes of the story play on.
type stage struct {
	*screen
	cloud      *cloud
	hypervisor *hypervisor
	agent      *agentBinary
	witness    witness
	ethtool    string   // path of the real tool; "" if it is not installed
	daemon     *daemon  // nil while none runs
	socket     *os.File // the listening socket from outside; nil without --keep
	handed     handed
}

func newStage(o options, h handed, screen *screen) (*stage, error) {
	s := &stage{screen: screen, handed: h, ethtool: findEthtool(), cloud: newCloud(), witness: witness{fd: -1}}
	if h.url != "" {
		s.socket = os.NewFile(socketFD, "socket from outside")
	}
	var err error
	if s.agent, err = newAgentBinary(o.enitune, h, screen.colour); err != nil {
		return s, err
	}
	if s.witness, err = newWitness(); err != nil {
		return s, err
	}
	s.hypervisor, err = startHypervisor()
	return s, err
}

// close ends what perform left running.
func (s *stage) close() error {
	var errs []error
	if s.daemon != nil {
		errs = append(errs, s.daemon.kill())
	}
	if s.hypervisor != nil {
		errs = append(errs, s.hypervisor.close())
	}
	if s.witness.fd >= 0 {
		errs = append(errs, s.witness.close())
	}
	if s.socket != nil {
		errs = append(errs, s.socket.Close())
	}
	return errors.Join(errs...)
}

// perform tells the whole story and gives the demo's exit code.
func (s *stage) perform(ctx context.Context) int {
	s.opening()
	steps := s.story()
	if s.handed.url != "" {
		steps[len(steps)-1] = step{"It stays up", s.stayUp}
	}
	for i, step := range steps {
		s.heading(ctx, i+1, step.title)
		if err := step.play(ctx); err != nil {
			s.failure(ctx, i+1, err)
			return 1
		}
	}
	s.closing()
	return 0
}

// all shows the whole output of a command.
const all = math.MaxInt

// enitune runs a command, and shows it with the first lines of its output, its exit code and how long it took.
func (s *stage) enitune(ctx context.Context, lines int, args ...string) (outcome, error) {
	s.typed("enitune " + strings.Join(args, " ") + " --config " + configFile)
	out, err := s.agent.run(ctx, args...)
	if err != nil {
		return out, err
	}
	s.output(head(out.output, lines))
	s.put("    ", "", s.paint(dim, fmt.Sprintf("[exit code %d after %s]", out.code, millis(out.took))))
	return out, nil
}

// queues asks the kernel.
func (s *stage) queues(devices ...string) (map[string]int, error) {
	got := map[string]int{}
	for _, device := range devices {
		n, err := s.witness.queues(device)
		if err != nil {
			return nil, err
		}
		got[device] = n
	}
	return got, nil
}

// expectQueues checks the kernel's word on some NICs.
func (s *stage) expectQueues(want map[string]int) error {
	var errs []error
	for device, n := range want {
		got, err := s.witness.queues(device)
		if err == nil {
			err = expect("the queues of "+device+" in the kernel", n, got)
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// conclude ends a step: with what the checks found wrong, or by saying what was checked.
func (s *stage) conclude(message string, checks ...error) error {
	if err := errors.Join(checks...); err != nil {
		return err
	}
	s.ok("%s", message)
	return nil
}
