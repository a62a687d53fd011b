package nic

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// Watcher turns one kernel event source into "look again" calls. It has a
// socket of its own, which it opens again with backoff whenever it fails.
type Watcher struct {
	name   string
	open   func() (eventConn, error)
	opened func(bool)
	lost   func() bool
}

// eventConn is one open event socket.
type eventConn interface {
	// receive blocks until events arrive and tells whether any is worth a
	// look.
	receive() (bool, error)
	Close() error
}

// Waiting times between attempts to open an event source again. A kernel
// without the source is asked again rarely.
const (
	reopenFirst  = 100 * time.Millisecond
	reopenMost   = time.Minute
	reopenAbsent = 10 * time.Minute
)

// NewLinkWatcher watches rtnetlink's link messages: devices that appear,
// vanish, go up or down, are renamed, or change their address.
func NewLinkWatcher(v *Inventory) *Watcher {
	return &Watcher{
		name:   "rtnetlink",
		open:   func() (eventConn, error) { return openLinkEvents(v) },
		opened: v.setWatching,
		lost:   v.lost,
	}
}

// NewEthtoolWatcher watches ethtool's notifications (Linux 5.6 and later) of
// changed channels and rings, whoever changed them.
func NewEthtoolWatcher(v *Inventory) *Watcher {
	return &Watcher{
		name:   "ethtool",
		open:   func() (eventConn, error) { return openEthtoolEvents(v) },
		opened: func(bool) {},
		lost:   func() bool { return true },
	}
}

// Batches with events of NICs that matter come at most stormRate a second after a burst
// of stormBurst; hundreds come when the NICs of a large instance are plugged in. When a
// program changes a NIC without end, reading each event would cost more than all the
// rest: then nothing is listened to for stormPause, which no event wakes from.
const (
	stormRate  = 200
	stormBurst = 400
	stormPause = 250 * time.Millisecond
)

// After messages of which none was worth a look, nothing is read for idlePause: on a
// Kubernetes node devices come and go all day, and one wake-up for each message
// costs more than reading it.
const idlePause = 25 * time.Millisecond

// errStorm ends a session with more events than are worth reading.
var errStorm = errors.New("events come too fast")

// Name names the event source as metrics and logs do: "rtnetlink", "ethtool".
func (w *Watcher) Name() string { return w.name }

// Run watches until ctx ends, and then returns nil. notify is called for every
// batch of events worth a look; state whenever the source comes up (err nil) or
// goes down (err says why; ErrUnsupported if the kernel has no such source).
func (w *Watcher) Run(ctx context.Context, notify func(), state func(err error)) error {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.MaxInterval = reopenFirst, reopenMost
	storm := rate.NewLimiter(stormRate, stormBurst)
	for ctx.Err() == nil {
		err := w.session(ctx, notify, state, wait.Reset, storm)
		if ctx.Err() != nil {
			break
		}
		pause := stormPause
		if !errors.Is(err, errStorm) {
			w.opened(false)
			state(fmt.Errorf("%s events: %w", w.name, err))
			pause = wait.NextBackOff()
		}
		if errors.Is(err, ErrUnsupported) {
			pause = reopenAbsent
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// session watches over one socket until it fails, or until storm says that it is
// enough for now.
func (w *Watcher) session(ctx context.Context, notify func(), state func(error), healthy func(), storm *rate.Limiter) error {
	conn, err := w.open()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer func() {
		if stop() {
			conn.Close()
		}
	}()
	w.opened(true)
	state(nil)
	notify() // whatever came before is seen now
	for {
		look, err := conn.receive()
		switch {
		case errors.Is(err, unix.ENOBUFS):
			look = w.lost() || look
		case err != nil:
			return err
		default:
			healthy()
		}
		if look {
			notify()
			if !storm.Allow() {
				return errStorm
			}
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(idlePause):
		}
	}
}
