package agent

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
)

// cloudModel is a model of the metadata service and the API.
type cloudModel struct {
	mu         sync.Mutex
	identity   eni.Identity
	interfaces []eni.MetadataInterface
	enis       []eni.NetworkInterface
	hidden     []eni.NetworkInterface // returned by id only
	types      []eni.InstanceType
	metaErr    error
	apiErr     error
	byIDErr    error
	typesErr   error
	asks       int
	typeAsks   int
	byIDAsks   int
	block      chan struct{} // if set, NetworkInterfaces waits for it or ctx
}

func (c *cloudModel) Identity(context.Context) (eni.Identity, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.metaErr != nil {
		return eni.Identity{}, c.metaErr
	}
	return c.identity, nil
}

func (c *cloudModel) Interfaces(context.Context) ([]eni.MetadataInterface, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.interfaces, c.metaErr
}

func (c *cloudModel) NetworkInterfaces(ctx context.Context, q eni.Query) ([]eni.NetworkInterface, error) {
	if c.block != nil {
		select {
		case <-c.block:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(q.IDs) > 0 {
		c.byIDAsks++
		return c.hidden, c.byIDErr
	}
	c.asks++
	return c.enis, c.apiErr
}

func (c *cloudModel) InstanceTypes(context.Context, ...string) ([]eni.InstanceType, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.typeAsks++
	return c.types, c.typesErr
}

// change alters the model while a daemon reads it.
func (c *cloudModel) change(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// asked counts the reads of the API.
func (c *cloudModel) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.asks
}

func newCloudModel(enis ...eni.NetworkInterface) *cloudModel {
	return &cloudModel{identity: eni.Identity{InstanceID: "i-1", RegionID: "cn-hangzhou", InstanceType: "ecs.g7.xlarge"}, enis: enis}
}

func (c *cloudModel) cloud() *Cloud {
	return &Cloud{Metadata: c, Connect: func(string) (API, error) { return c, nil }, Clock: time.Now}
}

func apiInterface(index, queues int) eni.NetworkInterface {
	return eni.NetworkInterface{ID: apiENI(index, 0).ID, MAC: mac(index), Type: "Secondary", Status: "InUse", QueueNumber: &queues}
}

// runDaemon runs a daemon on models inside a synctest bubble. stop ends it and
// gives what Run returned.
func runDaemon(t *testing.T, k *kernel, c *cloudModel, file StateFile) (d *Daemon, tl *tally, stop func() error) {
	t.Helper()
	return runDaemonWith(t, k, c, file, func(*DaemonOptions) {})
}

// runDaemonWith does the same with other options.
func runDaemonWith(t *testing.T, k *kernel, c *cloudModel, file StateFile, change func(*DaemonOptions)) (d *Daemon, tl *tally, stop func() error) {
	t.Helper()
	tl = &tally{}
	d = daemonOn(k, c, file, func(o *DaemonOptions, r *ReconcilerOptions) {
		o.Recorder, r.Recorder = tl, tl
		o.Store.LoadCache()
		change(o)
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	synctest.Wait()
	return d, tl, func() error {
		cancel()
		synctest.Wait()
		select {
		case err := <-ended:
			return err
		default:
			return errors.New("still running")
		}
	}
}

func stateFile(t *testing.T) StateFile {
	return StateFile{Path: filepath.Join(t.TempDir(), "state.json")}
}

func TestDaemonRepairsWhatAnEventAnnounces(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(eth(1, 1, 8, 1024))
		d, tl, stop := runDaemon(t, k, newCloudModel(apiInterface(1, 4)), file)
		if r, _ := d.Report(); !r.InSync || r.Desired.Origin != OriginAPI {
			t.Fatalf("after the start: %+v", r)
		}
		k.foreign(1, nic.Queues, 1)
		before := time.Now()
		d.trigger.fire(CauseEthtool)
		synctest.Wait()
		r, _ := d.Report()
		if !r.InSync || tl.foreign != 1 || tl.repairs != 1 || time.Since(before) != 0 {
			t.Errorf("in sync %v, %d foreign, %d repairs, after %v", r.InSync, tl.foreign, tl.repairs, time.Since(before))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	if d, err := file.Load(); err != nil || len(d.ENIs) != 1 {
		t.Errorf("the desired state on disk: %+v, %v", d, err)
	}
}

func TestDaemonFindsBySilentPollingWhatNoEventTold(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(eth(1, 4, 8, 1024))
		d, tl, stop := runDaemon(t, k, newCloudModel(apiInterface(1, 4)), file)
		k.foreign(1, nic.Queues, 1)
		time.Sleep(31 * time.Second)
		synctest.Wait()
		if r, _ := d.Report(); !r.InSync || tl.foreign != 1 {
			t.Errorf("not repaired: %v", reasons(r))
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonEnforcesTheCacheWhileTheCloudIsDark(t *testing.T) {
	file := stateFile(t)
	desired := someDesired()
	desired.ENIs = []ENI{apiENI(1, 4)}
	if err := file.Save(desired); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 8))
		c.metaErr, c.apiErr = errors.New("metadata: connection refused"), errors.New("api: connection refused")
		k := newKernel(eth(1, 1, 8, 1024))
		d, _, stop := runDaemon(t, k, c, file)
		r, _ := d.Report()
		if got := reason(r, "eth1", nic.Queues); got != "in_sync" || r.Desired.Origin != OriginCache || !r.Desired.Stale {
			t.Errorf("%s, %+v", got, r.Desired)
		}
		if r.ExitCode() != ExitInSync || len(r.Errors) == 0 {
			t.Errorf("exit %d, errors %v", r.ExitCode(), r.Errors)
		}
		c.change(func() { c.metaErr, c.apiErr = nil, nil })
		time.Sleep(leastWindow)
		synctest.Wait()
		if r, _ = d.Report(); !r.InSync || r.NICs[0].Settings[0].Current != 8 || r.Desired.Stale {
			t.Errorf("after the cloud came back: %+v", r)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonIgnoresTheCacheOfAnotherInstance(t *testing.T) {
	file := stateFile(t)
	if err := file.Save(someDesired()); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel()
		c.identity.InstanceID = "i-2"
		c.apiErr = errors.New("api: down")
		d, _, stop := runDaemon(t, newKernel(eth(1, 1, 8, 1024)), c, file)
		r, _ := d.Report()
		if r.Determined || r.Desired.Origin != OriginNone || r.Instance.ID != "i-2" {
			t.Errorf("%+v", r)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonAsksForAHotPluggedNICAtOnce(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		k := newKernel(eth(1, 4, 8, 1024))
		d, _, stop := runDaemon(t, k, c, file)
		asks := c.asked()
		c.change(func() { c.enis = append(c.enis, apiInterface(2, 4)) })
		k.plug(eth(2, 1, 8, 1024))
		d.trigger.fire(CauseLink)
		synctest.Wait()
		r, _ := d.Report()
		if got := reason(r, "eth2", nic.Queues); got != "in_sync" || c.asked() != asks+1 {
			t.Errorf("%s after %d asks", got, c.asked()-asks)
		}
		k.unplug(2)
		c.change(func() { c.enis = c.enis[:1] })
		d.trigger.fire(CauseLink)
		synctest.Wait()
		if r, _ = d.Report(); reason(r, "eth2", nic.Queues) != "absent" {
			t.Error("an unplugged NIC is still reported")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonAsksAgainWhenANICIsPluggedInAnew(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4), apiInterface(2, 4))
		k := newKernel(eth(1, 4, 8, 1024), eth(2, 4, 8, 1024))
		d, _, stop := runDaemon(t, k, c, file)
		asks := c.asked()
		c.change(func() { c.enis = []eni.NetworkInterface{apiInterface(1, 4), apiInterface(2, 8)} })
		k.unplug(2)
		again := eth(2, 1, 8, 1024)
		again.Index = 7
		k.plug(again)
		d.trigger.fire(CauseLink)
		synctest.Wait()
		if r, _ := d.Report(); !r.InSync || r.NICs[1].Settings[0].Current != 8 || c.asked() != asks+1 {
			t.Errorf("after %d asks: %+v", c.asked()-asks, r.NICs[1].Settings[0])
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonEndsAtOnceWhileTheAPIHangs(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		c.block = make(chan struct{})
		_, _, stop := runDaemon(t, newKernel(eth(1, 1, 8, 1024)), c, file)
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonMakesAHandfulOfCallsADay(t *testing.T) {
	for most, k := range map[int]*kernel{6: newKernel(eth(1, 4, 8, 1024)), 10: newKernel(eth(1, 4, 8, 1024), eth(9, 1, 1, 1024))} {
		file := stateFile(t)
		synctest.Test(t, func(t *testing.T) {
			c := newCloudModel(apiInterface(1, 4))
			_, _, stop := runDaemon(t, k, c, file)
			time.Sleep(24 * time.Hour)
			synctest.Wait()
			if c.asked() > most {
				t.Errorf("%d calls in a day, want at most %d", c.asked(), most)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDaemonAsksAtOnceAfterARefreshEvenIfThrottledForLong(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		c.apiErr = &eni.Error{Class: eni.ClassThrottled, HTTPStatus: 400}
		d, _, stop := runDaemon(t, newKernel(eth(1, 1, 8, 1024)), c, file)
		time.Sleep(24 * time.Hour)
		synctest.Wait()
		if c.asked() > 14 {
			t.Errorf("%d throttled calls in a day", c.asked())
		}
		before := c.asked()
		d.Refresh()
		synctest.Wait()
		if c.asked() != before+1 {
			t.Errorf("%d reads at once after a refresh, want 1", c.asked()-before)
		}
		time.Sleep(leastThrottledWindow)
		synctest.Wait()
		if c.asked() != before+2 {
			t.Error("the read that was asked for and refused is not tried again soon")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestDaemonRestsWhileNothingIsKnown(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		k := newKernel(eth(1, 4, 8, 1024))
		d, tl, stop := runDaemon(t, k, c, file)
		k.plug(eth(2, 1, 8, 1024)) // unknown to the cloud: to be asked for again
		d.trigger.fire(CauseLink)
		synctest.Wait()
		c.change(func() { c.identity.InstanceID, c.apiErr = "i-2", errors.New("down") })
		d.Refresh()
		synctest.Wait()
		before := tl.reconciles()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := tl.reconciles() - before; n > 100 {
			t.Errorf("%d reconciles in 10 idle minutes", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
