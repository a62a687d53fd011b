package agent

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
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

func FuzzDecodeState(f *testing.F) {
	good, err := encodeState(stateBody{Machine: "m1", Desired: someDesired()})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(`{"version":1,"sha256":"","body":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		body, err := decodeState(data)
		if err != nil {
			return
		}
		again, err := encodeState(body)
		if err != nil {
			t.Fatalf("read %+v, cannot write it: %v", body, err)
		}
		back, err := decodeState(again)
		if d := cmp.Diff(body, back); err != nil || d != "" {
			t.Errorf("written and read again: %v\n%s", err, d)
		}
	})
}
