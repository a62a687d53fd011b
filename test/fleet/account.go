package main

import (
	"fmt"
	"time"
)

// reading is how the account's limit is understood. What is published says that
// calls are counted by the minute, and not whether refused ones count.
type reading int

const (
	_ reading = iota
	// byMinute: in each minute of the clock so many calls are let through.
	byMinute
	// strict: a call is refused if there were too many in the 60 seconds before,
	// refused ones included, so that a fleet that does not make room gets nothing.
	strict
)

func (r reading) String() string {
	switch r {
	case byMinute:
		return "minute"
	case strict:
		return "strict"
	default:
		return fmt.Sprintf("reading(%d)", int(r))
	}
}

// quota is the limit of one action.
type quota struct {
	limit   int
	reading reading
	minute  int64 // of the count, for byMinute
	count   int   // of the minute, or of the last 60 seconds
	seconds [60]int
	second  int64 // up to which seconds counts
}

func newQuota(limit int, r reading) *quota { return &quota{limit: limit, reading: r} }

// allow counts a call at a time since the start, and tells whether it is let
// through. Times must not decrease.
func (q *quota) allow(at time.Duration) bool {
	if q.reading == byMinute {
		if m := int64(at / time.Minute); m != q.minute {
			q.minute, q.count = m, 0
		}
		q.count++
		return q.count <= q.limit
	}
	now := int64(at / time.Second)
	for q.second < now {
		if now-q.second > int64(len(q.seconds)) {
			q.second = now - int64(len(q.seconds))
		}
		q.second++
		slot := &q.seconds[q.second%int64(len(q.seconds))]
		q.count -= *slot
		*slot = 0
	}
	q.seconds[now%int64(len(q.seconds))]++
	q.count++
	return q.count <= q.limit
}
