package agent

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/enitune/enitune/plan"
)

// Watcher announces changes in the kernel.
type Watcher interface {
	// Name is the event source's name in metrics and reports.
	Name() string
	// Run watches until ctx ends. notify means "look again"; state tells that
	// the source came up (nil) or why it is down.
	Run(ctx context.Context, notify func(), state func(err error)) error
}

// Reconciles come as events come, but in a storm at most stormRate a second
// after a burst of stormBurst.
const (
	stormRate  = 50
	stormBurst = 20
)

// Reads of the cloud that something asks for out of turn (a hot-plug, SIGHUP)
// come at most askBurst at once and then one in askEvery.
const (
	askBurst = 6
	askEvery = 30 * time.Second
)

// Daemon keeps the guest in line until it is told to end.
type Daemon struct {
	o        DaemonOptions
	trigger  *trigger
	kick     chan struct{} // asks the refresher to read the cloud out of turn
	lookups  lookups       // of NICs that no known ENI has
	missing  lookups       // of ENIs without a NIC
	retryAt  time.Time     // when a write that was put off may be tried again
	pace     *Pace
	asks     *rate.Limiter // bounds reads of the cloud out of turn
	first    Cause         // of the first reconcile
	reported chan struct{} // asks the keeper to look at the last report

	mu     sync.Mutex
	report Report
	have   bool
	events map[string]SourceHealth
}

// DaemonOptions configure a Daemon.
type DaemonOptions struct {
	Reconciler *Reconciler
	Recorder   Recorder
	Store      *Store
	Cloud      *Cloud // nil where the cloud is switched off
	// Watchers by the cause they announce.
	Watchers map[Cause]Watcher
	// Invalidate makes the guest's NICs be listed anew at the next reconcile.
	Invalidate      func()
	ResyncInterval  time.Duration
	RefreshInterval time.Duration
	Clock           func() time.Time
	Log             *slog.Logger
	// SinceFile keeps since when settings drift; Since is what it said at the start.
	SinceFile SinceFile
	Since     Since
	// StartsFile keeps when the daemon was started of late.
	StartsFile StartsFile
	// Reported is called after every reconcile; it may be nil.
	Reported func(Report)
	// Alive is called by the reconcile loop itself: after each NIC that it has
	// dealt with, and at least every AliveEvery while it waits. A loop that is
	// stuck in the kernel does not call it; a cloud that does not answer changes
	// nothing, as it is read elsewhere. Alive may be nil.
	Alive      func()
	AliveEvery time.Duration
}

// NewDaemon makes a Daemon that has not started.
func NewDaemon(o DaemonOptions) *Daemon {
	if o.Alive == nil {
		o.Alive, o.AliveEvery = func() {}, 0
	}
	o.Reconciler.progress = o.Alive
	boot := ""
	if o.Cloud != nil {
		boot = o.Cloud.Boot
	}
	return &Daemon{
		o: o, trigger: newTrigger(o.Clock), kick: make(chan struct{}, 1),
		pace: NewPace(o.RefreshInterval, boot, rand.Float64), events: map[string]SourceHealth{},
		asks: rate.NewLimiter(rate.Every(askEvery), askBurst), first: CauseStart,
		reported: make(chan struct{}, 1),
	}
}

// Run works until ctx ends, and returns nil then. It leaves the NICs as they
// are.
func (d *Daemon) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for cause, w := range d.o.Watchers {
		g.Go(func() error {
			return w.Run(ctx, func() { d.trigger.fire(cause) }, func(err error) { d.noteEvents(w.Name(), err) })
		})
	}
	if d.o.Cloud != nil {
		g.Go(func() error { return d.refresh(ctx) })
	}
	g.Go(func() error { return d.keepSince(ctx) })
	d.trigger.fire(d.first)
	g.Go(func() error { return d.loop(ctx) })
	return g.Wait()
}

// Refresh reads the cloud and the NICs anew, as SIGHUP asks for.
func (d *Daemon) Refresh() {
	d.ask()
	d.o.Invalidate()
	d.trigger.fire(CauseSignal)
}

