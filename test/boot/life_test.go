//go:build lab

package boot

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/internal/ecssim"
)

// everyFile lists the files of the system's disk.
const everyFile = `find / -xdev ! -path '/root/*' ! -path '/var/log/*' ! -path '/var/cache/*' ! -path '/var/lib/dpkg/*' ` +
	`! -path '/var/lib/apt/*' ! -path '/var/lib/systemd/*' ! -path '/tmp/*' ! -path '/var/tmp/*' ! -path '/run/*' | sort`

// config sets eth1's rx ring below what the driver takes at boot.
const config = `# edited by hand
nics:
  - match: {device: eth1}
    rx_ring: 256
`

// TestALife installs the package on one machine, reboots it with the cloud away, upgrades, downgrades and removes it.
func TestALife(t *testing.T) {
	s := newSystem(t, twoENIs()...)
	s.cloud.up()
	s.boot(boot{})
	before := s.sh(everyFile)
	s.run("ethtool", "-G", "eth1", "rx", "256")

	s.firstInstallation()
	s.run("sh", "-c", "cat >/etc/enitune/config.yaml <<'END'\n"+config+"END")
	s.run("systemctl", "reload", "enitune.service")
	s.await(`eth1 rx_ring: 512 -> 256`)
	s.shutdown()

	s.cloud.down()
	s.boot(boot{})
	s.bootInTheDark()
	s.cloudComesBack()
	s.shutdown()

	// Another kernel, NICs whose driver udev loads, and an ENI that was given 8 queues while the machine was off.
	if err := s.cloud.UpdateENI("eni-1", func(e *ecssim.ENI) { *e.QueueNumber = 8 }); err != nil {
		t.Fatal(err)
	}
	s.boot(boot{kernel: "6.1", queues: 8, lateDrivers: true})
	s.otherKernel()

	s.upgrade()
	s.removal(before)
}

func (s *system) firstInstallation() {
	s.t.Helper()
	s.t.Log(s.install(version))
	s.await(`eth1 queues: 2 -> 4`)
	s.await(`eth1 rx_ring: 256 -> 512`)
	s.await(`desired state.*origin=api`)
	s.want("enitune.service", s.states("enitune.service"), "enabled active running")
	s.want("enitune-apply.service", s.states("enitune-apply.service"), "enabled inactive dead")
	s.want("the system", s.run("systemctl", "is-system-running"), "running")
	s.want("failed units", s.run("systemctl", "--failed", "--quiet", "--plain", "--no-legend"), "")
	s.want("eth0", s.nic("eth0"), "queues=2 rx=1024")
	s.want("eth1", s.nic("eth1"), "queues=4 rx=512")
	s.want("version", strings.Fields(s.run("enitune", "version"))[1], version)
	s.wantStatus(`2 ENIs in sync`)
}

// bootInTheDark looks at a boot without the cloud, on which enitune-apply has put the NICs in line from what is on disk.
func (s *system) bootInTheDark() {
	s.t.Helper()
	s.want("enitune-apply.service", s.states("enitune-apply.service"), "enabled active exited")
	s.want("its exit code", s.show("enitune-apply.service", "ExecMainStatus"), "0")
	s.want("the system", s.run("systemctl", "is-system-running"), "running")
	s.want("eth1", s.nic("eth1"), "queues=4 rx=256")
	changes := s.run("journalctl", "--boot", "--unit=enitune-apply.service", "--output=cat")
	for _, line := range []string{"eth1 queues: 2 -> 4", "eth1 rx_ring: 1024 -> 256"} {
		if !strings.Contains(changes, line) {
			s.t.Errorf("enitune-apply did not log %q:\n%s", line, changes)
		}
	}
	s.appliedBeforeTheNetwork()
	s.t.Log(s.sh("systemd-analyze blame --no-pager | grep -E 'enitune|networkd'; systemd-analyze critical-chain --no-pager network-pre.target"))
	s.wantStatus(`stale`)
}

