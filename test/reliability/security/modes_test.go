//go:build netns

package security

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// TestFilesHaveTheirModesUnderAnyUmask: nobody else may write what the agent reads
// again, and node_exporter and `enitune status` of other users go on under a strict
// umask.
func TestFilesHaveTheirModesUnderAnyUmask(t *testing.T) {
	for _, umask := range []int{0, 0o077} {
		t.Run(fmt.Sprintf("%03o", umask), func(t *testing.T) {
			h := newHost(t)
			netns.SetChannels(t, "eth1", 1)
			underUmask(umask, func() {
				if res := h.run("apply", "--textfile", h.path("textfile", "a.prom")); res.Code != 0 {
					t.Fatalf("exit %d: %s", res.Code, res.Stderr)
				}
				h.start()
			})
			want := map[string]fs.FileMode{
				"state": fs.ModeDir | 0o755&^fs.FileMode(umask), "state/state.json": 0o644, "textfile/a.prom": 0o644,
				"run/enitune.sock": fs.ModeSocket | 0o666, // who may ask for what is decided by the peer's user
			}
			for name, mode := range want {
				if got := h.mode(name); got != mode {
					t.Errorf("%s has %v, want %v", name, got, mode)
				}
			}
			h.nothingElse("state", "drift.json", "starts.json", "state.json")
			h.nothingElse("textfile", "a.prom")
			h.nothingElse("run", "enitune.sock")
		})
	}
}

func (h *host) mode(name string) fs.FileMode {
	h.t.Helper()
	info, err := os.Lstat(h.path(name))
	h.must(err)
	return info.Mode()
}

