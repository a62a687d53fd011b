package faults

import (
	"testing"
	"time"
)

// patience bounds a wait for a call; it is only reached by a failure.
const patience = 60 * time.Second

// record notes a call that was answered.
func (f *Injector) record(c *Call, v Verdict) {
	r := Record{Match: c.Match, Netlink: c.Netlink, Errno: v.errno}
	switch {
	case c.Netlink:
	case c.Op == SetChannels:
		r.Channels = c.channels()
	case c.Op == SetRings:
		r.Rings = c.rings32()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls = append(f.calls, r)
	close(f.fresh)
	f.fresh = make(chan struct{})
}

// Calls gives the calls so far that match, in the order of their answers.
func (f *Injector) Calls(m Match) []Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	var list []Record
	for _, r := range f.calls {
		if m.fits(&Call{Match: r.Match}) {
			list = append(list, r)
		}
	}
	return list
}

// Writes gives the writes to a device so far, by ioctl and netlink.
func (f *Injector) Writes(device string) []Record {
	var list []Record
	for _, r := range f.Calls(Match{Device: device}) {
		if r.Op == SetChannels || r.Op == SetRings {
			list = append(list, r)
		}
	}
	return list
}

// Await blocks until at least n calls match.
func (f *Injector) Await(t testing.TB, m Match, n int) {
	t.Helper()
	deadline := time.After(patience)
	for {
		f.mu.Lock()
		fresh := f.fresh
		f.mu.Unlock()
		if len(f.Calls(m)) >= n {
			return
		}
		select {
		case <-fresh:
		case <-deadline:
			t.Fatalf("%d calls of %+v, want %d", len(f.Calls(m)), m, n)
		}
	}
}
