//go:build netns

package machine

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// masked puts an empty file system where a folder is, for the processes that the
// calling thread starts.
func masked(folder string) func() error {
	return func() error {
		return errors.Join(ownMounts(), unix.Mount("none", folder, "tmpfs", 0, "size=4k"))
	}
}

// without leaves out environment variables.
func without(env []string, names ...string) (kept []string) {
	for _, e := range env {
		name, _, _ := strings.Cut(e, "=")
		keep := true
		for _, n := range names {
			keep = keep && n != name
		}
		if keep {
			kept = append(kept, e)
		}
	}
	return kept
}

func TestAMachineThatLacksThingsHasItsNICsSet(t *testing.T) {
	nothing := func(*instance) {}
	tests := map[string]struct {
		prepare func() error // on the thread that starts enitune
		change  func(i *instance)
	}{
		"/proc is empty": {masked("/proc"), nothing},
		"/sys is empty":  {masked("/sys"), nothing},
		"/etc/resolv.conf is empty": {func() error {
			empty, err := os.CreateTemp("", "")
			if err != nil {
				return err
			}
			defer os.Remove(empty.Name())
			return errors.Join(empty.Close(), ownMounts(), unix.Mount(empty.Name(), "/etc/resolv.conf", "", unix.MS_BIND, ""))
		}, nothing},
		"the runtime folder is read-only": {func() error {
			return errors.Join(ownMounts(), unix.Mount("none", "/mnt", "tmpfs", unix.MS_RDONLY, ""))
		}, func(i *instance) { i.env = append(i.env, "RUNTIME_DIRECTORY=/mnt") }},
		"the runtime folder is missing": {ownMounts, func(i *instance) { i.env = append(i.env, "RUNTIME_DIRECTORY="+i.path("none")) }},
		"HOME, PATH and TMPDIR are not set": {ownMounts, func(i *instance) {
			i.env = without(i.env, "HOME", "PATH", "TMPDIR", "USER", "LANG", "TERM")
		}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			i := newInstance(t)
			tt.change(i)
			elsewhere(t, tt.prepare, func() {
				r, code := i.report("apply")
				if code != 0 || !r.InSync {
					t.Errorf("apply: exit code %d, in sync %v, %v", code, r.InSync, r.Errors)
				}
				i.channels(4)
				d := i.start()
				netns.SetChannels(t, device, 1)
				i.awaitChannels(4)
				for _, path := range []string{"/metrics", "/status"} {
					if _, status, err := i.get(path); status != 200 || err != nil {
						t.Errorf("%s: status %d, %v", path, status, err)
					}
				}
				if code, _ := d.Stop(); code != 0 {
					t.Errorf("the daemon ends with %d", code)
				}
			})
		})
	}
}

func TestOutputThatGoesNowhereKeepsNoNICFromBeingSet(t *testing.T) {
	for name, redirect := range map[string]string{
		"closed":           "exec >&- 2>&-",
		"a full device":    "exec >/dev/full 2>&1",
		"no standard file": "exec <&- >&- 2>&-",
	} {
		t.Run(name, func(t *testing.T) {
			i := newInstance(t)
			sh := func(cmd *exec.Cmd) *exec.Cmd {
				cmd.Args = append([]string{"sh", "-c", redirect + ` && exec "$@"`, "sh"}, cmd.Args...)
				cmd.Path = "/bin/sh"
				return cmd
			}
			res := world.Finish(t, sh(i.command("apply")))
			if want := redirect == "exec >/dev/full 2>&1"; (res.Code == 1) != want {
				t.Errorf("apply: exit code %d", res.Code)
			}
			i.channels(4)
			netns.SetChannels(t, device, 1)
			cmd := sh(i.daemon())
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
			i.awaitChannels(4)
			world.Await(t, "status", func() (bool, any) {
				_, status, err := i.get("/status")
				return status == 200, err
			})
		})
	}
}
