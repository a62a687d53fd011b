//go:build packages

package packaging

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const wants = "/etc/systemd/system/multi-user.target.wants/"

// standIn is a systemctl for a system without a running systemd that is to look
// like one: it notes how it was called, keeps in /active whether the daemon
// runs, and leaves units on disk to the real one.
const standIn = `#!/bin/sh
case " $* " in
*" enable "* | *" disable "* | *" preset "* | *" is-enabled "*) ;;
*) echo "$*" | sed 's/--quiet //; s/--system //; s/--no-block //' >>/calls ;;
esac
case " $* " in
*" disable --now "*) rm -f /active; echo stop enitune.service >>/calls ;;
esac
case " $* " in
*" is-active "*) [ -e /active ] ;;
*" start "*) : >/active ;;
*" stop "*) rm -f /active ;;
*" enable "* | *" disable "* | *" preset "* | *" is-enabled "*) SYSTEMD_OFFLINE=1 exec /usr/bin/systemctl.real $(echo " $* " | sed 's/ --now / /; s/ --now=[a-z]* / /') ;;
esac
`

// alive makes the system look as if systemd were running.
func (s system) alive() {
	s.t.Helper()
	if err := os.Rename(s.path("/usr/bin/systemctl"), s.path("/usr/bin/systemctl.real")); err != nil {
		s.t.Fatal(err)
	}
	s.write("/usr/bin/systemctl", standIn)
	if err := os.MkdirAll(s.path("/run/systemd/system"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.write("/calls", "")
}

// calls gives what systemd was asked for since the last time.
func (s system) calls() []string {
	s.t.Helper()
	list := strings.Split(strings.TrimSpace(s.read("/calls")), "\n")
	s.write("/calls", "")
	return slices.DeleteFunc(list, func(c string) bool { return c == "" || strings.HasPrefix(c, "is-active") })
}

// wantCalls compares the calls; reloads of systemd's own may come more than once.
func (s system) wantCalls(what string, want ...string) {
	s.t.Helper()
	got := slices.Compact(s.calls())
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: systemd was asked for %q, want %q", what, got, want)
	}
}

// files is every file of the system with its kind, mode, owner and size, but for
// what package managers keep for themselves.
func (s system) files() map[string]string {
	s.t.Helper()
	own := []string{"/var/lib/dpkg", "/var/log", "/var/lib/rpm", "/root/.rpmdb", "/var/lib/dnf", "/var/cache", "/var/lib/systemd", "/calls", "/tmp"}
	found := map[string]string{}
	err := filepath.WalkDir(s.root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, s.root)
		if slices.Contains(own, name) {
			if entry.IsDir() {
				return filepath.SkipDir
			}
			return nil
		}
		if strings.HasSuffix(name, ".deb") || strings.HasSuffix(name, ".rpm") {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size := info.Size()
		if info.IsDir() {
			size = 0
		}
		found[name] = fmt.Sprintf("%v %d", info.Mode(), size)
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// wantFiles compares the system with what it was, but for the given additions.
func (s system) wantFiles(what string, before map[string]string, added ...string) {
	s.t.Helper()
	after := s.files()
	for _, name := range slices.Sorted(maps.Keys(after)) {
		if before[name] != after[name] && !slices.Contains(added, name) {
			s.t.Errorf("%s left %s (%s, was %q)", what, name, after[name], before[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		if _, ok := after[name]; !ok {
			s.t.Errorf("%s took %s away", what, name)
		}
	}
	for _, name := range added {
		if _, ok := after[name]; !ok {
			s.t.Errorf("%s did not leave %s", what, name)
		}
	}
}

// leaveState does what a run of the daemon leaves under systemd, and what the
// operator may have added.
func (s system) leaveState() {
	s.t.Helper()
	s.write("/var/lib/private/enitune/state.json", "{}")
	if err := os.Symlink("private/enitune", s.path("/var/lib/enitune")); err != nil {
		s.t.Fatal(err)
	}
	s.write("/etc/enitune/environment", "HTTPS_PROXY=http://proxy.example.com:3128\n")
}
