package agent

import "time"

// byClock gives a time that was noted earlier as the clock has it now. Durations
// come from the monotonic clock, but where a time is shown or kept, a clock that was
// set since would have it elsewhere, at worst in the future. What slewing makes of a
// time, less than a second, is left as it is, so that it does not differ at each
// look.
func byClock(t, now time.Time) time.Time {
	again := now.Add(-now.Sub(t))
	if wallTime(again).Sub(wallTime(t)).Abs() < time.Second {
		return t
	}
	return again
}

// byClock gives a source's health with its times as the clock has them now, in UTC.
func (h SourceHealth) byClock(now time.Time) SourceHealth {
	for _, t := range []*time.Time{&h.LastAttempt, &h.LastSuccess} {
		if !t.IsZero() {
			*t = byClock(*t, now).UTC()
		}
	}
	return h
}

// wallTime is a time without its reading of the monotonic clock.
func wallTime(t time.Time) time.Time { return t.Round(0) }
