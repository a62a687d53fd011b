package agent

import (
	"slices"
	"time"
)

// lookups asks the cloud for hardware addresses that only one side has, those of
// NICs that no known ENI has or those of ENIs without a NIC: at once when one
// appears, and some more times because an ENI that was just attached or detached can
// take a while to show so in the API. An address that stays is left to the regular
// refresh.
type lookups struct {
	started bool
	byMAC   map[string]lookup
}

type lookup struct {
	tries int
	next  time.Time // zero: no more
	seen  time.Time // when a look last saw the address
}

// lookupMemory is for how long an address that is not seen is remembered.
const lookupMemory = 30 * time.Minute

// Addresses that are unknown at the first look were asked for just before; they
// are asked for again as if they had been startTries times.
const (
	startTries = 2
	startPause = 10 * time.Second
)

// mostLookups bounds what is remembered of devices that come and go.
const mostLookups = 64

// askAgain are the pauses between asks for one address.
func askAgain(tries int) (pause time.Duration, more bool) {
	pauses := []time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second, 2 * time.Minute}
	if tries > len(pauses) {
		return 0, false
	}
	return pauses[tries-1], true
}

// due takes the addresses of its kind that a reconcile saw and tells whether the
// cloud should be asked now. Those there at the first look, which comes after the
// first read of the cloud, are not asked for at once; and if that read failed
// (answered is false), not at all: it is made again anyway.
//
// An address that is not seen this time is remembered for a while: a look reads
// only devices that are followed, and the one that is due reads all.
func (l *lookups) due(macs []string, now time.Time, answered bool) (ask bool) {
	next := make(map[string]lookup, len(macs))
	for mac, q := range l.byMAC {
		if !q.next.IsZero() && !now.Before(q.next) && !slices.Contains(macs, mac) {
			q.next = time.Time{} // due, and not there
		}
		if now.Sub(q.seen) < lookupMemory && len(next) < mostLookups {
			next[mac] = q
		}
	}
	for _, mac := range macs {
		q, known := l.byMAC[mac]
		switch {
		case !known && !l.started:
			q = lookup{tries: startTries}
			if answered {
				q.next = now.Add(startPause)
			}
		case !known || !q.next.IsZero() && !now.Before(q.next):
			ask = true
			q.tries++
			q.next = time.Time{}
			if pause, more := askAgain(q.tries); more {
				q.next = now.Add(pause)
			}
		}
		q.seen = now
		next[mac] = q
	}
	l.byMAC, l.started = next, true
	return ask
}

// next is when the next address is to be asked for again; zero for never.
func (l *lookups) next() (at time.Time) {
	for _, q := range l.byMAC {
		if !q.next.IsZero() && (at.IsZero() || q.next.Before(at)) {
			at = q.next
		}
	}
	return at
}
