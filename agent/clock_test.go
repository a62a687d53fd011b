package agent

import (
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/enitune/enitune/nic"
)

// wallClock is the bubble's clock on a machine where somebody sets the wall time.
type wallClock struct{ offset atomic.Int64 } // of the wall time, in nanoseconds

func (c *wallClock) set(offset time.Duration) { c.offset.Store(int64(offset)) }

func (c *wallClock) Now() time.Time { return offWall(time.Now(), time.Duration(c.offset.Load())) }

// offWall gives the time that time.Now returns at a time on a machine whose wall
// clock is off: one with both readings, as the package time lays it out. The standard
// library has no other way to it, and times of a bubble have no monotonic reading.
func offWall(t time.Time, off time.Duration) time.Time {
	year1885 := time.Date(1885, 1, 1, 0, 0, 0, 0, time.UTC)
	wall := t.Round(0).Add(off)
	both := struct {
		wall uint64
		ext  int64
		loc  *time.Location
	}{1<<63 | uint64(wall.Unix()-year1885.Unix())<<30 | uint64(wall.Nanosecond()), t.UnixNano(), nil}
	return *(*time.Time)(unsafe.Pointer(&both))
}

func TestTheClockOfTheseTestsJumpsInItsWallTimeAlone(t *testing.T) {
	const year = 365 * 24 * time.Hour
	now := time.Now()
	for _, jump := range []time.Duration{year, -year, 20 * time.Minute} {
		before, after := offWall(now, 0), offWall(now.Add(time.Second), jump)
		if d, w := after.Sub(before), wallTime(after).Sub(wallTime(before)); d != time.Second || w != jump+time.Second || !wallTime(before).Equal(wallTime(now)) {
			t.Errorf("set by %v: %v later, %v by its wall time", jump, d, w)
		}
	}
}

// jumps are what is done to the clock, an hour between each.
func jumps() map[string][]time.Duration {
	const year = 365 * 24 * time.Hour
	return map[string][]time.Duration{
		"a year ahead": {year}, "a year back": {-year}, "ahead and back": {year, 0}, "back and ahead": {-year, 0},
		"20 minutes ahead": {20 * time.Minute}, "20 minutes back": {-20 * time.Minute},
		"to and fro": {year, -year, time.Hour, -time.Hour, 2 * year, 0},
	}
}

// onClock runs a daemon by a clock that is set again and again, 30 hours in all.
func onClock(t *testing.T, k *kernel, c *cloudModel, offsets []time.Duration, each func(d *Daemon, clock *wallClock)) {
	t.Helper()
	clock := &wallClock{}
	file := SinceFile{filepath.Join(t.TempDir(), "drift.json")}
	d := daemonOn(k, c, StateFile{Path: filepath.Join(t.TempDir(), "state.json")}, func(o *DaemonOptions, r *ReconcilerOptions) {
		o.Clock, r.Clock, o.Cloud.Clock, o.Store.clock, o.SinceFile = clock.Now, clock.Now, clock.Now, clock.Now, file
	})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		runFor(t, d, 30*time.Hour)
	}()
	for _, offset := range offsets {
		time.Sleep(time.Hour)
		clock.set(offset)
		time.Sleep(time.Minute) // two looks
		synctest.Wait()
		each(d, clock)
	}
	<-ended
}