// nothingElse fails for files in a folder that are not among names.
func (h *host) nothingElse(dir string, names ...string) {
	h.t.Helper()
	var left []string
	for range 500 { // a daemon that runs may be in the middle of a write
		entries, err := os.ReadDir(h.path(dir))
		h.must(err)
		left = nil
		for _, e := range entries {
			if !strings.Contains(" "+strings.Join(names, " ")+" ", " "+e.Name()+" ") {
				left = append(left, e.Name())
			}
		}
		if left == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	h.t.Errorf("%q are left in %s", left, dir)
}

// TestAModeSetByOthersIsNotKept: a state file that everybody may write, from an
// older program or a hand, is replaced by one that nobody else may.
func TestAModeSetByOthersIsNotKept(t *testing.T) {
	h := newHost(t)
	h.must(os.Mkdir(h.path("state"), 0o755))
	for _, name := range []string{"state.json", "drift.json"} {
		h.must(os.WriteFile(h.path("state", name), []byte("{}"), 0o600))
		h.must(os.Chmod(h.path("state", name), 0o666))
	}
	h.configure("reconcile: {mode: observe}\n") // so that there is a drift to note
	if res := h.run("apply"); res.Code != 2 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	for _, name := range []string{"state/state.json", "state/drift.json"} {
		if got := h.mode(name); got != 0o644 {
			t.Errorf("%s has %v", name, got)
		}
	}
}

const victimText = "root:x:0:0:root:/root:/bin/sh\n"

// plant is what an attacker puts in the place of one of the agent's files.
type plant struct {
	name string
	put  func(victim, path string) error
}

func plants() []plant {
	return []plant{
		{"a symbolic link", os.Symlink},
		{"a dangling symbolic link", func(_, path string) error { return os.Symlink(path+".elsewhere", path) }},
		{"a hard link", os.Link},
		{"a FIFO", func(_, path string) error { return syscall.Mkfifo(path, 0o666) }},
		{"a link to a device that never ends", func(_, path string) error { return os.Symlink("/dev/zero", path) }},
		{"a folder", func(_, path string) error { return os.MkdirAll(filepath.Join(path, "x"), 0o755) }},
		{"a file without end", func(_, path string) error {
			if err := os.WriteFile(path, nil, 0o644); err != nil {
				return err
			}
			return os.Truncate(path, 1<<40)
		}},
	}
}

// TestNothingPlantedInPlaceOfAFileIsWrittenThrough: whatever stands in the place of
// a file of the agent's is replaced by the file itself, or left alone and named;
// what it leads to keeps its content, mode and links, and nothing waits for it.
func TestNothingPlantedInPlaceOfAFileIsWrittenThrough(t *testing.T) {
	files := []string{"state/state.json", "state/drift.json", "textfile/a.prom"}
	for _, p := range plants() {
		t.Run(p.name, func(t *testing.T) {
			h := newHost(t)
			h.configure("reconcile: {mode: observe}\n")
			h.must(os.MkdirAll(h.path("state"), 0o755))
			victim := h.path("victim")
			h.must(os.WriteFile(victim, []byte(victimText), 0o600))
			for _, file := range files {
				h.must(p.put(victim, h.path(file)))
			}
			res := h.run("apply", "--textfile", h.path("textfile", "a.prom"))
			if text := h.read("victim"); text != victimText || h.mode("victim") != 0o600 {
				t.Errorf("the victim has mode %v and holds %q", h.mode("victim"), text)
			}
			if strings.Contains(res.Stdout+res.Stderr, "root:x") {
				t.Errorf("the victim's content is shown:\n%s%s", res.Stdout, res.Stderr)
			}
			for _, file := range files {
				if _, err := os.Lstat(h.path(file + ".elsewhere")); err == nil {
					t.Error("a file was made where the link leads to")
				}
				h.checkPlanted(file, p, res)
			}
			h.nothingElse("state", "state.json", "drift.json")
			h.nothingElse("textfile", "a.prom")
		})
	}
}

// checkPlanted: the file is the agent's own now, or the output names the one that
// stands in its place. drift.json is a convenience: nothing is said.
func (h *host) checkPlanted(file string, p plant, res world.Result) {
	h.t.Helper()
	if p.name == "a folder" {
		if file != "state/drift.json" && !strings.Contains(res.Stdout+res.Stderr, filepath.Dir(file)) {
			h.t.Errorf("exit %d, and nothing names %s:\n%s%s", res.Code, file, res.Stdout, res.Stderr)
		}
	} else if got := h.mode(file); got != 0o644 {
		h.t.Errorf("%s has %v; exit %d\n%s%s", file, got, res.Code, res.Stdout, res.Stderr)
	}
}

// TestASymbolicLinkInPlaceOfTheStateFolderIsFollowed: systemd itself puts one there
// for a DynamicUser=, so that it is the folder behind it that counts.
func TestASymbolicLinkInPlaceOfTheStateFolderIsFollowed(t *testing.T) {
	h := newHost(t)
	h.must(os.Mkdir(h.path("private"), 0o755))
	h.must(os.Symlink("private", h.path("state")))
	if res := h.run("apply"); res.Code != 0 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	if got := h.mode("private/state.json"); got != 0o644 {
		t.Errorf("the state file has %v", got)
	}
}

// TestAStateThatEverybodyMayWriteIsNotUsed: who can write the folder can have
// another desired state there at any time. The NICs are still brought in line with
// what the cloud says.
func TestAStateThatEverybodyMayWriteIsNotUsed(t *testing.T) {
	for _, mode := range []fs.FileMode{0o777, fs.ModeSticky | 0o777} {
		t.Run(mode.String(), func(t *testing.T) {
			h := newHost(t)
			if res := h.run("apply"); res.Code != 0 {
				t.Fatalf("exit %d: %s", res.Code, res.Stderr)
			}
			h.must(os.Chmod(h.path("state"), mode))
			const remedy = "every user may write to"
			for _, args := range [][]string{{"apply"}, {"apply", "--offline"}, {"doctor"}} {
				netns.SetChannels(t, "eth1", 1)
				res := h.run(args...)
				if out := res.Stdout + res.Stderr; !strings.Contains(out, remedy) || !strings.Contains(out, "chmod o-w "+h.path("state")) {
					t.Errorf("%v: exit %d, want the remedy:\n%s", args, res.Code, out)
				}
				if got, want := netns.Channels(t, "eth1"), map[bool]int{true: 4, false: 1}[len(args) == 1 && args[0] == "apply"]; got != want {
					t.Errorf("%v: %d channels, want %d", args, got, want)
				}
			}
			h.must(os.Chmod(h.path("state"), 0o755))
			if res := h.run("apply", "--offline"); res.Code != 0 {
				t.Errorf("cured: exit %d: %s", res.Code, res.Stderr)
			}
		})
	}
}

// TestAStateFileThatEverybodyMayWriteIsNotUsed is the same for the file alone.
func TestAStateFileThatEverybodyMayWriteIsNotUsed(t *testing.T) {
	h := newHost(t)
	if res := h.run("apply"); res.Code != 0 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	h.must(os.Chmod(h.path("state", "state.json"), 0o646))
	netns.SetChannels(t, "eth1", 1)
	res := h.run("apply", "--offline")
	if res.Code != 1 || netns.Channels(t, "eth1") != 1 || !strings.Contains(res.Stdout+res.Stderr, "chmod o-w "+h.path("state", "state.json")) {
		t.Errorf("exit %d, %d channels\n%s%s", res.Code, netns.Channels(t, "eth1"), res.Stdout, res.Stderr)
	}
	if res := h.run("apply"); res.Code != 0 || h.mode("state/state.json") != 0o644 {
		t.Errorf("the cloud's answer does not replace it: exit %d, %v", res.Code, h.mode("state/state.json"))
	}
}

// TestNothingPlantedInPlaceOfTheSocketIsRemoved: only a socket on which nothing
// listens is replaced. The daemon says so, and works without.
func TestNothingPlantedInPlaceOfTheSocketIsRemoved(t *testing.T) {
	for _, p := range plants() {
		t.Run(p.name, func(t *testing.T) {
			h := newHost(t)
			victim := h.path("victim")
			h.must(os.WriteFile(victim, []byte(victimText), 0o600))
			socket := h.path("run", "enitune.sock")
			h.must(p.put(victim, socket))
			before := h.mode("run/enitune.sock")
			d := h.start()
			if d.Count("something that is not a socket has this name; move it away") != 1 {
				t.Error("the log does not say so")
			}
			if h.mode("run/enitune.sock") != before || h.read("victim") != victimText || h.mode("victim") != 0o600 {
				t.Errorf("the socket's place has %v, the victim %v", h.mode("run/enitune.sock"), h.mode("victim"))
			}
			if status, _ := h.request("GET", "/healthz"); status != 200 {
				t.Errorf("/healthz: %d", status)
			}
			if code, _ := d.Stop(); code != 0 {
				t.Errorf("exit %d", code)
			}
			if _, err := os.Lstat(socket); errors.Is(err, fs.ErrNotExist) {
				t.Error("it was removed at the end")
			}
		})
	}
}
