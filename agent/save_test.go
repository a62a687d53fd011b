package agent

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestADiskThatTakesNothingIsTriedAgainWithoutAskingTheCloud(t *testing.T) {
	file := stateFile(t)
	if err := os.Mkdir(file.Path, 0o755); err != nil { // stands in the file's place
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		d, _, stop := runDaemon(t, newKernel(eth(1, 1, 8, 1024)), c, file)
		complaints := func() (n int) {
			r, _ := d.Report()
			for _, p := range r.Errors {
				if p.Component == ComponentState && strings.Contains(p.Message, "not kept on disk") {
					n++
				}
			}
			return n
		}
		if complaints() != 1 {
			t.Error("a state that is not on disk is not told")
		}
		time.Sleep(30 * time.Minute) // the next read comes after a tenth of the interval at the soonest
		if err := os.Remove(file.Path); err != nil {
			t.Fatal(err)
		}
		time.Sleep(saveEvery)
		synctest.Wait()
		if got, err := file.Load(); err != nil || len(got.ENIs) != 1 {
			t.Errorf("on disk: %+v, %v", got, err)
		}
		if n := complaints(); n != 0 {
			t.Errorf("%d complaints when it is on disk", n)
		}
		if n := c.asked(); n != 1 {
			t.Errorf("the cloud was asked %d times", n)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestAReloadToAnotherStateFolderInTheDarkWritesTheDesiredStateThere(t *testing.T) {
	before, after := stateFile(t), stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(eth(1, 1, 8, 1024))
		c := newCloudModel(apiInterface(1, 4))
		old := daemonOn(k, c, before, func(*DaemonOptions, *ReconcilerOptions) {})
		runFor(t, old, time.Minute)
		c.change(func() { c.metaErr = errors.New("dark") })
		next := daemonOn(k, c, after, func(*DaemonOptions, *ReconcilerOptions) {})
		next.Succeed(old)
		runFor(t, next, 2*saveEvery)
	})
	if got, err := after.Load(); err != nil || len(got.ENIs) != 1 {
		t.Errorf("in the new folder: %+v, %v", got, err)
	}
	if _, err := before.Load(); errors.Is(err, fs.ErrNotExist) {
		t.Error("the old file is gone")
	}
}
