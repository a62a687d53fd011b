package agent

import (
	"context"
	"sync"
	"time"
)

// Cause is why a reconcile runs. The zero value is invalid. Causes are ordered
// by how much they say: of several at once the last one names the reconcile.
type Cause int

// The causes.
const (
	CauseResync  Cause = iota + 1 // the regular look, or a retry that came due
	CauseLink                     // a network device changed
	CauseEthtool                  // channels or rings changed
	CauseDesired                  // the desired state was read anew
	CauseSignal                   // SIGHUP
	CauseStart                    // the first one
)

// String gives the name used as a metric's label.
func (c Cause) String() string {
	switch c {
	case CauseResync:
		return "resync"
	case CauseLink:
		return "link"
	case CauseEthtool:
		return "ethtool"
	case CauseDesired:
		return "desired"
	case CauseSignal:
		return "signal"
	case CauseStart:
		return "start"
	default:
		return "unknown"
	}
}

// trigger collects wake-ups into one slot. The first wakes the waiter at once;
// those that come before it looks are coalesced into one; none is lost, because
// one that comes while the waiter works is found when it waits again.
type trigger struct {
	mu    sync.Mutex
	cause Cause     // the strongest pending one; 0 if none is pending
	since time.Time // when the first pending one came
	ready chan struct{}
	clock func() time.Time
}

func newTrigger(clock func() time.Time) *trigger {
	return &trigger{ready: make(chan struct{}, 1), clock: clock}
}

// fire asks for a reconcile. It never blocks.
func (t *trigger) fire(c Cause) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.cause == 0 {
		t.since = t.clock()
		select {
		case t.ready <- struct{}{}:
		default:
		}
	}
	t.cause = max(t.cause, c)
}

// wait blocks until something is pending, takes it, and tells what it was and
// since when. ok is false if ctx ended first.
func (t *trigger) wait(ctx context.Context) (c Cause, since time.Time, ok bool) {
	for {
		select {
		case <-ctx.Done():
			return 0, time.Time{}, false
		case <-t.ready:
		}
		t.mu.Lock()
		c, since = t.cause, t.since
		t.cause = 0
		t.mu.Unlock()
		if c != 0 {
			return c, since, true
		}
	}
}
