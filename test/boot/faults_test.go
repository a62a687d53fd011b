//go:build lab

package boot

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/lab"
	"github.com/enitune/enitune/test/world"
)

// quick makes the waits of systemd short, and the wait for the cloud long against them.
const quick = `mkdir -p /run/systemd/system/enitune.service.d
cat >/run/systemd/system/enitune.service.d/quick.conf <<END
[Service]
RestartSec=100ms
WatchdogSec=5s
END
systemctl daemon-reload
systemctl restart enitune.service`

// TestFaults makes everything go wrong on one machine, one after the other.
func TestFaults(t *testing.T) {
	s := newSystem(t, world.ENI("eni-0", mac0, 2), world.ENI("eni-1", mac1, 4))
	s.cloud.up()
	s.boot(boot{})
	s.install(version)
	s.await(`desired state.*origin=api`)

	for _, fault := range []struct {
		name string
		f    func(*system)
	}{
		{"a daemon that is killed comes back and heals what happened meanwhile", (*system).killed},
		{"a new NIC is put in line, and its journal entries have fields", (*system).hotPlug},
		{"a broken configuration is refused and the old one stays in force", (*system).brokenConfig},
		{"a good configuration takes force without a restart", (*system).goodConfig},
		{"killed again and again, the daemon comes back", (*system).killedOften},
		{"a daemon that is stuck is restarted by the watchdog", (*system).stuck},
		{"a cloud that never answers does not trigger the watchdog", (*system).silentCloud},
	} {
		t.Run(fault.name, func(t *testing.T) {
			s.t = t
			fault.f(s)
		})
		if t.Failed() {
			return // what follows builds on it
		}
	}
}

func (s *system) killed() {
	pid := s.pid()
	s.run("kill", "-KILL", pid)
	s.run("ethtool", "-L", "eth1", "combined", "1")
	s.await(`enitune starts`)
	s.await(`eth1 queues: 1 -> 4`)
	s.await(`desired state.*origin=api`)
	s.want("eth1", s.nic("eth1"), "queues=4 rx=1024")
	if now := s.pid(); now == pid || now == "0" {
		s.t.Errorf("the daemon's PID is %s, it was %s", now, pid)
	}
	s.want("its restarts", s.show("enitune.service", "NRestarts"), "1")
}

func (s *system) killedOften() {
	s.sh(quick)
	s.await(`enitune starts`)
	s.await(`desired state.*origin=api`)
	// More often than systemd's usual limit, five starts in ten seconds, would bear.
	const times = 8
	s.sh(fmt.Sprintf(`begin=$(systemctl show --value --property=NRestarts enitune.service)
		until [ "$(systemctl show --value --property=NRestarts enitune.service)" -ge $((begin + %d)) ]; do
			systemctl kill --kill-whom=main --signal=KILL enitune.service 2>/dev/null || true
		done`, times))
	s.await(`desired state.*origin=api`)
	s.want("enitune.service", s.states("enitune.service"), "enabled active running")
}

func (s *system) stuck() {
	pid := s.pid()
	s.run("kill", "-STOP", pid)
	s.await(`Watchdog timeout`)
	s.await(`enitune starts`)
	s.await(`desired state.*origin=api`)
	if now := s.pid(); now == pid || now == "0" {
		s.t.Errorf("the daemon's PID is %s, it was %s", now, pid)
	}
}

// silentCloud gives the daemon a cloud that takes connections and is silent, for longer than the watchdog waits.
func (s *system) silentCloud() {
	const timeout = 7 * time.Second
	s.writeConfig(fmt.Sprintf("cloud: {timeout: %v}\n", timeout))
	s.run("systemctl", "reload", "enitune.service")
	s.run("enitune", "refresh") // and nothing is under way
	pid, began := s.pid(), time.Now()
	s.cloud.hang()
	s.run("systemctl", "kill", "--signal=HUP", "--kill-whom=main", "enitune.service")
	s.t.Log(s.await(`metadata.*no answer within 7s`))
	if waited := time.Since(began); waited < timeout {
		s.t.Errorf("the daemon gave the cloud up after %v, want %v", waited, timeout)
	}
	s.want("the daemon's PID", s.pid(), pid)
	s.want("enitune.service", s.states("enitune.service"), "enabled active running")
	s.cloud.up()
	s.run("enitune", "refresh")
	s.await(`desired state.*origin=api stale=false`)
}

