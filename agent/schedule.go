package agent

import (
	"math/rand/v2"
	"slices"
	"time"
)

// schedule decides when the cloud is read next. The queue number of an ENI can
// only change while its instance is stopped or it is detached, so that a few
// reads a day are enough, and fleets stay below their account's API limits.
type schedule struct {
	interval time.Duration
	failures int
	random   func() float64 // uniform in [0,1)
}

// After a failure the cloud is read again after a random part of retryFirst,
// doubling with each failure up to retryMost (full jitter: it spreads a fleet
// that failed at once better than any other).
const (
	retryFirst = 2 * time.Second
	retryMost  = 15 * time.Minute
	// retryLeast keeps a lucky draw from making a tight loop.
	retryLeast = 250 * time.Millisecond
)

func newSchedule(interval time.Duration) *schedule {
	return &schedule{interval: interval, random: rand.Float64}
}

// next gives the pause after an attempt: the refresh interval give or take a
// tenth, or the backoff. What is incomplete may stay so for good (a permission
// that is not there), so its backoff ends at the refresh interval.
func (s *schedule) next(res FetchResult) time.Duration {
	ceiling := min(retryMost, s.interval)
	switch {
	case res.APIErr != nil:
	case res.Incomplete:
		ceiling = s.interval
	default:
		s.failures = 0
		return time.Duration(float64(s.interval) * (0.9 + 0.2*s.random()))
	}
	most := min(retryFirst<<min(s.failures, 20), ceiling)
	s.failures++
	return max(retryLeast, time.Duration(s.random()*float64(most)))
}

// hunt asks the cloud for hardware addresses that no known ENI has: at once when
// one appears, and some more times because a just attached ENI can take a while
// to show in the API. An address that stays unknown is left to the regular
// refresh.
type hunt struct {
	started bool
	quests  map[string]quest
}

type quest struct {
	tries int
	next  time.Time // zero: no more
	seen  time.Time // when a look last saw the address
}

// questMemory is for how long an address that is not seen is remembered.
const questMemory = 30 * time.Minute

// Addresses that are unknown at the first look were asked for just before; they
// are asked for again as if they had been startTries times.
const (
	startTries = 2
	startPause = 10 * time.Second
)

// mostQuests bounds what is remembered of devices that come and go.
const mostQuests = 64

// huntAgain are the pauses between asks for one address.
func huntAgain(tries int) (pause time.Duration, more bool) {
	pauses := []time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute}
	if tries > len(pauses) {
		return 0, false
	}
	return pauses[tries-1], true
}

// look takes the unknown addresses that a reconcile saw and tells whether the
// cloud should be asked now. Those there at the first look, which comes after the
// first read of the cloud, are not asked for at once.
//
// An address that is not seen this time is remembered for a while: a look reads
// only devices that are followed, and the one that is due reads all.
func (h *hunt) look(macs []string, now time.Time) (ask bool) {
	quests := make(map[string]quest, len(macs))
	for mac, q := range h.quests {
		if !q.next.IsZero() && !now.Before(q.next) && !slices.Contains(macs, mac) {
			q.next = time.Time{} // due, and not there
		}
		if now.Sub(q.seen) < questMemory && len(quests) < mostQuests {
			quests[mac] = q
		}
	}
	for _, mac := range macs {
		q, known := h.quests[mac]
		switch {
		case !known && !h.started:
			q = quest{tries: startTries, next: now.Add(startPause)}
		case !known || !q.next.IsZero() && !now.Before(q.next):
			ask = true
			q.tries++
			q.next = time.Time{}
			if pause, more := huntAgain(q.tries); more {
				q.next = now.Add(pause)
			}
		}
		q.seen = now
		quests[mac] = q
	}
	h.quests, h.started = quests, true
	return ask
}

// due is when the next address is to be asked for again; zero for never.
func (h *hunt) due() (at time.Time) {
	for _, q := range h.quests {
		if !q.next.IsZero() && (at.IsZero() || q.next.Before(at)) {
			at = q.next
		}
	}
	return at
}
