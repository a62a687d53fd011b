package agent

import (
	"math/rand/v2"
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
