package agent

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func someDesired() Desired {
	return Desired{InstanceID: "i-1", Region: "cn-hangzhou", InstanceType: "ecs.g7.xlarge",
		FetchedAt: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		ENIs: []ENI{{ID: "eni-1", MAC: mac(1), Type: "Primary", Status: "InUse",
			Values: []Value{{nic.Queues, 4, plan.API}, {nic.RxRing, 8192, plan.Tag}}}}}
}

func TestStateSurvivesTheDisk(t *testing.T) {
	f := StateFile{Path: filepath.Join(t.TempDir(), "new", "state.json"), Machine: "m1"}
	if _, err := f.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("a missing file gives %v", err)
	}
	if err := f.Save(someDesired()); err != nil {
		t.Fatal(err)
	}
	got, err := f.Load()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(someDesired(), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	f.Machine = ""
	if _, err := f.Load(); err != nil {
		t.Errorf("a machine that cannot be identified cannot read it: %v", err)
	}
	entries, _ := os.ReadDir(filepath.Dir(f.Path))
	if len(entries) != 1 {
		t.Errorf("temporary files are left: %v", entries)
	}
}

func TestStateIsRefusedWhenItIsNotWholeOrNotOurs(t *testing.T) {
	f := StateFile{Path: filepath.Join(t.TempDir(), "state.json"), Machine: "m1"}
	if err := f.Save(someDesired()); err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	other := f
	other.Machine = "m2"
	if _, err := other.Load(); !errors.Is(err, ErrStateUnusable) {
		t.Errorf("a cloned machine's state gives %v", err)
	}
	refused := func(what string, data []byte) {
		t.Helper()
		if err := os.WriteFile(f.Path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		if d, err := f.Load(); !errors.Is(err, ErrStateUnusable) {
			t.Errorf("%s gives %v, %v", what, d, err)
		}
	}
	for n := range len(good) - 1 { // the last byte is a line feed
		refused("a file cut short", good[:n])
	}
	for i := range len(good) - 1 {
		for bit := range 8 {
			flipped := append([]byte(nil), good...)
			flipped[i] ^= 1 << bit
			if err := os.WriteFile(f.Path, flipped, 0o644); err != nil {
				t.Fatal(err)
			}
			d, err := f.Load()
			if err == nil && !cmp.Equal(d, someDesired()) {
				t.Fatalf("bit %d of byte %d flipped is read as %+v", bit, i, d)
			}
		}
	}
	if err := errors.Join(os.Remove(f.Path), syscall.Mkfifo(f.Path, 0o644)); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Load(); err == nil {
		t.Error("a FIFO was read as a state file")
	}
	if err := os.Remove(f.Path); err != nil {
		t.Fatal(err)
	}
	refused("a newer version", []byte(`{"version":2,"sha256":"","body":{}}`))
}

func TestStateIsRefusedWhenNoCloudCouldHaveSaidIt(t *testing.T) {
	f := StateFile{Path: filepath.Join(t.TempDir(), "state.json")}
	for want, spoil := range map[string]func(*Desired){
		"it names no instance":                               func(d *Desired) { d.InstanceID = "" },
		`instance_id is "i-1\n"`:                             func(d *Desired) { d.InstanceID = "i-1\n" },
		`region is "example.com"`:                            func(d *Desired) { d.Region = "example.com" },
		`instance_type is "<b>"`:                             func(d *Desired) { d.InstanceType = "<b>" },
		`enis[0]: id is ""`:                                  func(d *Desired) { d.ENIs[0].ID = "" },
		`enis[0]: mac is "00-16-3E-00-00-01"`:                func(d *Desired) { d.ENIs[0].MAC = "00-16-3E-00-00-01" },
		`enis[0]: type is "\x1b[31m"`:                        func(d *Desired) { d.ENIs[0].Type = "\x1b[31m" },
		`enis[0]: unresolved_class is "x"`:                   func(d *Desired) { d.ENIs[0].UnresolvedClass = "x" },
		"enis[0]: values[0]: queues is 0, outside 1 to 2048": func(d *Desired) { d.ENIs[0].Values[0].Value = 0 },
		"values[1]: rx_ring is 65537, outside 1 to 65536":    func(d *Desired) { d.ENIs[0].Values[1].Value = 65537 },
		`values[0]: source is "override"`:                    func(d *Desired) { d.ENIs[0].Values[0].Source = plan.Override },
		`values[0]: source is ""`:                            func(d *Desired) { d.ENIs[0].Values[0].Source = 0 },
		"values[2]: queues has a second value from api":      func(d *Desired) { d.ENIs[0].Values = append(d.ENIs[0].Values, Value{nic.Queues, 8, plan.API}) },
	} {
		d := someDesired()
		spoil(&d)
		if err := f.Save(d); err != nil {
			t.Fatal(err)
		}
		got, err := f.Load()
		if !errors.Is(err, ErrStateUnusable) || !strings.Contains(err.Error(), want) {
			t.Errorf("read as %+v, %v; want %s", got, err, want)
		}
	}
}

// FuzzDecodeState: what is read could come from the cloud, and writing it gives
// the same again.
func FuzzDecodeState(f *testing.F) {
	good, err := encodeState(stateBody{Machine: "m1", Desired: someDesired()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"sha256":"","body":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkState(t, data)
		// The checksum would keep the fuzzer out: this is the same with it.
		if json.Valid(data) {
			if sealed, err := json.Marshal(envelope{Version: stateVersion, SHA256: checksum(data), Body: data}); err == nil {
				checkState(t, sealed)
			}
		}
	})
}

func checkState(t *testing.T, data []byte) {
	t.Helper()
	body, err := decodeState(data)
	if err != nil {
		if strings.Contains(err.Error(), "\n") || len(err.Error()) > 1000 {
			t.Errorf("not one bounded line: %q", err)
		}
		return
	}
	for _, e := range body.Desired.ENIs {
		for _, v := range e.Values {
			if v.Value < 1 || v.Value > maxRing || v.Source == plan.Override || !slices.Contains(nic.Settings(), v.Setting) {
				t.Errorf("%s: %+v", e.ID, v)
			}
		}
	}
	again, err := encodeState(body)
	if err != nil {
		t.Fatalf("read %+v, cannot write it: %v", body, err)
	}
	back, err := decodeState(again)
	if d := cmp.Diff(body, back); err != nil || d != "" {
		t.Errorf("written and read again: %v\n%s", err, d)
	}
}
