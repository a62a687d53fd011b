//go:build lab

package boot

import (
	"regexp"
	"testing"
)

// baseSpec is a package that provides what every system with rpm has, and a Debian has from elsewhere.
const baseSpec = `Name: base
Version: 1
Release: 1
Summary: What Debian's packages provide
License: none
BuildArch: noarch
Provides: /bin/sh systemd
%description
%files
`

// TestRPM installs, upgrades and removes the .rpm, with dnf and with rpm.
func TestRPM(t *testing.T) {
	s := newSystem(t, twoENIs()...)
	s.cloud.up()
	s.boot(boot{})
	if err := s.guest.WriteFile(t.Context(), "/root/base.spec", []byte(baseSpec), 0o644); err != nil {
		t.Fatal(err)
	}
	s.sh("cd /root; rpmbuild -bb --quiet base.spec >&2; rpm -i rpmbuild/RPMS/noarch/base-1-1.noarch.rpm")

	t.Log(s.sh("dnf --disablerepo='*' --nogpgcheck -y install /root/" + rpm(version) + " 2>&1"))
	s.await(`eth1 queues: 2 -> 4`)
	s.await(`desired state.*origin=api`)
	s.want("enitune.service", s.states("enitune.service"), "enabled active running")
	s.want("enitune-apply.service", s.states("enitune-apply.service"), "enabled inactive dead")
	s.want("rpm --verify", s.try("rpm", "--verify", "--nodeps", "enitune").Stdout, "")

	pid := s.pid()
	s.run("sh", "-c", "echo 'cloud: {timeout: 9s}' >/etc/enitune/config.yaml")
	t.Log(s.sh("rpm -U /root/" + rpm(nextVersion) + " 2>&1"))
	s.await(`enitune starts version=` + regexp.QuoteMeta(nextVersion))
	s.await(`desired state.*origin=api`)
	if now := s.pid(); now == pid || now == "0" {
		t.Errorf("after the upgrade the daemon's PID is %s, it was %s", now, pid)
	}
	s.want("the configuration", s.run("cat", "/etc/enitune/config.yaml"), "cloud: {timeout: 9s}")

	t.Log(s.sh("rpm -e enitune 2>&1"))
	s.want("enitune.service", s.show("enitune.service", "LoadState")+" "+s.show("enitune.service", "ActiveState"), "not-found inactive")
	s.want("processes", s.try("pgrep", "-a", "enitune").Stdout, "")
	s.want("links", s.sh("ls /etc/systemd/system/multi-user.target.wants | grep enitune || true"), "")
	s.want("files", s.sh("find /usr /etc -name '*enitune*' ! -name 'config.yaml.rpmsave' | sort"), "/etc/enitune")
	s.want("failed units", s.run("systemctl", "--failed", "--quiet", "--plain", "--no-legend"), "")
	s.want("eth1", s.nic("eth1"), "queues=4 rx=1024")
}
