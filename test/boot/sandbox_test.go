//go:build lab

package boot

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/world"
)

// probeUnit runs the probe under the daemon's own properties, with folders of its own.
const probeUnit = `[Service]
Type=oneshot
NotifyAccess=none
Restart=no
WatchdogSec=0
User=probe
StateDirectory=
StateDirectory=probe
RuntimeDirectory=
RuntimeDirectory=probe
ExecStartPre=
ExecReload=
ExecStart=
ExecStart=/usr/local/bin/probe
`

// TestSandbox proves the daemon's sandbox from inside, and that the daemon does in it whatever it does outside.
func TestSandbox(t *testing.T) {
	s := newSystem(t, world.ENI("eni-0", mac0, 2), world.ENI("eni-1", mac1, 4))
	s.cloud.up()
	s.boot(boot{})
	s.install(version)
	s.await(`desired state.*origin=api`)

	for _, unit := range []string{"enitune.service", "enitune-apply.service"} {
		r := s.try("systemd-analyze", "security", "--no-pager", "--threshold=15", unit)
		t.Log(lastLine(r.Stdout))
		if r.Code != 0 {
			t.Errorf("%s is exposed to more than 1.5:\n%s", unit, r.Stdout)
		}
		s.want("systemd-analyze verify "+unit, s.sh("systemd-analyze verify --man=no "+unit+" 2>&1"), "")
	}
	s.eachDirective()
	s.memoryLimit()
	s.sameOutside()
	s.applyTime()
}

// eachDirective runs the probe in the sandbox and, so that each refusal is known to be the sandbox's, as root outside of it.
func (s *system) eachDirective() {
	s.t.Helper()
	s.sh("touch /tmp/lab-marker; cp /lib/systemd/system/enitune.service /run/systemd/system/probe.service")
	probe, err := os.ReadFile(os.Getenv(probeKey))
	if err != nil {
		s.t.Fatal(err)
	}
	for path, content := range map[string]string{
		"/usr/local/bin/probe": string(probe), "/run/systemd/system/probe.service.d/probe.conf": probeUnit,
	} {
		if err := s.guest.WriteFile(s.t.Context(), path, []byte(content), 0o755); err != nil {
			s.t.Fatal(err)
		}
	}
	outside := outcomes(s.run("env", "STATE_DIRECTORY=/root", "RUNTIME_DIRECTORY=/run", "/usr/local/bin/probe"))
	s.sh("systemctl daemon-reload; systemctl start probe.service")
	inside := outcomes(s.run("journalctl", "--boot", "--unit=probe.service", "--output=cat", "_COMM=probe"))

	refused := map[string]string{
		"write /etc":                         "EROFS",        // ProtectSystem=strict
		"write /usr":                         "EROFS",        //
		"write /var/lib":                     "EROFS",        //
		"write /proc/sys":                    "EROFS",        // ProtectKernelTunables=
		"write /sys":                         "EROFS",        //
		"write /sys/fs/cgroup":               "EROFS",        // ProtectControlGroups=
		"list /home":                         "EACCES",       // ProtectHome=
		"list /usr/lib/modules":              "EACCES",       // ProtectKernelModules=
		"see another's /tmp":                 "ENOENT",       // PrivateTmp=
		"see another's process":              "ENOENT",       // ProtectProc=
		"see the disk's device":              "ENOENT",       // PrivateDevices=
		"set the clock":                      "EPERM",        // ProtectClock=
		"set the host name":                  "EPERM",        // ProtectHostname=
		"read the kernel's log":              "EPERM",        // ProtectKernelLogs=
		"load a module":                      "EPERM",        // ProtectKernelModules=
		"change the personality":             "EPERM",        // LockPersonality=
		"map writable and executable memory": "EPERM",        // MemoryDenyWriteExecute=
		"make a user namespace":              "EPERM",        // RestrictNamespaces=
		"make a network namespace":           "EPERM",        //
		"take realtime priority":             "EPERM",        // RestrictRealtime=
		"make a set-user-ID file":            "EPERM",        // RestrictSUIDSGID=
		"mount":                              "EPERM",        // SystemCallFilter=
		"change the root":                    "EPERM",        //
		"trace":                              "EPERM",        //
		"load a BPF program":                 "EPERM",        //
		"reboot":                             "EPERM",        //
		"swap":                               "EPERM",        //
		"open an AF_PACKET socket":           "EAFNOSUPPORT", // RestrictAddressFamilies=
		"open an AF_VSOCK socket":            "EAFNOSUPPORT", //
		"gain privileges by exec":            "EPERM",        // NoNewPrivileges=
		"have a capability beyond NET_ADMIN": "EPERM",        // CapabilityBoundingSet=
		"dump core":                          "EPERM",        // LimitCORE=
		"start 200 processes":                "EAGAIN",       // TasksMax=
	}
	want, control := make(map[string]string), make(map[string]string)
	for name := range outside {
		want[name], control[name] = "ok", "ok"
		if errno, ok := refused[name]; ok {
			want[name] = errno
		}
	}
	if diff := cmp.Diff(control, outside); diff != "" {
		s.t.Errorf("outside of the sandbox everything is to succeed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want, inside); diff != "" {
		s.t.Errorf("in the sandbox (-want +got):\n%s", diff)
	}
	for name := range refused {
		if _, ok := inside[name]; !ok {
			s.t.Errorf("the probe did not try to %s", name)
		}
	}
}

// outcomes reads what the probe printed: "name=outcome" lines.
func outcomes(text string) map[string]string {
	all := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, result, found := strings.Cut(strings.TrimSpace(line), "="); found {
			all[name] = result
		}
	}
	return all
}

