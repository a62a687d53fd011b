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
	s.wantCalls("purge after a removal")
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
		{"DESTDIR=here sh " + dir + "/install.sh", "DESTDIR is \"here\": it must be an absolute path"},
		{"PREFIX=/ sh " + dir + "/install.sh", "use /usr"},
		{"PREFIX=/opt/../home sh " + dir + "/install.sh", "without //, . and .."},
		{"PREFIX=/home/me sh " + dir + "/install.sh", "ProtectHome=yes"},
		{"PREFIX=/var/tmp/x sh " + dir + "/install.sh", "PrivateTmp=yes"},
		{"sh " + dir + "/install.sh --uninstall", "nothing of enitune"},
		{"PREFIX=/opt/x sh " + dir + "/install.sh --purge", "nothing of enitune under /opt/x"},
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

// prefixed is a system with the first version under /opt/x.
func prefixed(t *testing.T) (s system, installer string) {
	t.Helper()
	s = newSystem(t)
	s.alive()
	installer = "/" + unpack(t, built(t), s.root) + "/install.sh"
	s.run("env", "PREFIX=/opt/x", "sh", installer)
	s.wantCalls("installation", "daemon-reload", "start enitune.service")
	s.present("/opt/x/bin/enitune", "/etc/systemd/system/enitune.service", wants+"enitune.service", wants+"enitune-apply.service")
	return s, installer
}

func TestTheInstallScriptFindsWhereItInstalled(t *testing.T) {
	s, installer := prefixed(t)
	out, err := s.try("env", "PREFIX=/usr/local", "sh", installer, "--purge")
	if err == nil || !strings.Contains(out, "nothing of enitune under /usr/local; it is installed under /opt/x") {
		t.Errorf("with another PREFIX: %v, %s", err, out)
	}
	s.present("/active", "/opt/x/bin/enitune", "/etc/enitune/config.yaml")
	s.run("sh", installer)
	s.wantCalls("upgrade without PREFIX", "daemon-reload", "try-restart enitune.service")
	s.absent("/usr/bin/enitune")
	s.leaveState()
	s.run("sh", installer, "--purge")
	s.wantCalls("purge without PREFIX", "stop enitune.service", "daemon-reload")
	s.absent("/opt/x/bin/enitune", "/opt/x/share/doc/enitune", "/etc/systemd/system/enitune.service", "/etc/systemd/system/enitune-apply.service",
		wants+"enitune.service", wants+"enitune-apply.service", "/etc/enitune", "/var/lib/private/enitune")
}

func TestTheInstallScriptMovesToAnotherPrefix(t *testing.T) {
	s, installer := prefixed(t)
	s.run("systemctl", "disable", "enitune-apply.service")
	s.run("env", "PREFIX=/usr", "sh", installer)
	s.wantCalls("moving", "daemon-reload", "try-restart enitune.service")
	s.absent("/opt/x/bin/enitune", "/etc/systemd/system/enitune.service", "/etc/systemd/system/enitune-apply.service", wants+"enitune-apply.service")
	s.present("/usr/bin/enitune", wants+"enitune.service", "/active")
	if to, err := os.Readlink(s.path(wants + "enitune.service")); err != nil || !strings.HasSuffix(to, "/usr/lib/systemd/system/enitune.service") && to != "/lib/systemd/system/enitune.service" {
		t.Errorf("the unit that is enabled is %s, %v", to, err)
	}
}

// An example has to name the program where it is.
func TestTheInstallScriptFillsInThePrefix(t *testing.T) {
	s, _ := prefixed(t)
	conf := s.read("/opt/x/share/doc/enitune/examples/debug.conf")
	if !strings.Contains(conf, "ExecStart=/opt/x/bin/enitune run") {
		t.Errorf("the example has:\n%s", conf)
	}
	if out, err := s.try("grep", "-rl", "/usr/bin/enitune", "/opt/x/share", "/etc/systemd/system"); err == nil {
		t.Errorf("the program is named where it is not:\n%s", out)
	}
}

func TestTheInstallScriptLeavesAMaskedUnitMasked(t *testing.T) {
	s := newSystem(t)
	s.alive()
	const mask = "/etc/systemd/system/enitune.service"
	if err := os.Symlink("/dev/null", s.path(mask)); err != nil {
		t.Fatal(err)
	}
	installer := "/" + unpack(t, built(t), s.root) + "/install.sh"
	out, err := s.try("env", "PREFIX=/opt/x", "sh", installer)
	if err == nil || !strings.Contains(out, "is a link") {
		t.Errorf("it would replace the mask: %v, %s", err, out)
	}
	if out := s.run("sh", installer); !strings.Contains(out, "enitune.service is masked; not enabled") {
		t.Errorf("it does not say so:\n%s", out)
	}
	s.wantCalls("installation", "daemon-reload")
	s.present(wants + "enitune-apply.service")
	s.absent(wants+"enitune.service", "/active")
	s.run("sh", installer, "--purge")
	s.present(mask)
	s.absent("/usr/bin/enitune", wants+"enitune-apply.service")
}

