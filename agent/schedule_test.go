package agent

import (
	"errors"
	"testing"
	"time"
)

func TestScheduleSpreadsRefreshesAndBacksOff(t *testing.T) {
	down := errors.New("down")
	s := newSchedule(6 * time.Hour)
	for _, tt := range []struct{ random, hours float64 }{{0, 5.4}, {0.5, 6}, {1, 6.6}} {
		s.random = func() float64 { return tt.random }
		if got := s.next(nil).Hours(); got < tt.hours-0.001 || got > tt.hours+0.001 {
			t.Errorf("with %v: %v h, want %v", tt.random, got, tt.hours)
		}
	}
	s.random = func() float64 { return 1 }
	for i, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
		if got := s.next(down); got != want {
			t.Errorf("failure %d: at most %v, want %v", i+1, got, want)
		}
	}
	for range 100 {
		if got := s.next(down); got > retryMost {
			t.Fatalf("%v between attempts, want at most %v", got, retryMost)
		}
	}
	s.random = func() float64 { return 0 }
	if got := s.next(down); got < retryLeast {
		t.Errorf("a tight loop: %v", got)
	}
	s.next(nil)
	s.random = func() float64 { return 1 }
	if got := s.next(down); got != retryFirst {
		t.Errorf("after a success the backoff starts at %v, want %v", got, retryFirst)
	}
}

func TestHuntAsksForHotPluggedAddressesOnly(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var h hunt
	if h.look([]string{"a"}, now) || !h.due().IsZero() {
		t.Error("asked for an address that was there at the start")
	}
	if !h.look([]string{"a", "b"}, now) {
		t.Error("a hot-plugged address was not asked for at once")
	}
	asks := 1
	for range 200 {
		now = now.Add(time.Second)
		if h.look([]string{"a", "b"}, now) {
			asks++
		}
	}
	if asks != 5 || !h.due().IsZero() {
		t.Errorf("asked %d times, want 5 and then no more (next %v)", asks, h.due())
	}
	if h.look([]string{"a"}, now); !h.look([]string{"a", "b"}, now) {
		t.Error("an address that went and came back was not asked for")
	}
}

func TestHuntRemembersADeviceThatIsNotFollowed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := hunt{started: true}
	h.look([]string{"a"}, now)
	if h.look(nil, now.Add(time.Second)) {
		t.Error("asked for a device that is not seen")
	}
	if got := h.due().Sub(now); got != 3*time.Second {
		t.Errorf("due in %v, want 3s", got)
	}
	if !h.look([]string{"a"}, now.Add(3*time.Second)) {
		t.Error("not asked when due")
	}
}
