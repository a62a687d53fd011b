//go:build lab

package boot

import (
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/lab"
	"github.com/enitune/enitune/test/world"
)

const (
	mac0      = "00:16:3e:10:00:00"
	mac1      = "00:16:3e:10:00:01"
	mac2      = "00:16:3e:10:00:02"
	guestAddr = "10.99.0.2"
	serial    = "5e1f0a0e-77f4-4a31-9a52-000000000001"
	statePath = "/var/lib/enitune/state.json"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 2 * time.Minute

// system is a Debian that boots again and again, and its cloud.
type system struct {
	t     *testing.T
	cloud *site
	disk  *lab.Disk
	guest *lab.Guest
	log   *lab.Proc // follows the journal of the two services since boot
}

// boot says how a boot differs from the usual one.
type boot struct {
	kernel      string
	queues      int // of eth1; 0 means 4
	lateDrivers bool
}

func newSystem(t *testing.T, enis ...ecssim.ENI) *system {
	t.Helper()
	return &system{t: t, cloud: newSite(t, enis...), disk: lab.NewDisk(t)}
}

// twoENIs are those of eth0, with as many queues as the driver takes by itself, and of eth1, with more queues and a shorter
// ring than that.
func twoENIs() []ecssim.ENI {
	second := world.ENI("eni-1", mac1, 4)
	second.Tags = map[string]string{"enitune:rx-queue-size": "512"}
	return []ecssim.ENI{world.ENI("eni-0", mac0, 2), second}
}

// boot boots the system and waits until that is done.
func (s *system) boot(b boot) {
	s.t.Helper()
	if b.queues == 0 {
		b.queues = 4
	}
	s.guest = lab.Boot(s.t, lab.Options{
		Kernel: b.kernel, CPUs: 2, Serial: serial, Disk: s.disk, LateDrivers: b.lateDrivers,
		NICs: []lab.NIC{
			{ID: "n0", MAC: mac0, Queues: 2, HostAddrs: []string{world.MetadataAddress + "/32", "10.99.0.1/24"}, GuestAddr: guestAddr + "/24"},
			{ID: "n1", MAC: mac1, Queues: b.queues, HostAddrs: []string{"10.99.1.1/24"}, GuestAddr: "10.99.1.2/24"},
		},
		Hosts: map[string]string{world.ECSHost: world.MetadataAddress},
		Files: map[string]string{
			"/etc/ssl/certs/lab.pem":    s.cloud.ca,
			"/root/" + deb(version):     built(deb(version)),
			"/root/" + deb(nextVersion): built(deb(nextVersion)),
			"/root/" + rpm(version):     built(rpm(version)),
			"/root/" + rpm(nextVersion): built(rpm(nextVersion)),
		},
	})
	s.log = s.guest.Start(s.t.Context(), nil, "journalctl", "--follow", "--lines=all", "--boot", "--output=cat",
		"--unit=enitune.service", "--unit=enitune-apply.service")
	s.try("systemctl", "is-system-running", "--wait")
}

// shutdown powers the system off in order.
func (s *system) shutdown() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	if err := s.guest.Shutdown(ctx); err != nil {
		s.t.Fatal(err)
	}
}

// try runs a command to its end, whatever that is.
func (s *system) try(argv ...string) lab.Result {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	return s.guest.Run(ctx, argv...)
}

// run runs a command that must end with code 0 and returns what it wrote to stdout, without the last line end.
func (s *system) run(argv ...string) string {
	s.t.Helper()
	r := s.try(argv...)
	if r.Code != 0 {
		s.t.Fatalf("%q ended with %+v", argv, r)
	}
	return strings.TrimSuffix(r.Stdout, "\n")
}

// sh runs a shell command that must end with code 0.
func (s *system) sh(script string) string {
	s.t.Helper()
	return s.run("sh", "-ec", script)
}

// show reads a property of a unit.
func (s *system) show(unit, property string) string {
	s.t.Helper()
	return s.run("systemctl", "show", "--value", "--property="+property, unit)
}

// monotonic reads a time of a unit, which systemd gives in microseconds since the kernel's start.
func (s *system) monotonic(unit, property string) time.Duration {
	s.t.Helper()
	text := s.show(unit, property)
	us, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		s.t.Fatalf("%s of %s: %v", property, unit, err)
	}
	return time.Duration(us) * time.Microsecond
}

// await waits for a line in the journal of the services, behind the one that it found before.
func (s *system) await(pattern string) string {
	s.t.Helper()
	return s.awaitIn(s.log, pattern)
}

// awaitIn waits for a line that a command writes.
func (s *system) awaitIn(p *lab.Proc, pattern string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	line, err := p.WaitLine(ctx, regexp.MustCompile(pattern))
	if err != nil {
		s.t.Fatal(err)
	}
	return line
}

// want reports a difference.
func (s *system) want(what, got, want string) {
	s.t.Helper()
	if got != want {
		s.t.Errorf("%s: got %q, want %q", what, got, want)
	}
}

// nic reads what is in force at a NIC with the real ethtool: combined channels and the rx ring.
func (s *system) nic(device string) string {
	s.t.Helper()
	return "queues=" + s.current("-l", device, "Combined:") + " rx=" + s.current("-g", device, "RX:")
}

func (s *system) current(flag, device, row string) string {
	s.t.Helper()
	_, current, _ := strings.Cut(s.run("ethtool", flag, device), "Current hardware settings:")
	m := regexp.MustCompile(`(?m)^` + row + `\s+(\d+)`).FindStringSubmatch(current)
	if m == nil {
		s.t.Fatalf("no %s in %q", row, current)
	}
	return m[1]
}

// install installs the package of a version with apt.
func (s *system) install(version string) string {
	s.t.Helper()
	return s.sh("DEBIAN_FRONTEND=noninteractive apt-get install -y /root/" + deb(version) + " 2>&1")
}
