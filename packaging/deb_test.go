//go:build packages

package packaging

import (
	"os"
	"strings"
	"testing"
)

// debs are this machine's .debs, of this commit and of a next version.
func debs(t *testing.T, s system) (first, second string) {
	t.Helper()
	return s.copy(one(t, built(t), "*_"+debArch()+".deb")), s.copy(one(t, next(t), "*_"+debArch()+".deb"))
}

func TestTheDebWithoutARunningSystemd(t *testing.T) {
	s := newSystem(t)
	first, second := debs(t, s)
	before := s.files()

	s.run("dpkg", "-i", first)
	s.present("/usr/bin/enitune", "/etc/enitune/config.yaml", wants+"enitune.service", wants+"enitune-apply.service")
	s.absent("/run/enitune.install")
	if out := s.run("dpkg", "--verify", "enitune"); out != "" {
		t.Errorf("what is installed is not what is in the package:\n%s", out)
	}
	if out := s.run("enitune", "config", "check"); !strings.Contains(out, "ok") {
		t.Error(out)
	}

	// The operator changes the configuration, and wants no service at boot.
	changed := s.read("/etc/enitune/config.yaml") + "# mine\n"
	s.write("/etc/enitune/config.yaml", changed)
	s.run("systemctl", "disable", "enitune-apply.service")
	s.run("dpkg", "-i", second)
	if got := s.run("enitune", "version"); !strings.HasPrefix(got, "enitune "+nextVersion) {
		t.Errorf("after the upgrade it is %s", got)
	}
	if s.read("/etc/enitune/config.yaml") != changed {
		t.Error("the upgrade changed the operator's configuration")
	}
	s.present(wants + "enitune.service")
	s.absent(wants+"enitune-apply.service", "/etc/enitune/config.yaml.dpkg-dist", "/etc/enitune/config.yaml.dpkg-new")

	s.leaveState()
	s.run("dpkg", "-r", "enitune")
	s.absent("/usr/bin/enitune", "/usr/lib/systemd/system/enitune.service", "/usr/share/doc/enitune")
	s.present("/etc/enitune/config.yaml", "/var/lib/private/enitune/state.json")
	s.run("dpkg", "-P", "enitune")
	s.wantFiles("purge", before)
}

func TestTheDebUnderSystemd(t *testing.T) {
	s := newSystem(t)
	s.alive()
	first, second := debs(t, s)
	before := s.files()

	s.run("dpkg", "-i", first)
	s.wantCalls("installation", "daemon-reload", "start enitune.service")

	s.run("dpkg", "-i", second)
	s.wantCalls("upgrade", "daemon-reload", "try-restart enitune.service")
	s.present("/active")

	s.remove("/active")
	s.run("dpkg", "-i", second)
	s.wantCalls("upgrade of a stopped daemon", "daemon-reload", "try-restart enitune.service")
	s.absent("/active")

	s.run("systemctl", "disable", "enitune.service")
	s.run("dpkg", "-i", second)
	s.absent("/active", wants+"enitune.service")
	s.run("systemctl", "enable", "enitune.service")
	s.calls()

	s.write("/active", "")
	s.run("dpkg", "-r", "enitune")
	s.wantCalls("removal", "stop enitune.service enitune-apply.service", "daemon-reload")

	// dpkg tells the script of a package that was removed the old version, too.
	s.run("dpkg", "-i", second)
	s.wantCalls("installation after a removal", "daemon-reload", "start enitune.service")
	s.present("/active")

	s.run("dpkg", "-P", "enitune")
	s.absent("/active")
	s.wantFiles("purge", before)
}

// dpkg ends an unpacking that fails with postrm abort-install.
func TestAFailedInstallationLeavesNoMark(t *testing.T) {
	s := newSystem(t)
	s.alive()
	first, _ := debs(t, s)
	const list = "/var/lib/dpkg/info/base-files.list"
	s.write(list, s.read(list)+"/usr/bin/enitune\n")
	s.write("/usr/bin/enitune", "another package's")
	if out, err := s.try("dpkg", "-i", first); err == nil {
		t.Errorf("it went through:\n%s", out)
	}
	s.absent("/run/enitune.install")
}

func TestTheDebHeedsThePolicyOfTheSystem(t *testing.T) {
	s := newSystem(t)
	s.alive()
	first, second := debs(t, s)
	s.write("/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n")
	s.run("dpkg", "-i", first)
	s.run("dpkg", "-i", second)
	s.wantCalls("with a policy against it", "daemon-reload")
	s.present(wants + "enitune.service")
}

func TestPurgeKeepsTheOperatorsOwnFiles(t *testing.T) {
	s := newSystem(t)
	first, _ := debs(t, s)
	s.run("dpkg", "-i", first)
	s.write("/etc/enitune/web.yaml", "")
	s.run("dpkg", "-P", "enitune")
	s.present("/etc/enitune/web.yaml")
	s.absent("/etc/enitune/config.yaml")
}

// As docs/install.md has it for a fleet that is to be looked at first.
func TestAConfigurationFromBeforeTheInstallationIsKept(t *testing.T) {
	const mine = "reconcile:\n  mode: observe\n"
	t.Run("deb", func(t *testing.T) {
		s := newSystem(t)
		first, second := debs(t, s)
		s.write("/etc/enitune/config.yaml", mine)
		s.run("dpkg", "--force-confold", "-i", first)
		s.run("dpkg", "-i", second) // the package's own is the same as before: nothing is asked
		if got := s.read("/etc/enitune/config.yaml"); got != mine {
			t.Errorf("it is now:\n%s", got)
		}
	})
	t.Run("rpm", func(t *testing.T) {
		s := newRPMSystem(t)
		first, second := rpms(t)
		s.write("/etc/enitune/config.yaml", mine)
		s.rpm("-i", first)
		s.rpm("-U", second)
		if got := s.read("/etc/enitune/config.yaml"); got != mine {
			t.Errorf("it is now:\n%s", got)
		}
	})
}

func TestTheMaintainerScriptsRefuseWhatTheyDoNotKnow(t *testing.T) {
	if out, err := output("deb", "sh", "postinst", "unheard-of"); err == nil {
		t.Errorf("it took it: %s", out)
	}
	if _, err := os.Stat("deb/config"); err == nil {
		t.Error("debconf asks questions; nothing here needs one")
	}
}
