package durable

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func names(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestAWriteRemovesWhatKilledWritersLeftAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "state.json")
	for _, name := range []string{".state.json1", ".state.json92233", ".state.json", ".state.json1.bak", "state.json1", ".drift.json1"} {
		write(t, filepath.Join(dir, name), "left")
	}
	if err := errors.Join(os.Symlink(path, filepath.Join(dir, ".state.json2")), unix.Mkfifo(filepath.Join(dir, ".state.json3"), 0o600)); err != nil {
		t.Fatal(err)
	}
	alive, err := os.Create(filepath.Join(dir, ".state.json4"))
	if err != nil {
		t.Fatal(err)
	}
	defer alive.Close()
	if err := flock(alive, unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("new"), 0o644); err != nil {
		t.Fatal(err)
	}
	want := []string{".drift.json1", ".state.json", ".state.json1.bak", ".state.json2", ".state.json3", ".state.json4", "state.json", "state.json1"}
	if diff := cmp.Diff(want, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestAFileHasThePermissionsAskedForWhateverTheOldOneHad(t *testing.T) {
	defer unix.Umask(unix.Umask(0o077))
	path := filepath.Join(t.TempDir(), "f")
	for range 2 {
		if err := WriteFile(path, []byte("x"), 0o644); err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != 0o644 {
			t.Errorf("mode %o, want 644", got)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWritersAtTheSameTimeLeaveOneOfTheirFilesWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	var writers sync.WaitGroup
	for n := range 8 {
		writers.Go(func() {
			for range 25 {
				if err := WriteFile(path, fmt.Appendf(nil, "%01000d", n), 0o644); err != nil {
					t.Error(err)
				}
			}
		})
	}
	writers.Wait()
	text, err := os.ReadFile(path)
	if err != nil || len(text) != 1000 {
		t.Errorf("got %d bytes, %v", len(text), err)
	}
	if diff := cmp.Diff([]string{"f"}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
}

func TestAFailedWriteLeavesTheOldFileAndNoOther(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "f")
	if err := os.Mkdir(path, 0o755); err != nil { // a folder's place cannot be taken
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("x"), 0o644); err == nil {
		t.Error("a folder was replaced")
	}
	if diff := cmp.Diff([]string{"f"}, names(t, dir)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if err := WriteFile(filepath.Join(dir, "none", "f"), []byte("x"), 0o644); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("in no folder: %v", err)
	}
}