// Report is the last report, with the health of the event sources as it is now.
// ok is false before the first reconcile.
func (d *Daemon) Report() (r Report, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	r = d.report
	for _, w := range d.o.Watchers {
		h := d.events[w.Name()]
		h.Source = w.Name()
		r.Events = append(r.Events, h.byClock(d.o.Clock()))
	}
	slices.SortFunc(r.Events, func(a, b SourceHealth) int {
		if a.Source < b.Source {
			return -1
		}
		return 1
	})
	return r, d.have
}

// ask wants the cloud to be read out of turn.
func (d *Daemon) ask() { poke(d.kick) }

// poke puts a word into a channel that has room for one.
func poke(ch chan<- struct{}) {
	select {
	case ch <- struct{}{}:
	default: // one is already there
	}
}

// loop reconciles on every trigger, and at the latest when the next retry or
// the regular look is due.
func (d *Daemon) loop(ctx context.Context) error {
	storm := rate.NewLimiter(stormRate, stormBurst)
	for {
		cause, since, ok := d.next(ctx)
		if !ok || storm.Wait(ctx) != nil {
			return nil
		}
		d.reconcile(ctx, cause, since)
	}
}

// next waits for a trigger or for the time of the next look.
func (d *Daemon) next(ctx context.Context) (Cause, time.Time, bool) {
	due := d.o.Clock().Add(d.untilNextLook())
	for {
		d.o.Alive()
		cause, since, ok := d.waitUntil(ctx, due)
		now := d.o.Clock()
		switch {
		case ok || ctx.Err() != nil:
			return cause, since, ok
		case now.Before(due):
			continue // only to say that it is alive
		}
		if at := d.lookups.next(); !at.IsZero() && !now.Before(at) {
			d.o.Invalidate()
		}
		return CauseResync, now, true
	}
}

// waitUntil waits for a trigger, at most until due or until it is time to call
// Alive.
func (d *Daemon) waitUntil(ctx context.Context, due time.Time) (Cause, time.Time, bool) {
	wait := due.Sub(d.o.Clock())
	if d.o.AliveEvery > 0 {
		wait = min(wait, d.o.AliveEvery)
	}
	timed, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return d.trigger.wait(timed)
}

func (d *Daemon) untilNextLook() time.Duration {
	now := d.o.Clock()
	wait := d.o.ResyncInterval
	for _, at := range []time.Time{d.retryAt, d.lookups.next(), d.missing.next()} {
		if !at.IsZero() {
			wait = min(wait, max(at.Sub(now), time.Millisecond))
		}
	}
	return wait
}

func (d *Daemon) reconcile(ctx context.Context, cause Cause, since time.Time) {
	start := d.o.Clock()
	view := d.o.Store.View()
	outcome := d.o.Reconciler.Reconcile(ctx, view, true)
	report := outcome.Report
	if ctx.Err() != nil { // it may have stopped half-way
		logWritten(d.o.Log, outcome)
		return
	}
	end := d.o.Clock()
	d.o.Recorder.Reconciled(cause.String(), report.Determined, end.Sub(start))
	if (cause == CauseEthtool || cause == CauseLink) && report.changed() {
		d.o.Recorder.Repaired(end.Sub(since))
	}
	d.publish(outcome)
	d.retryAt = outcome.RetryAt
	if !view.Known {
		d.lookups, d.missing = lookups{}, lookups{}
	} else if d.o.Cloud != nil && view.attempted() {
		unknown := d.lookups.due(outcome.UnknownMACs, end, view.answered())
		missing := d.missing.due(report.missingMACs(), end, view.answered())
		if unknown || missing || outcome.Replugged && cause != CauseDesired {
			d.ask()
		}
	}
}

// publish makes a report the current one, and logs what it changes.
func (d *Daemon) publish(o Outcome) {
	report := o.Report
	d.mu.Lock()
	before, had := d.report, d.have
	report.Changes = withChanges(report.Changes, before.Changes)
	d.report, d.have = report, true
	d.mu.Unlock()
	poke(d.reported)
	logReverts(d.o.Log, o.Reverts)
	logChanges(d.o.Log, before, report, !had)
	if d.o.Reported != nil {
		d.o.Reported(report)
	}
}

