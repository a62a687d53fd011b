package agent

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// daemonOn makes a daemon on models; change alters its options.
func daemonOn(k *kernel, c *cloudModel, file StateFile, change func(*DaemonOptions, *ReconcilerOptions)) *Daemon {
	tl := &tally{}
	store := NewStore(StoreOptions{File: file, Enabled: true, RefreshInterval: 6 * time.Hour, Clock: time.Now})
	r := ReconcilerOptions{Guest: k, Policy: plan.Policy{Writable: nic.Settings()},
		Budget: Budget{Burst: 4, Per: 10 * time.Minute}, Cloud: true, Recorder: tl, Clock: time.Now}
	o := DaemonOptions{
		Recorder: tl, Store: store, Cloud: c.cloud(), Invalidate: func() {},
		ResyncInterval: 30 * time.Second, RefreshInterval: 6 * time.Hour,
		Clock: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&o, &r)
	}
	o.Reconciler = NewReconciler(r)
	return NewDaemon(o)
}

// runFor runs a daemon for a while of the bubble's time.
func runFor(t *testing.T, d *Daemon, span time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	if err := d.Run(ctx); err != nil {
		t.Error(err)
	}
}

func TestASuccessorKnowsTheDesiredStateWhileTheCloudIsDark(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		k := newKernel(eth(1, 1, 8, 1024))
		old := daemonOn(k, c, file, nil)
		runFor(t, old, time.Second)
		c.metaErr, c.apiErr = errors.New("dark"), errors.New("dark")
		k.foreign(1, nic.Queues, 2)
		// Another state file: what is known comes from the old daemon, not the disk.
		next := daemonOn(k, c, stateFile(t), nil)
		next.Succeed(old)
		if _, ok := next.Report(); !ok {
			t.Error("there is no report before the first reconcile")
		}
		runFor(t, next, time.Second)
		r, _ := next.Report()
		if got := reason(r, "eth1", nic.Queues); got != "in_sync" || !r.Desired.Stale {
			t.Errorf("%s, %+v", got, r.Desired)
		}
	})
}

func TestASuccessorGoesOnWithTheBudgetAndTheDrift(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 16)) // more than the device has
		k := newKernel(eth(1, 1, 8, 1024))
		old := daemonOn(k, c, file, nil)
		runFor(t, old, time.Second)
		before, _ := old.Report()
		since := before.NICs[0].Settings[0].DriftSince
		k.written()
		time.Sleep(time.Minute)
		next := daemonOn(k, c, file, func(_ *DaemonOptions, r *ReconcilerOptions) { r.Budget.Burst = 1 })
		next.Succeed(old)
		k.foreign(1, nic.Queues, 2)
		runFor(t, next, time.Second)
		r, _ := next.Report()
		s := r.NICs[0].Settings[0]
		if writes := k.written(); s.Reason != plan.Held || len(writes) != 0 {
			t.Errorf("the write of before does not count: %s, %v", s.Reason, writes)
		}
		if since.IsZero() || !s.DriftSince.Equal(since) {
			t.Errorf("drift since %v, before the reload since %v", s.DriftSince, since)
		}
	})
}

func TestASuccessorLogsNothingTwice(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 16))
		k := newKernel(eth(1, 1, 8, 1024))
		var first, second strings.Builder
		old := daemonOn(k, c, file, func(o *DaemonOptions, _ *ReconcilerOptions) { o.Log = slog.New(slog.NewTextHandler(&first, nil)) })
		runFor(t, old, time.Second)
		next := daemonOn(k, c, file, func(o *DaemonOptions, _ *ReconcilerOptions) { o.Log = slog.New(slog.NewTextHandler(&second, nil)) })
		next.Succeed(old)
		runFor(t, next, time.Second)
		if !strings.Contains(first.String(), "eth1 queues") || second.String() != "" {
			t.Errorf("before:\n%s\nafter:\n%s", first.String(), second.String())
		}
	})
}

func TestAStoreTakesNothingOverFromAnotherInstance(t *testing.T) {
	old := NewStore(StoreOptions{Enabled: true, Clock: time.Now})
	old.desired, old.known = someDesired(), true
	for id, want := range map[string]bool{"": true, old.desired.InstanceID: true, "i-other": false} {
		s := NewStore(StoreOptions{Enabled: true, InstanceID: id, Clock: time.Now})
		s.succeed(old)
		if got := s.View().Known; got != want {
			t.Errorf("instance %q: known %v, want %v", id, got, want)
		}
	}
	off := NewStore(StoreOptions{Clock: time.Now})
	off.succeed(old)
	if off.View().Known {
		t.Error("with the cloud switched off it knows ENIs")
	}
}

func TestTheLoopSaysThatItIsAlive(t *testing.T) {
	for name, tt := range map[string]struct {
		resync time.Duration
		most   time.Duration // between two signs
	}{
		"while it waits long":        {24 * time.Hour, 20 * time.Second},
		"with each of the looks too": {7 * time.Second, 7 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			file := stateFile(t)
			synctest.Test(t, func(t *testing.T) {
				var signs []time.Time
				c := newCloudModel(apiInterface(1, 4))
				c.block = make(chan struct{}) // an API that does not answer is no reason to fall silent
				d := daemonOn(newKernel(eth(1, 1, 8, 1024)), c, file, func(o *DaemonOptions, _ *ReconcilerOptions) {
					o.ResyncInterval, o.AliveEvery = tt.resync, 20*time.Second
					o.Alive = func() { signs = append(signs, time.Now()) }
				})
				runFor(t, d, time.Hour)
				for i := range len(signs) - 1 {
					if gap := signs[i+1].Sub(signs[i]); gap > tt.most {
						t.Fatalf("silent for %v", gap)
					}
				}
				if least := int(time.Hour / tt.most); len(signs) < least {
					t.Errorf("%d signs in an hour, want %d at least", len(signs), least)
				}
			})
		})
	}
}

// stuckKernel hangs in a write.
type stuckKernel struct {
	*kernel
	until chan struct{}
}

func (s stuckKernel) Set(n nic.NIC, changes []nic.Change) []nic.Result {
	<-s.until
	return s.kernel.Set(n, changes)
}

func TestALoopThatIsStuckInTheKernelFallsSilent(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		stuck := stuckKernel{newKernel(eth(1, 1, 8, 1024)), make(chan struct{})}
		var last time.Time
		d := daemonOn(stuck.kernel, newCloudModel(apiInterface(1, 4)), file, func(o *DaemonOptions, r *ReconcilerOptions) {
			r.Guest = stuck
			o.AliveEvery = 20 * time.Second
			o.Alive = func() { last = time.Now() }
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		start := time.Now()
		go func() { ended <- d.Run(ctx) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		if last.Sub(start) > time.Second {
			t.Errorf("it still said that it is alive after %v", last.Sub(start))
		}
		close(stuck.until)
		synctest.Wait()
		if last.Sub(start) < time.Hour {
			t.Error("it said nothing when the kernel let it go")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}