func (s *system) writeConfig(content string) {
	s.t.Helper()
	if err := s.guest.WriteFile(s.t.Context(), "/etc/enitune/config.yaml", []byte(content), 0o644); err != nil {
		s.t.Fatal(err)
	}
}

func (s *system) brokenConfig() {
	pid := s.pid()
	s.writeConfig("web:\n  listen: [\":10057\"]\nreconcile:\n  mod: observe\n")
	r := s.try("systemctl", "reload", "enitune.service")
	if r.Code == 0 {
		s.t.Error("systemctl reload succeeds with a broken configuration")
	}
	line := s.await(`config\.yaml:4:3`)
	s.t.Log(line)
	said := s.run("journalctl", "--boot", "--unit=enitune.service", "--output=cat")
	if n := strings.Count(said, "config.yaml:4:3"); n != 1 {
		s.t.Errorf("the journal has %d lines about the configuration, want 1:\n%s", n, said)
	}
	s.want("the daemon's PID", s.pid(), pid)
	s.want("enitune.service", s.states("enitune.service"), "enabled active running")
	s.metrics() // at the old port
}

func (s *system) goodConfig() {
	pid := s.pid()
	s.writeConfig("web:\n  listen: [\":10057\"]\n")
	s.run("systemctl", "reload", "enitune.service")
	s.await(`serving.*:10057`)
	if _, err := s.get("http://" + guestAddr + ":10057/metrics"); err != nil {
		s.t.Error(err)
	}
	if _, err := s.get("http://" + guestAddr + ":10056/metrics"); err == nil {
		s.t.Error("the old port is still served")
	}
	s.writeConfig("web:\n  listen: [\":10056\"]\n")
	s.run("systemctl", "kill", "--signal=HUP", "--kill-whom=main", "enitune.service")
	s.await(`serving.*:10056`)
	s.metrics()
	s.want("the daemon's PID", s.pid(), pid)
}

// hotPlug plugs a NIC in whose ENI wants more queues than its driver takes, and pulls it out again.
func (s *system) hotPlug() {
	s.cloud.PutENI(world.ENI("eni-2", mac2, 4))
	device := s.guest.AddNIC(s.t, lab.NIC{ID: "n2", MAC: mac2, Queues: 4, HostAddrs: []string{"10.99.2.1/24"}, GuestAddr: "10.99.2.2/24"})
	s.await(device + ` queues: 2 -> 4`)
	s.want(device, s.nic(device), "queues=4 rx=1024")
	s.wantStatus(`3 ENIs in sync`)

	entries := s.run("journalctl", "--boot", "--unit=enitune.service", "--output=json", "DEVICE="+device, "SETTING=queues")
	var got map[string]any
	if err := json.Unmarshal([]byte(strings.SplitN(entries, "\n", 2)[0]), &got); err != nil {
		s.t.Fatalf("%v in %q", err, entries)
	}
	fields := make(map[string]any)
	for _, name := range []string{"DEVICE", "ENI", "SETTING", "REASON", "PRIORITY", "SYSLOG_IDENTIFIER", "_SYSTEMD_UNIT"} {
		fields[name] = got[name]
	}
	want := map[string]any{
		"DEVICE": device, "ENI": "eni-2", "SETTING": "queues", "REASON": "in_sync", "PRIORITY": strconv.Itoa(6),
		"SYSLOG_IDENTIFIER": "enitune", "_SYSTEMD_UNIT": "enitune.service",
	}
	if diff := cmp.Diff(want, fields); diff != "" {
		s.t.Errorf("fields of the first journal entry about %s's queues (-want +got):\n%s", device, diff)
	}

	if err := s.cloud.UpdateENI("eni-2", func(e *ecssim.ENI) { e.Status, e.InstanceID = ecssim.StatusAvailable, "" }); err != nil {
		s.t.Fatal(err)
	}
	s.guest.RemoveNIC(s.t, "n2")
	s.await(`NIC is gone device=` + device)
	s.run("enitune", "refresh")
	if m := regexp.MustCompile(`(?m)^.*device="` + device + `".*$`).FindString(s.metrics()); m != "" {
		s.t.Errorf("the metrics still have %s", m)
	}
	s.wantStatus(`2 ENIs in sync`)
}
