package agent

import (
	"errors"
	"testing"
	"time"
)

func TestScheduleSpreadsRefreshesAndBacksOff(t *testing.T) {
	down := errors.New("down")
	failed, good := FetchResult{APIErr: down}, FetchResult{}
	s := newSchedule(6 * time.Hour)
	for _, tt := range []struct{ random, hours float64 }{{0, 5.4}, {0.5, 6}, {1, 6.6}} {
		s.random = func() float64 { return tt.random }
		if got := s.next(good).Hours(); got < tt.hours-0.001 || got > tt.hours+0.001 {
			t.Errorf("with %v: %v h, want %v", tt.random, got, tt.hours)
		}
	}
	s.random = func() float64 { return 1 }
	for i, want := range []time.Duration{2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
		if got := s.next(failed); got != want {
			t.Errorf("failure %d: at most %v, want %v", i+1, got, want)
		}
	}
	for range 100 {
		if got := s.next(failed); got > retryMost {
			t.Fatalf("%v between attempts, want at most %v", got, retryMost)
		}
	}
	s.random = func() float64 { return 0 }
	if got := s.next(failed); got < retryLeast {
		t.Errorf("a tight loop: %v", got)
	}
	s.next(good)
	s.random = func() float64 { return 1 }
	if got := s.next(failed); got != retryFirst {
		t.Errorf("after a success the backoff starts at %v, want %v", got, retryFirst)
	}
}

func TestIncompleteReadsAreRetriedEverMoreSeldom(t *testing.T) {
	s := newSchedule(6 * time.Hour)
	s.random = func() float64 { return 1 }
	incomplete := FetchResult{Incomplete: true}
	first := s.next(incomplete)
	total, asks := first, 1
	for ; total < 24*time.Hour; asks++ {
		total += s.next(incomplete)
	}
	if first > retryFirst || asks > 20 {
		t.Errorf("%d reads in a day, the first pause is %v", asks, first)
	}
}

func TestHuntAsksForHotPluggedAddressesOnly(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var h lookups
	if h.due([]string{"a"}, now) || h.next().Sub(now) != startPause {
		t.Error("an address that was there at the start was asked for at once, or never")
	}
	h.byMAC["a"] = lookup{seen: now}
	if !h.due([]string{"a", "b"}, now) {
		t.Error("a hot-plugged address was not asked for at once")
	}
	asks := 1
	for range 200 {
		now = now.Add(time.Second)
		if h.due([]string{"a", "b"}, now) {
			asks++
		}
	}
	if asks != 5 || !h.next().IsZero() {
		t.Errorf("asked %d times, want 5 and then no more (next %v)", asks, h.next())
	}
	h.due([]string{"a"}, now)
	if h.due([]string{"a", "b"}, now) {
		t.Error("an address that was missed by one look was asked for anew")
	}
	h.due([]string{"a"}, now.Add(lookupMemory))
	if !h.due([]string{"a", "b"}, now.Add(lookupMemory)) {
		t.Error("an address that went and came back later was not asked for")
	}
}

func TestHuntRemembersADeviceThatIsNotFollowed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := lookups{started: true}
	h.due([]string{"a"}, now)
	if h.due(nil, now.Add(time.Second)) {
		t.Error("asked for a device that is not seen")
	}
	if got := h.next().Sub(now); got != 3*time.Second {
		t.Errorf("due in %v, want 3s", got)
	}
	if !h.due([]string{"a"}, now.Add(3*time.Second)) {
		t.Error("not asked when due")
	}
}