// appliedBeforeTheNetwork compares times: enitune-apply had ended before anything configured a NIC.
func (s *system) appliedBeforeTheNetwork() {
	s.t.Helper()
	const apply = "enitune-apply.service"
	moments := []struct {
		what string
		at   time.Duration
	}{
		{"enitune-apply starts", s.monotonic(apply, "ExecMainStartTimestampMonotonic")},
		{"enitune-apply is done", s.monotonic(apply, "ActiveEnterTimestampMonotonic")},
		{"network-pre.target", s.monotonic("network-pre.target", "ActiveEnterTimestampMonotonic")},
		{"systemd-networkd starts", s.monotonic("systemd-networkd.service", "ExecMainStartTimestampMonotonic")},
		{"network.target", s.monotonic("network.target", "ActiveEnterTimestampMonotonic")},
	}
	for i, m := range moments {
		s.t.Logf("%8.3f s  %s", m.at.Seconds(), m.what)
		if m.at == 0 || i > 0 && m.at < moments[i-1].at {
			s.t.Errorf("%s at %v, which is not after %s", m.what, m.at, moments[max(i-1, 0)].what)
		}
	}
}

// cloudComesBack has the daemon, which has known only what is on disk, complete its job.
func (s *system) cloudComesBack() {
	s.t.Helper()
	s.await(`desired state.*origin=cache stale=true`)
	s.cloud.up()
	s.run("enitune", "refresh")
	s.await(`desired state.*origin=api stale=false`)
	s.wantStatus(`2 ENIs in sync`)
}

func (s *system) otherKernel() {
	s.t.Helper()
	s.want("kernel", s.run("uname", "-r")[:4], "6.1.")
	s.await(`eth1 queues: \d -> 8`)
	s.await(`desired state.*origin=api`)
	s.want("enitune.service", s.states("enitune.service"), "enabled active running")
	s.want("enitune-apply.service", s.states("enitune-apply.service"), "enabled active exited")
	s.want("the system", s.run("systemctl", "is-system-running"), "running")
	s.want("eth1", s.nic("eth1"), "queues=8 rx=256")
	s.appliedBeforeTheNetwork()
	s.t.Log("NICs whose driver udev loads: " + s.run("journalctl", "--boot", "--unit=enitune-apply.service", "--output=short-monotonic"))
}

// upgrade goes to the next version and back, with a daemon that runs and with one that was stopped.
func (s *system) upgrade() {
	s.t.Helper()
	pid := s.pid()
	s.t.Log(s.install(nextVersion))
	s.await(`enitune starts version=` + regexp.QuoteMeta(nextVersion))
	s.await(`desired state.*origin=api`)
	if now := s.pid(); now == pid || now == "0" {
		s.t.Errorf("after the upgrade the daemon's PID is %s, it was %s", now, pid)
	}
	if !strings.Contains(s.metrics(), `version="`+nextVersion+`"`) {
		s.t.Error("the metrics do not tell the new version")
	}
	s.want("the configuration", s.run("cat", "/etc/enitune/config.yaml")+"\n", config)

	s.run("systemctl", "stop", "enitune.service")
	s.t.Log(s.sh("apt-get install -y --allow-downgrades /root/" + deb(version) + " 2>&1"))
	s.want("a stopped daemon after a downgrade", s.states("enitune.service"), "enabled inactive dead")
	s.want("the configuration", s.run("cat", "/etc/enitune/config.yaml")+"\n", config)
	s.run("systemctl", "start", "enitune.service")
	s.await(`enitune starts version=` + regexp.QuoteMeta(version))
	s.await(`desired state.*origin=`)
}

// removal removes and purges the package; before is what there was before it came.
func (s *system) removal(before string) {
	s.t.Helper()
	s.t.Log(s.run("apt-get", "remove", "-y", "enitune"))
	s.want("after remove, enitune.service", s.show("enitune.service", "LoadState")+" "+s.show("enitune.service", "ActiveState"), "not-found inactive")
	s.want("after remove, the configuration", s.run("cat", "/etc/enitune/config.yaml")+"\n", config)
	s.want("processes", s.try("pgrep", "-a", "enitune").Stdout, "")
	s.t.Log(s.run("apt-get", "purge", "-y", "enitune"))
	s.want("failed units", s.run("systemctl", "--failed", "--quiet", "--plain", "--no-legend"), "")
	s.want("eth1", s.nic("eth1"), "queues=8 rx=256")

	known := strings.Split(before, "\n")
	for _, file := range strings.Split(s.sh(everyFile), "\n") {
		// systemd makes its folder for the state of services with dynamic users once, and keeps it.
		if _, found := slices.BinarySearch(known, file); !found && file != "/var/lib/private" {
			s.t.Errorf("left behind: %s", file)
		}
	}
	s.want("units", s.run("systemctl", "list-units", "--all", "--plain", "--no-legend", "enitune*"), "")
}
