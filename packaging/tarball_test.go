//go:build packages

package packaging

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// unpack unpacks this machine's tarball of a build into a folder and gives the
// folder in it.
func unpack(t *testing.T, dist, dir string) string {
	t.Helper()
	archive := one(t, dist, "*-linux-"+runtime.GOARCH+".tar.gz")
	must(t, dir, "tar", "-xf", archive, "--no-same-owner")
	return strings.TrimSuffix(filepath.Base(archive), ".tar.gz")
}

func TestTheInstallScriptUnderSystemd(t *testing.T) {
	s := newSystem(t)
	s.alive()
	if err := os.MkdirAll(s.path("/opt"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := s.files()
	first := "/opt/" + unpack(t, built(t), s.path("/opt"))
	second := "/opt/" + unpack(t, next(t), s.path("/opt"))
	install := func(dir string, args ...string) string {
		t.Helper()
		return s.run("sh", append([]string{dir + "/install.sh"}, args...)...)
	}

	install(first)
	s.wantCalls("installation", "daemon-reload", "start enitune.service")
	s.present(wants+"enitune.service", wants+"enitune-apply.service", "/usr/share/man/man8", "/usr/share/man/man1/enitune-plan.1")
	install(first)
	s.wantCalls("the same again", "daemon-reload", "try-restart enitune.service")
	s.absent("/etc/enitune/config.yaml.new")

	changed := s.read("/etc/enitune/config.yaml") + "# mine\n"
	s.write("/etc/enitune/config.yaml", changed)
	s.remove("/active")
	s.run("systemctl", "disable", "enitune-apply.service")
	if out := install(second); !strings.Contains(out, "/etc/enitune/config.yaml.new") {
		t.Errorf("it does not tell of the new configuration:\n%s", out)
	}
	if s.read("/etc/enitune/config.yaml") != changed {
		t.Error("it changed the operator's configuration")
	}
	s.present("/etc/enitune/config.yaml.new")
	s.absent("/active", wants+"enitune-apply.service")
	if got := s.run("enitune", "version"); !strings.HasPrefix(got, "enitune "+nextVersion) {
		t.Errorf("after the upgrade it is %s", got)
	}
	s.calls()

	s.leaveState()
	install(second, "--uninstall")
	s.wantCalls("removal", "stop enitune.service", "daemon-reload")
	s.absent("/usr/bin/enitune", wants+"enitune.service")
	s.present("/etc/enitune/config.yaml", "/var/lib/private/enitune/state.json")
	install(second, "--purge")
	s.calls()
	s.remove(first)
	s.remove(second)
	// Folders that other programs share stay.
	s.wantFiles("purge", before, sharedFolders(s, before)...)
}

// sharedFolders are the new ones without files: this system lacks what usually
// has them, such as the fish shell.
func sharedFolders(s system, before map[string]string) []string {
	var list []string
	for name := range s.files() {
		entries, err := os.ReadDir(s.path(name))
		if _, old := before[name]; err == nil && !old && !strings.Contains(name, "enitune") && emptyBut(entries) {
			list = append(list, name)
		}
	}
	return list
}

// emptyBut tells whether there are only folders.
func emptyBut(entries []os.DirEntry) bool {
	for _, e := range entries {
		if !e.IsDir() {
			return false
		}
	}
	return true
}

func TestTheInstallScriptNoStartLeavesSystemdAlone(t *testing.T) {
	s := newSystem(t)
	s.alive()
	dir := unpack(t, built(t), s.root)
	s.run("sh", "/"+dir+"/install.sh", "--no-start")
	s.wantCalls("installation", "daemon-reload")
	s.absent(wants + "enitune.service")
}

func TestTheInstallScriptGoesIntoAnotherRootAndPrefix(t *testing.T) {
	dir, root := t.TempDir(), t.TempDir()
	tree := filepath.Join(dir, unpack(t, built(t), dir))
	cmd := []string{"env", "DESTDIR=" + root, "PREFIX=/usr/local", "sh", tree + "/install.sh"}
	must(t, "/", cmd[0], cmd[1:]...)
	unit, err := os.ReadFile(filepath.Join(root, "usr/local/lib/systemd/system/enitune.service"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(unit), "ExecStart=/usr/local/bin/enitune run\n") || strings.Contains(string(unit), "/usr/bin/enitune") {
		t.Error("the unit does not start the program where it is")
	}
	must(t, "/", cmd[0], append(cmd[1:], "--purge")...)
	left := must(t, root, "find", ".", "!", "-type", "d")
	if left != "" {
		t.Errorf("purge left %s", left)
	}
}

func TestTheInstallScriptRefuses(t *testing.T) {
	s := newSystem(t)
	dir := "/" + unpack(t, built(t), s.root)
	for _, tt := range []struct{ line, want string }{
		{"sh " + dir + "/install.sh --upgrade", "--upgrade: no such option"},
		{"PREFIX=here sh " + dir + "/install.sh", "must be an absolute path"},
		{"PREFIX='/a b' sh " + dir + "/install.sh", "use letters, digits"},
		{"mv /usr/bin/systemctl /x; sh " + dir + "/install.sh; code=$?; mv /x /usr/bin/systemctl; exit $code", "there is no systemd here"},
		{"setpriv --reuid 65534 --clear-groups sh " + dir + "/install.sh", "run it as root"},
	} {
		out, err := s.try("sh", "-c", tt.line)
		if err == nil || !strings.Contains(out, tt.want) {
			t.Errorf("%s: %v, %s; want %q", tt.line, err, out, tt.want)
		}
	}
	s.absent("/usr/bin/enitune", "/etc/enitune")
	first, _ := debs(t, s)
	s.run("dpkg", "-i", first)
	if out, err := s.try("sh", dir+"/install.sh"); err == nil || !strings.Contains(out, "installed as a package") {
		t.Errorf("beside the package: %v, %s", err, out)
	}
}