func TestTheInstallScriptIntoTheRootItselfStartsNothing(t *testing.T) {
	s := newSystem(t)
	s.alive()
	installer := "/" + unpack(t, built(t), s.root) + "/install.sh"
	s.run("env", "DESTDIR=/", "sh", installer)
	s.wantCalls("installation")
	s.present("/usr/bin/enitune", "/usr/lib/systemd/system/enitune.service")
	s.absent(wants+"enitune.service", "/active")
}

func TestAnUpgradeTellsOfARefusedConfiguration(t *testing.T) {
	const bad = "reconcile: {mode: sometimes}\n"
	const want = "the configuration is refused, and the daemon cannot start with it; type: "
	check := func(t *testing.T, s system, upgrade func() string) {
		t.Helper()
		if out := upgrade(); strings.Contains(out, want) {
			t.Errorf("a good one is refused:\n%s", out)
		}
		s.calls()
		s.write("/etc/enitune/config.yaml", bad)
		if out := upgrade(); strings.Count(out, want) != 1 {
			t.Errorf("it is not told once:\n%s", out)
		}
		s.wantCalls("upgrade", "daemon-reload", "try-restart enitune.service")
	}
	t.Run("deb", func(t *testing.T) {
		s := newSystem(t)
		s.alive()
		_, second := debs(t, s)
		s.run("dpkg", "-i", second)
		check(t, s, func() string { return s.run("dpkg", "-i", second) })
	})
	t.Run("rpm", func(t *testing.T) {
		s := newRPMSystem(t)
		s.alive()
		_, second := rpms(t)
		s.rpm("-i", second)
		check(t, s.system, func() string { return s.rpmAll("-U", "--force", second) })
	})
	t.Run("tarball", func(t *testing.T) {
		s := newSystem(t)
		s.alive()
		installer := "/" + unpack(t, built(t), s.root) + "/install.sh"
		s.run("sh", installer)
		check(t, s, func() string { return s.run("sh", installer) })
	})
}

// enitune-apply.service would wait for the mount, the mount for the network, and
// the network for enitune-apply.service.
func TestNothingWaitsForAStateOnTheNetwork(t *testing.T) {
	for name, mount := range map[string]string{
		"nfs":     `*FSTYPE*) echo nfs4 ;; *OPTIONS*) echo rw ;;`,
		"_netdev": `*FSTYPE*) echo ext4 ;; *--fstab*) echo defaults,_netdev ;; *OPTIONS*) echo rw ;;`,
		"local":   `*FSTYPE*) echo ext4 ;; *OPTIONS*) echo rw ;;`,
	} {
		findmnt := "#!/bin/sh\ncase \"$*\" in *TARGET*) echo /var ;; " + mount + " esac\n"
		check := func(t *testing.T, s system, out string) {
			t.Helper()
			s.present(wants + "enitune.service")
			told := strings.Contains(out, "/var/lib is mounted over the network")
			if remote := name != "local"; s.exists(wants+"enitune-apply.service") == remote || told != remote {
				t.Errorf("%s: enabled: %v, said: %s", name, !remote, out)
			}
		}
		t.Run("deb "+name, func(t *testing.T) {
			s := newSystem(t)
			s.write("/usr/bin/findmnt", findmnt)
			first, second := debs(t, s)
			out := s.run("dpkg", "-i", first)
			s.run("dpkg", "-i", second)
			check(t, s, out)
		})
		t.Run("rpm "+name, func(t *testing.T) {
			s := newRPMSystem(t)
			s.write("/usr/bin/findmnt", findmnt)
			first, second := rpms(t)
			out := s.rpmAll("-i", first)
			s.rpm("-U", second)
			check(t, s.system, out)
		})
		t.Run("tarball "+name, func(t *testing.T) {
			s := newSystem(t)
			s.write("/usr/bin/findmnt", findmnt)
			installer := "/" + unpack(t, built(t), s.root) + "/install.sh"
			check(t, s, s.run("sh", installer))
		})
	}
}

func TestTheInstallScriptInAChrootEnablesForTheFirstBoot(t *testing.T) {
	s := newSystem(t)
	installer := "/" + unpack(t, built(t), s.root) + "/install.sh"
	s.run("sh", installer)
	s.present(wants+"enitune.service", wants+"enitune-apply.service")
	s.run("sh", installer, "--uninstall")
	s.absent(wants+"enitune.service", wants+"enitune-apply.service")
}
