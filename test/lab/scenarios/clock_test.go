//go:build lab

package scenarios

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/test/world"
)

const (
	day  = 24 * time.Hour
	year = 365 * day
)

// TestTheClockJumps sets the guest's clock while the daemon runs. No jump is a
// reason to read the cloud or to write to a NIC, and none is in the way of a
// repair. That the cloud cannot be read with such a clock is said with the clock's
// name, and passes when the clock is right.
func TestTheClockJumps(t *testing.T) {
	i := boot(t, options{kernel: "6.12", config: roomy}, world.ENI("eni-0", mac0, 4))
	s := &stage{i, i.start()}
	for _, jump := range []struct {
		name string
		to   func(now time.Time) time.Time
	}{
		{"a year ahead", func(now time.Time) time.Time { return now.Add(year) }},
		{"a year back", func(now time.Time) time.Time { return now.Add(-year) }},
		{"twenty minutes back", func(now time.Time) time.Time { return now.Add(-20 * time.Minute) }},
		{"to 1971, as with an empty battery", func(time.Time) time.Time { return time.Unix(0, 0).Add(year) }},
	} {
		t.Run(jump.name, func(t *testing.T) {
			s.t = t
			s.clockJump(jump.to(time.Now()))
		})
		if t.Failed() {
			return // the daemon is not as it was
		}
	}
	t.Run("a boot with an empty battery", func(t *testing.T) {
		s.t = t
		s.d.signal(syscall.SIGTERM)
		if _, err := s.d.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		s.setClock(time.Unix(0, 0).Add(year))
		s.run("ethtool", "-L", "eth0", "combined", "1")
		if r, code := s.report("apply", "--offline"); code != 0 || s.combined("eth0") != 4 {
			t.Errorf("apply --offline: exit %d, %d queues, %+v", code, s.combined("eth0"), r.Errors)
		}
	})
}

func (s *stage) setClock(to time.Time) {
	s.t.Helper()
	s.run("date", "-u", "-s", fmt.Sprintf("@%d", to.Unix()))
}

// clockJump sets the clock. What the cloud then refuses is the certificate, or the
// signature where a connection is still open.
func (s *stage) clockJump(to time.Time) {
	const requests, writes = "enitune_api_requests_total", "enitune_changes_total"
	asked, wrote := s.d.sum(requests), s.d.sum(writes)
	s.setClock(to)
	for range 3 {
		s.drift("eth0")
	}
	if got := s.d.sum(requests) - asked; got != 0 {
		s.t.Errorf("%v requests because the clock jumped, want none", got)
	}
	if got := s.d.sum(writes) - wrote; got != 3 {
		s.t.Errorf("%v writes for 3 repairs", got)
	}

	s.run("ethtool", "-L", "eth0", "combined", "2")
	s.d.await("eth0 queues: 2 -> 4")
	s.d.signal(syscall.SIGHUP)
	s.d.await("level=ERROR.*check this machine's clock")
	s.drift("eth0")

	s.setClock(time.Now())
	s.d.await("the ECS API answers again")
	s.drift("eth0")
	if got := s.d.sum(requests) - asked; got > 40 {
		s.t.Errorf("%v requests in all", got)
	}
}
