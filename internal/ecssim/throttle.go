package ecssim

import "time"

// throttle counts the requests of each action in the current minute: denied
// in one minute, allowed in the next, as the cloud describes its own limits.
type throttle struct {
	perMinute int
	minute    time.Time
	counts    map[string]int
}

// allow counts a request and says whether it is within the limit.
func (t *throttle) allow(action string, now time.Time) bool {
	if t.perMinute == 0 {
		return true
	}
	if minute := now.Truncate(time.Minute); t.counts == nil || !minute.Equal(t.minute) {
		t.minute, t.counts = minute, make(map[string]int)
	}
	t.counts[action]++
	return t.counts[action] <= t.perMinute
}

// Throttle limits each action to so many requests a minute, the others being
// answered Throttling with HTTP 400; 0 or less ends the limit. Counting starts anew.
func (c *Cloud) Throttle(perMinute int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.throttle = throttle{perMinute: max(perMinute, 0)}
}