// memoryLimit has the probe take more memory than the daemon may.
func (s *system) memoryLimit() {
	s.t.Helper()
	s.sh(`printf '[Service]\nExecStart=\nExecStart=/usr/local/bin/probe memory\n' >/run/systemd/system/probe.service.d/zz-memory.conf
		systemctl daemon-reload`)
	if r := s.try("systemctl", "start", "probe.service"); r.Code == 0 {
		s.t.Error("the sandbox lets 512 MB be taken")
	}
	s.want("the end of a daemon that takes 512 MB", s.show("probe.service", "Result"), "oom-kill")
	s.sh("systemctl reset-failed probe.service; rm -r /run/systemd/system/probe.service*; systemctl daemon-reload")
}

// sameOutside compares the daemon in the sandbox with one outside, run by root.
func (s *system) sameOutside() {
	s.t.Helper()
	s.want("the credential", s.run("cat", "/run/credentials/enitune.service/machine-serial"), serial)
	s.run("enitune", "refresh")
	inside, nicsInside := names(s.metrics()), s.nics()
	s.run("systemctl", "stop", "enitune.service")
	s.run("mkdir", "-p", "/run/enitune")
	free := s.guest.Start(s.t.Context(), nil, "enitune", "run")
	s.awaitIn(free, `desired state.*origin=api`)
	s.run("enitune", "refresh")
	outside, nicsOutside := names(s.metrics()), s.nics()
	if diff := cmp.Diff(nicsOutside, nicsInside); diff != "" || len(nicsInside) == 0 {
		s.t.Errorf("the NICs as reported in the sandbox (-outside +inside):\n%s", diff)
	}
	if diff := cmp.Diff(outside, inside); diff != "" {
		s.t.Errorf("metrics in the sandbox (-outside +inside):\n%s", diff)
	}
	for _, name := range []string{"process_open_fds", "process_start_time_seconds", "process_resident_memory_bytes"} {
		if !strings.Contains(strings.Join(inside, "\n")+"\n", name+"\n") {
			s.t.Errorf("no %s in the sandbox", name)
		}
	}
}

// nics is the NICs' part of the daemon's status.
func (s *system) nics() []agent.NICReport {
	s.t.Helper()
	var r agent.Report
	if err := json.Unmarshal([]byte(s.run("enitune", "status", "-o", "json")), &r); err != nil {
		s.t.Fatal(err)
	}
	return r.NICs
}

// applyTime logs what the sandbox adds to a run of enitune-apply that finds nothing to do.
func (s *system) applyTime() {
	s.t.Helper()
	began := time.Now()
	s.run("enitune", "apply", "--offline")
	bare := time.Since(began)
	began = time.Now()
	s.run("systemctl", "start", "enitune-apply.service")
	s.t.Logf("enitune apply --offline takes %v, as enitune-apply.service %v", bare.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return lines[len(lines)-1]
}

// probeKey is the environment variable that names the built probe.
const probeKey = "ENITUNE_PROBE"

// probeFile is where the probe is built.
func probeFile(dir string) string { return filepath.Join(dir, "probe") }
