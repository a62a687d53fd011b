package agent

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/enitune/enitune/nic"
)

func TestStartsAreCountedForAnHour(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	f := StartsFile{Path: filepath.Join(t.TempDir(), "new", "starts.json")}
	note := func(want int) {
		t.Helper()
		if got, err := f.Note(now); got != want || err != nil {
			t.Errorf("%d starts, %v; want %d", got, err, want)
		}
	}
	note(1)
	now = now.Add(time.Minute)
	note(2)
	now = now.Add(59 * time.Minute)
	note(2)
	for range 100 {
		_, _ = f.Note(now)
	}
	note(mostStarts + 1)
	now = now.Add(-2 * time.Hour) // the clock was set back
	note(1)
}

func TestStartsFileThatIsNoneCountsAsNone(t *testing.T) {
	f := StartsFile{Path: filepath.Join(t.TempDir(), "starts.json")}
	for _, text := range []string{"", "null", "{}", "[1]", strings.Repeat("[", 1000), `["2026-03-01T12:00:00Z`} {
		if err := os.WriteFile(f.Path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got, _ := f.Note(time.Now()); got != 1 {
			t.Errorf("%q: %d starts", text, got)
		}
		if got, err := f.Note(time.Now()); got != 2 || err != nil {
			t.Errorf("%q is not written anew: %d starts, %v", text, got, err)
		}
	}
	if got, err := (StartsFile{Path: "/proc/starts.json"}).Note(time.Now()); got != 1 || err == nil {
		t.Errorf("a file that cannot be written: %d starts, %v", got, err)
	}
}

func TestDaemonThatStartsOverAndOverDoesNotReadTheCloudEachTime(t *testing.T) {
	file := stateFile(t)
	starts := StartsFile{Path: filepath.Join(t.TempDir(), "starts.json")}
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		start := func(boot string) (*Daemon, func() error) {
			cloud := c.cloud()
			cloud.Boot = boot
			d, _, stop := runDaemonWith(t, newKernel(eth(1, 1, 8, 1024)), c, file, func(o *DaemonOptions) {
				o.Cloud, o.StartsFile = cloud, starts
			})
			return d, stop
		}
		for n := range 3 * mostStarts {
			d, stop := start("boot")
			if r, _ := d.Report(); reason(r, "eth1", nic.Queues) != "in_sync" || r.Desired.Stale {
				t.Errorf("start %d: %v, %+v", n+1, reasons(r), r.Desired)
			}
			if err := stop(); err != nil {
				t.Error(err)
			}
			time.Sleep(5 * time.Second)
		}
		if c.asked() != mostStarts {
			t.Errorf("%d reads by %d starts, want %d", c.asked(), 3*mostStarts, mostStarts)
		}
		before := c.asked()
		d, stop := start("boot")
		d.Refresh()
		synctest.Wait()
		if c.asked() != before+1 {
			t.Error("a refresh waits, too")
		}
		_ = stop()
		_, stop = start("another boot")
		if c.asked() != before+2 {
			t.Error("the first read after a boot waits, too")
		}
		_ = stop()
		_, stop = start("another boot")
		time.Sleep(leastConfirmedWindow)
		synctest.Wait()
		if c.asked() != before+3 {
			t.Error("the read that was put off is not made")
		}
		_ = stop()
	})
}
