package agent

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/enitune/enitune/nic"
)

func since(t *testing.T, d *Daemon, s nic.Setting) time.Time {
	t.Helper()
	r, _ := d.Report()
	for _, n := range r.NICs {
		for _, sr := range n.Settings {
			if sr.Setting == s {
				return sr.DriftSince
			}
		}
	}
	t.Fatal("no such setting")
	return time.Time{}
}

func TestSinceWhenASettingDriftsOutlivesARestart(t *testing.T) {
	state, file := stateFile(t), SinceFile{filepath.Join(t.TempDir(), "drift.json")}
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(eth(1, 2, 2, 1024)) // of 4 queues the NIC offers 2
		start := time.Now()
		run := func() time.Time {
			d := daemonOn(k, newCloudModel(apiInterface(1, 4)), state, func(o *DaemonOptions, r *ReconcilerOptions) {
				o.SinceFile, o.Since = file, file.Load(time.Now())
				r.Since = o.Since
			})
			runFor(t, d, 90*time.Second)
			return since(t, d, nic.Queues)
		}
		first := run()
		if first.Before(start) || first.After(start.Add(time.Second)) {
			t.Fatalf("drifts since %v, started at %v", first, start)
		}
		time.Sleep(time.Hour)
		if again := run(); !again.Equal(first) {
			t.Errorf("after a restart since %v, want %v", again, first)
		}
		k.plug(eth(1, 4, 4, 1024)) // the instance was stopped and started
		run()
		k.plug(eth(1, 2, 2, 1024))
		if again := run(); !again.After(first) {
			t.Errorf("a new drift since %v, the old one was since %v", again, first)
		}
	})
}

func TestARivalDoesNotMakeTheTimesBeWrittenWithoutEnd(t *testing.T) {
	file := SinceFile{filepath.Join(t.TempDir(), "drift.json")}
	state := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(eth(1, 4, 8, 1024))
		d := daemonOn(k, newCloudModel(apiInterface(1, 4)), state, func(o *DaemonOptions, _ *ReconcilerOptions) {
			o.SinceFile, o.ResyncInterval = file, time.Second
		})
		writes, last := 0, ""
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := range 600 {
				k.foreign(1, nic.Queues, 1+3*(i%2))
				time.Sleep(time.Second)
				if text, err := os.ReadFile(file.Path); err == nil && string(text) != last {
					writes, last = writes+1, string(text)
				}
			}
		}()
		runFor(t, d, 601*time.Second)
		<-ended
		if writes == 0 || writes > 11 {
			t.Errorf("%d writes in 10 minutes", writes)
		}
	})
}

func TestTimesOfDriftThatCannotBeReadAreNotKnown(t *testing.T) {
	now := time.Now()
	path := filepath.Join(t.TempDir(), "drift.json")
	entry := func(at time.Time) string {
		return sealed(t, sinceVersion, `[{"mac":"00:16:3e:00:00:01","setting":"queues","since":"`+at.UTC().Format(time.RFC3339Nano)+`"}]`)
	}
	for name, tt := range map[string]struct {
		text string
		want int
	}{
		"a time":          {entry(now.Add(-time.Hour)), 1},
		"of the future":   {entry(now.Add(time.Hour)), 0},
		"another version": {sealed(t, 2, `[]`), 0},
		"cut off":         {entry(now.Add(-time.Hour))[:40], 0},
		"another setting": {sealed(t, sinceVersion, `[{"mac":"a","setting":"colour","since":"2026-01-01T00:00:00Z"}]`), 0},
		"no setting":      {sealed(t, sinceVersion, `[{"mac":"00:16:3e:00:00:01","since":"2026-01-01T00:00:00Z"}]`), 0},
		"no address":      {sealed(t, sinceVersion, `[{"mac":"eth0\n","setting":"queues","since":"2026-01-01T00:00:00Z"}]`), 0},
		"nothing":         {"", 0},
	} {
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := (SinceFile{path}).Load(now); len(got) != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if got := (SinceFile{path + ".none"}).Load(now); got != nil {
		t.Errorf("no file: %v", got)
	}
}

// sealed is a file with times of drift.
func sealed(t testing.TB, version int, drift string) string {
	t.Helper()
	data, err := seal(version, map[string]json.RawMessage{"drift": json.RawMessage(drift)})
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestTimesOfDriftThatAreDamagedAreNotKnown(t *testing.T) {
	now := time.Now()
	good := []byte(sealed(t, sinceVersion, `[{"mac":"00:16:3e:00:00:01","setting":"queues","since":"2026-01-01T00:00:00Z"}]`))
	want := decodeSince(good, now)
	if len(want) != 1 {
		t.Fatalf("undamaged: %v", want)
	}
	for n := range len(good) - 1 { // the last byte is a line feed
		if got := decodeSince(good[:n], now); len(got) != 0 {
			t.Fatalf("%d bytes are read as %v", n, got)
		}
	}
	for i := range good {
		for bit := range 8 {
			good[i] ^= 1 << bit
			if got := decodeSince(good, now); len(got) != 0 && !got.equal(want) {
				t.Fatalf("bit %d of byte %d flipped is read as %v", bit, i, got)
			}
			good[i] ^= 1 << bit
		}
	}
}

// FuzzTimesOfDrift: what is read is of a NIC, a setting and the past, and writing
// it gives the same again.
func FuzzTimesOfDrift(f *testing.F) {
	f.Add([]byte(sealed(f, sinceVersion, `[{"mac":"00:16:3e:00:00:01","setting":"queues","since":"2026-01-01T00:00:00Z"}]`)))
	f.Add([]byte(sealed(f, sinceVersion, `[{"mac":"00:16:3e:00:00:01","since":"2026-01-01T00:00:00Z"}]`)))
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	file := SinceFile{filepath.Join(f.TempDir(), "drift.json")}
	f.Fuzz(func(t *testing.T, data []byte) {
		s := decodeSince(data, now)
		for k, at := range s {
			if !plainMAC(k.mac) || !slices.Contains(nic.Settings(), k.setting) || at.IsZero() || !at.Before(now) {
				t.Errorf("%v since %v", k, at)
			}
		}
		if _, err := file.Keep(s, nil); err != nil {
			t.Fatal(err)
		}
		if again := file.Load(now); len(s) > 0 && !again.equal(s) {
			t.Errorf("%v\nis written and read as\n%v", s, again)
		}
	})
}
