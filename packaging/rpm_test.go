//go:build packages

package packaging

import (
	"path/filepath"
	"strings"
	"testing"
)

// ground is an .rpm that provides what enitune's requires: the system under test
// comes from .debs, of which rpm knows nothing.
const ground = `name: ground
arch: all
version: 1.0.0
maintainer: test <test@example.com>
description: what the system has already
provides: [/bin/sh, systemd]
`

// rpmSystem is a system with an empty rpm database but for the ground.
type rpmSystem struct{ system }

func newRPMSystem(t *testing.T) rpmSystem {
	t.Helper()
	need(t, "rpm")
	s := rpmSystem{newSystem(t)}
	dir := t.TempDir()
	config := filepath.Join(dir, "ground.yaml")
	if err := writeFile(config, ground); err != nil {
		t.Fatal(err)
	}
	must(t, "..", "go", "tool", "-modfile=internal/tools/nfpm.mod", "nfpm", "package", "--config", config, "--packager", "rpm", "--target", dir+"/")
	s.rpm("-i", one(t, dir, "ground-*.rpm"))
	return s
}

func (s rpmSystem) rpm(args ...string) string {
	s.t.Helper()
	return must(s.t, "/", "rpm", append([]string{"--root", s.root}, args...)...)
}

// rpmAll is rpm with what it and the scriptlets say on either output.
func (s rpmSystem) rpmAll(args ...string) string {
	s.t.Helper()
	return must(s.t, "/", "sh", append([]string{"-c", `exec rpm --root "$@" 2>&1`, "sh", s.root}, args...)...)
}

// rpms are this machine's .rpms, of this commit and of a next version.
func rpms(t *testing.T) (first, second string) {
	t.Helper()
	return one(t, built(t), "*."+rpmArch()+".rpm"), one(t, next(t), "*."+rpmArch()+".rpm")
}

func TestTheRPMWithoutARunningSystemd(t *testing.T) {
	s := newRPMSystem(t)
	first, second := rpms(t)
	before := s.files()

	s.rpm("-i", first)
	s.present("/usr/bin/enitune", "/etc/enitune/config.yaml", wants+"enitune.service", wants+"enitune-apply.service")
	if out := s.rpm("-V", "enitune"); out != "" {
		t.Errorf("what is installed is not what is in the package:\n%s", out)
	}
	if got := strings.Fields(s.rpm("-qc", "enitune")); len(got) != 1 || got[0] != "/etc/enitune/config.yaml" {
		t.Errorf("configuration files: %v", got)
	}

	changed := s.read("/etc/enitune/config.yaml") + "# mine\n"
	s.write("/etc/enitune/config.yaml", changed)
	s.run("systemctl", "disable", "enitune-apply.service")
	s.rpm("-U", second)
	if got := s.run("enitune", "version"); !strings.HasPrefix(got, "enitune "+nextVersion) {
		t.Errorf("after the upgrade it is %s", got)
	}
	if s.read("/etc/enitune/config.yaml") != changed {
		t.Error("the upgrade changed the operator's configuration")
	}
	s.present(wants + "enitune.service")
	s.absent(wants+"enitune-apply.service", "/etc/enitune/config.yaml.rpmnew")

	// rpm has no purge: what was changed or made later stays, as documented.
	s.leaveState()
	s.rpm("-e", "enitune")
	s.wantFiles("erasing", before, append(sharedFolders(s.system, before), "/etc/enitune", "/etc/enitune/config.yaml.rpmsave", "/etc/enitune/environment",
		"/var/lib/enitune", "/var/lib/private/enitune", "/var/lib/private/enitune/state.json")...)
}

func TestErasingTheRPMLeavesNothingOfItsOwn(t *testing.T) {
	s := newRPMSystem(t)
	first, _ := rpms(t)
	before := s.files()
	s.rpm("-i", first)
	s.rpm("-e", "enitune")
	s.wantFiles("erasing", before, sharedFolders(s.system, before)...)
}

func TestTheRPMUnderSystemd(t *testing.T) {
	s := newRPMSystem(t)
	s.alive()
	first, second := rpms(t)

	s.rpm("-i", first)
	s.wantCalls("installation", "daemon-reload", "start enitune.service")

	s.rpm("-U", second)
	s.wantCalls("upgrade", "daemon-reload", "try-restart enitune.service")
	s.present("/active")

	s.remove("/active")
	s.rpm("-U", "--force", second)
	s.absent("/active")
	s.calls()

	s.write("/active", "")
	s.rpm("-e", "enitune")
	s.wantCalls("erasing", "stop enitune.service", "daemon-reload")
	s.absent("/active", wants+"enitune.service", wants+"enitune-apply.service")
}

func TestASystemWhosePresetsSayNoKeepsTheRPMsServicesOff(t *testing.T) {
	s := newRPMSystem(t)
	s.alive()
	first, _ := rpms(t)
	s.write("/etc/systemd/system-preset/00-none.preset", "disable *\n")
	s.rpm("-i", first)
	s.absent(wants+"enitune.service", wants+"enitune-apply.service", "/active")
}

func TestDNFInstallsUpgradesAndRemovesTheRPM(t *testing.T) {
	dnf := need(t, "dnf")
	s := newRPMSystem(t)
	first, second := rpms(t)
	run := func(args ...string) {
		t.Helper()
		must(t, "/", dnf, append([]string{"--installroot", s.root, "--releasever", "9", "--disablerepo", "*", "--setopt", "cachedir=/var/cache/dnf",
			"--setopt", "reposdir=/nonexistent", "--assumeyes", "--cacheonly"}, args...)...)
	}
	run("install", first)
	s.present("/usr/bin/enitune", wants+"enitune.service")
	run("upgrade", second)
	if got := s.run("enitune", "version"); !strings.HasPrefix(got, "enitune "+nextVersion) {
		t.Errorf("after the upgrade it is %s", got)
	}
	run("remove", "enitune")
	s.absent("/usr/bin/enitune", wants+"enitune.service", "/etc/enitune")
}