func TestAClockThatIsSetMakesNoStormAndHoldsUpNothing(t *testing.T) {
	for name, offsets := range jumps() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKernel(eth(1, 1, 8, 1024))
				c := newCloudModel(apiInterface(1, 4))
				onClock(t, k, c, offsets, func(d *Daemon, clock *wallClock) {
					now := clock.Now()
					r, _ := d.Report()
					if r.Desired.Stale || r.Time.Sub(now).Abs() > time.Minute || !wallTime(r.Time).Before(wallTime(now).Add(time.Second)) {
						t.Errorf("stale %v, of %v, now %v", r.Desired.Stale, r.Time, now)
					}
					if wallTime(r.Desired.FetchedAt).After(wallTime(now)) || now.Sub(r.Desired.FetchedAt) > 7*time.Hour {
						t.Errorf("fetched at %v, now %v", r.Desired.FetchedAt, now)
					}
					for _, h := range append(r.Sources, r.Events...) {
						if wallTime(h.LastSuccess).After(wallTime(now)) || now.Sub(h.LastSuccess) > 7*time.Hour {
							t.Errorf("%s answered at %v, now %v", h.Source, h.LastSuccess, now)
						}
					}
					k.written()
					k.foreign(1, nic.Queues, 2)
					d.trigger.fire(CauseEthtool)
					synctest.Wait()
					if written := k.written(); len(written) != 1 {
						t.Errorf("%v", written)
					}
				})
				// 30 hours: at once, within 0.6 to 6.6 hours, and then at 6 hours each, give or
				// take a tenth.
				if n := c.asked(); n < 5 || n > 7 {
					t.Errorf("the cloud was asked %d times", n)
				}
			})
		})
	}
}

func TestDriftIsSinceThePastWhateverTheClockIsSetTo(t *testing.T) {
	for name, offsets := range jumps() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKernel(eth(1, 2, 2, 1024)) // of 4 queues the NIC offers 2
				start := time.Now()
				onClock(t, k, newCloudModel(apiInterface(1, 4)), offsets, func(d *Daemon, clock *wallClock) {
					got, now := since(t, d, nic.Queues), clock.Now()
					if age, want := wallTime(now).Sub(wallTime(got)), time.Since(start); age < want-time.Second || age > want {
						t.Errorf("drifts for %v by the clock, want %v", age, want)
					}
				})
				if n := len(k.written()); n > 2 {
					t.Errorf("%d writes of what is there already", n)
				}
			})
		})
	}
}

func TestARefusedWriteIsTriedAsOftenWhateverTheClockIsSetTo(t *testing.T) {
	for name, offsets := range jumps() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newKernel(eth(1, 1, 8, 1024))
				k.answer = func(nic.Change) (error, bool) { return &nic.Error{Device: "eth1", Op: "set", Kind: nic.ErrBusy}, false }
				onClock(t, k, newCloudModel(apiInterface(1, 4)), offsets, func(*Daemon, *wallClock) {})
				// At most 4 in 10 minutes; hourly when it has been refused for long.
				if n := len(k.written()); n < 25 || n > 80 {
					t.Errorf("%d writes in 30 hours", n)
				}
			})
		})
	}
}

func TestTimesByTheClockDoNotChangeAtEachLook(t *testing.T) {
	noted := offWall(time.Now(), 0)
	for range 100 {
		slewed := offWall(time.Now(), time.Duration(rand.Int64N(int64(time.Second)))-time.Second/2)
		if got := byClock(noted, slewed); !got.Equal(noted) {
			t.Fatalf("got %v, noted %v", got, noted)
		}
	}
}

func TestADesiredStateOfTheFutureIsStale(t *testing.T) {
	file := stateFile(t)
	d := someDesired()
	clock := newClock()
	d.FetchedAt = clock.Now().Add(time.Hour)
	if err := file.Save(d); err != nil {
		t.Fatal(err)
	}
	s := NewStore(StoreOptions{File: file, Enabled: true, RefreshInterval: 6 * time.Hour, Clock: clock.Now})
	s.LoadCache()
	if v := s.View(); !v.Known || !v.Origin.Stale || !v.Origin.FetchedAt.Equal(d.FetchedAt) {
		t.Errorf("known %v, %+v", v.Known, v.Origin)
	}
}

func TestDriftSinceATimeThatTheClockHasGoneBackBehindIsSinceNow(t *testing.T) {
	k := newKernel(eth(1, 2, 2, 1024))
	b := newBench(k, func(o *ReconcilerOptions) {
		o.Since = Since{{mac(1), nic.Queues}: newClock().Now().Add(time.Hour)}
	})
	r := b.Reconcile(t.Context(), viewOf(apiENI(1, 4)), true)
	if got := r.NICs[0].Settings[0].DriftSince; !got.Equal(b.clock.Now()) {
		t.Errorf("since %v, now %v", got, b.clock.Now())
	}
}