// noteEvents notes that an event source came up or went down.
func (d *Daemon) noteEvents(name string, err error) {
	d.mu.Lock()
	h := d.events[name]
	wasUp, before := h.Up, h.Error
	noteHealth(&h, err, d.o.Clock())
	d.events[name] = h
	d.mu.Unlock()
	switch {
	case err != nil && h.Error != before:
		d.o.Log.Warn("event source is down; changes are found by polling", "events", name, "error", err, "poll_every", d.o.ResyncInterval)
	case err == nil && !wasUp:
		d.o.Log.Info("event source is up", "events", name)
	}
}

// refresh reads the cloud at the start, on schedule, and when asked to.
func (d *Daemon) refresh(ctx context.Context) error {
	if d.settle(ctx) != nil {
		return nil
	}
	for {
		res := d.pace.Read(ctx, d.o.Cloud, d.o.Store.Desired())
		if ctx.Err() != nil {
			return nil
		}
		d.o.Store.Update(res, true)
		d.o.Invalidate() // NICs that nobody knew may have become known
		d.trigger.fire(CauseDesired)
		if d.rest(ctx, d.pace.Next(res, d.o.Store.Desired())) != nil {
			return nil
		}
	}
}

// settle waits until the first read may be made, which is at once but for a daemon
// that follows another one or itself.
func (d *Daemon) settle(ctx context.Context) error {
	if d.first != CauseStart { // it follows another one: that this one starts is no licence to ask
		return d.asks.Wait(ctx)
	}
	starts, err := d.o.StartsFile.Note(d.o.Clock())
	if err != nil {
		d.o.Log.Debug("how often the daemon starts is not kept", "error", err)
	}
	pause := d.pace.First(starts, d.o.Store.Desired())
	if pause == 0 {
		return nil
	}
	d.o.Log.Warn("the daemon starts over and over; the desired state on disk holds, and the cloud is read later",
		"component", string(ComponentAPI), "read_in", pause.Round(time.Second))
	return d.rest(ctx, pause)
}

// saveEvery is the pause between attempts to write the desired state to a disk
// that did not take it.
const saveEvery = time.Minute

// rest waits for the next read of the cloud: for a while, or until something asks
// for one out of turn, which is never done in a tight loop.
func (d *Daemon) rest(ctx context.Context, while time.Duration) error {
	pause := time.NewTimer(while)
	defer pause.Stop()
	for {
		var again <-chan time.Time
		if d.o.Store.Unsaved() {
			again = time.After(saveEvery)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-pause.C:
			return nil
		case <-d.kick:
			d.pace.Asked()
			return d.asks.Wait(ctx)
		case <-again:
			if d.o.Store.Save() {
				d.trigger.fire(CauseDesired) // the report no longer complains
			}
		}
	}
}

// changed tells whether the reconcile wrote anything that came true.
func (r Report) changed() bool {
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			if s.Applied != nil {
				return true
			}
		}
	}
	return false
}

// attempted tells whether the cloud was asked since the start.
func (v View) attempted() bool {
	return slices.ContainsFunc(v.Sources, func(s SourceHealth) bool { return s.Up || s.Error != "" })
}

// answered tells whether the API answered the last read.
func (v View) answered() bool { return v.Origin.Origin == OriginAPI }

// missingMACs lists the addresses of the ENIs that should have a NIC and have none.
func (r Report) missingMACs() []string {
	var macs []string
	for _, u := range r.Unmatched {
		if u.Reason == NICMissing && u.MAC != "" {
			macs = append(macs, u.MAC)
		}
	}
	return macs
}

// unknownMACs lists the addresses that no known ENI has. Virtual devices are left out
// when there are more of them than lookups remembers: those are pods', and looking for
// ENIs of theirs would not end.
func unknownMACs(pairs []pairing) []string {
	var hardware, virtual []string
	for _, p := range pairs {
		id := p.nic.ID()
		switch {
		case p.knows != plan.ENIUnknown || id == "":
		case p.nic.Physical():
			hardware = append(hardware, id)
		default:
			virtual = append(virtual, id)
		}
	}
	if len(virtual) > mostLookups {
		return hardware
	}
	return append(hardware, virtual...)
}
