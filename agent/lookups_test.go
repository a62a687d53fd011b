package agent

import (
	"testing"
	"time"
)

func TestHuntAsksForHotPluggedAddressesOnly(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var h lookups
	if h.due([]string{"a"}, now, true) || h.next().Sub(now) != startPause {
		t.Error("an address that was there at the start was asked for at once, or never")
	}
	h.byMAC["a"] = lookup{seen: now}
	if !h.due([]string{"a", "b"}, now, true) {
		t.Error("a hot-plugged address was not asked for at once")
	}
	asks := 1
	for range 200 {
		now = now.Add(time.Second)
		if h.due([]string{"a", "b"}, now, true) {
			asks++
		}
	}
	if asks != 5 || !h.next().IsZero() {
		t.Errorf("asked %d times, want 5 and then no more (next %v)", asks, h.next())
	}
	h.due([]string{"a"}, now, true)
	if h.due([]string{"a", "b"}, now, true) {
		t.Error("an address that was missed by one look was asked for anew")
	}
	h.due([]string{"a"}, now.Add(lookupMemory), true)
	if !h.due([]string{"a", "b"}, now.Add(lookupMemory), true) {
		t.Error("an address that went and came back later was not asked for")
	}
}

func TestHuntRemembersADeviceThatIsNotFollowed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	h := lookups{started: true}
	h.due([]string{"a"}, now, true)
	if h.due(nil, now.Add(time.Second), true) {
		t.Error("asked for a device that is not seen")
	}
	if got := h.next().Sub(now); got != 3*time.Second {
		t.Errorf("due in %v, want 3s", got)
	}
	if !h.due([]string{"a"}, now.Add(3*time.Second), true) {
		t.Error("not asked when due")
	}
}

func TestAddressesOfTheFirstLookAreLeftToTheNextReadWhereThatFailed(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var l lookups
	if l.due([]string{"a"}, now, false) || !l.next().IsZero() {
		t.Error("asked for what the read that failed asks for again by itself")
	}
	if !l.due([]string{"a", "b"}, now, false) {
		t.Error("a hot-plugged address was not asked for at once")
	}
}
