//go:build lab

package lab_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/test/lab"
)

// eachKernel runs f with each kernel that the lab has.
func eachKernel(t *testing.T, f func(t *testing.T, kernel string)) {
	for _, kernel := range []string{"6.1", "6.12"} {
		t.Run(kernel, func(t *testing.T) { f(t, kernel) })
	}
}

// run runs a command that must succeed and returns what it wrote to stdout.
func run(t *testing.T, g *lab.Guest, argv ...string) string {
	t.Helper()
	r := g.Run(t.Context(), argv...)
	if r.Code != 0 {
		t.Fatalf("%q ended with %+v", argv, r)
	}
	return r.Stdout
}

// wait waits for a line like re.
func wait(t *testing.T, p *lab.Proc, re string) {
	t.Helper()
	if _, err := p.WaitLine(t.Context(), regexp.MustCompile(re)); err != nil {
		t.Fatal(err)
	}
}

// settings returns the rows of ethtool's output that have numbers: the maximums and the current values.
func settings(output string) string {
	var rows []string
	for line := range strings.Lines(output) {
		if f := strings.Fields(line); len(f) == 2 && strings.ContainsAny(f[1], "0123456789") {
			rows = append(rows, f[0]+f[1])
		}
	}
	return strings.Join(rows, " ")
}

func TestAGuestHasTheChannelsAndRingsAskedFor(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		g := lab.Boot(t, lab.Options{Kernel: kernel, CPUs: 2, NICs: []lab.NIC{
			{ID: "eni-1", Queues: 4},
			{ID: "eni-2", Queues: 2, RxRing: 512, NoQueueReset: true},
		}})
		for _, step := range []struct {
			name string
			argv []string
			want string
		}{
			{"the driver starts with as many channels as there are CPUs", []string{"ethtool", "-l", "eth0"}, "Combined:4 Combined:2"},
			{"channels can be set up to the device's", []string{"ethtool", "-L", "eth0", "combined", "4"}, ""},
			{"and are", []string{"ethtool", "-l", "eth0"}, "Combined:4 Combined:4"},
			{"the driver starts with the greatest rings", []string{"ethtool", "-g", "eth0"}, "RX:1024 TX:256 RX:1024 TX:256"},
			{"rings can be set", []string{"ethtool", "-G", "eth0", "rx", "512"}, ""},
			{"and are", []string{"ethtool", "-g", "eth0"}, "RX:1024 TX:256 RX:512 TX:256"},
			{"each NIC has its own", []string{"ethtool", "-g", "eth1"}, "RX:512 TX:256 RX:512 TX:256"},
		} {
			if diff := cmp.Diff(step.want, settings(run(t, g, step.argv...))); diff != "" {
				t.Errorf("%s: %q (-want +got):\n%s", step.name, step.argv, diff)
			}
		}
		if diff := cmp.Diff([]string{"eth0", "eth1"}, []string{g.Device("eni-1"), g.Device("eni-2")}); diff != "" {
			t.Errorf("devices (-want +got):\n%s", diff)
		}
		// ENOENT is virtqueue_resize's word for a device without queue reset (drivers/virtio/virtio_ring.c).
		refused := g.Run(t.Context(), "ethtool", "-G", "eth1", "rx", "256")
		if refused.Code == 0 || !strings.Contains(refused.Stderr, "No such file or directory") {
			t.Errorf("a ring change without queue reset ended with %+v, want ENOENT", refused)
		}
		if got, want := settings(run(t, g, "ethtool", "-g", "eth1")), "RX:512 TX:256 RX:512 TX:256"; got != want {
			t.Errorf("rings after the refused change: %s, want %s", got, want)
		}
	})
}

func TestNICsComeAndGoWhileTheGuestRuns(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		g := lab.Boot(t, lab.Options{Kernel: kernel, NICs: []lab.NIC{{ID: "eni-1"}}})
		added := lab.NIC{
			ID: "eni-2", MAC: "00:16:3e:00:00:99", Queues: 4,
			HostAddrs: []string{"10.99.0.1/24"}, GuestAddr: "10.99.0.2/24",
		}
		for _, round := range []string{"first", "second"} {
			device := g.AddNIC(t, added)
			if got := strings.TrimSpace(run(t, g, "cat", "/sys/class/net/"+device+"/address")); got != added.MAC {
				t.Errorf("%s time: %s has MAC %s, want %s", round, device, got, added.MAC)
			}
			if got, want := settings(run(t, g, "ethtool", "-l", device)), "Combined:4 Combined:2"; got != want {
				t.Errorf("%s time: channels of %s: %s, want %s", round, device, got, want)
			}
			run(t, g, "ping", "-c", "1", "-W", "30", "10.99.0.1")
			g.RemoveNIC(t, "eni-2")
			if r := g.Run(t.Context(), "test", "-e", "/sys/class/net/"+device); r.Code != 1 {
				t.Errorf("%s time: %s is still there: %+v", round, device, r)
			}
		}
	})
}

func TestAGuestReachesTheHostsMetadataAddress(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		const name = "ecs-vpc.cn-hangzhou.aliyuncs.com"
		g := lab.Boot(t, lab.Options{
			Kernel: kernel,
			Hosts:  map[string]string{name: "100.100.100.200"},
			NICs: []lab.NIC{{
				ID: "eni-1", Queues: 2, HostAddrs: []string{"100.100.100.200/32", "10.99.0.1/24"}, GuestAddr: "10.99.0.2/24",
			}},
		})
		listener, err := net.Listen("tcp", "100.100.100.200:80")
		if err != nil {
			t.Fatal(err)
		}
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, r.Host+" "+r.URL.Path)
		})}
		served := make(chan error, 1)
		go func() { served <- server.Serve(listener) }()
		defer func() {
			server.Close()
			<-served
		}()
		for _, host := range []string{"100.100.100.200", name} {
			got := run(t, g, "wget", "-q", "-O", "-", "http://"+host+"/latest/meta-data/")
			if diff := cmp.Diff(host+" /latest/meta-data/", got); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		}
	})
}

func TestAGuestHasTheIdentityFilesAndEnvironmentAskedFor(t *testing.T) {
	dir := t.TempDir()
	script := filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte("#!/bin/sh\necho $GREETING from a file\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	eachKernel(t, func(t *testing.T, kernel string) {
		const uuid, serial = "01234567-89ab-cdef-0123-456789abcdef", "fedcba98-7654-3210-fedc-ba9876543210"
		g := lab.Boot(t, lab.Options{
			Kernel: kernel, UUID: uuid, Serial: serial,
			Files: map[string]string{"/usr/local/bin/greet": script},
			Env:   []string{"GREETING=hello"},
		})
		for _, step := range []struct {
			argv []string
			want string
		}{
			{[]string{"cat", "/sys/class/dmi/id/product_uuid"}, uuid + "\n"},
			{[]string{"cat", "/sys/class/dmi/id/product_serial"}, serial + "\n"},
			{[]string{"greet"}, "hello from a file\n"},
		} {
			if diff := cmp.Diff(step.want, run(t, g, step.argv...)); diff != "" {
				t.Errorf("%q (-want +got):\n%s", step.argv, diff)
			}
		}
		content := strings.Repeat("\x00\xff\n", 1<<20)
		if err := g.WriteFile(t.Context(), "/var/lib/x/file", []byte(content), 0o640); err != nil {
			t.Fatal(err)
		}
		back, err := g.ReadFile(t.Context(), "/var/lib/x/file")
		if err != nil {
			t.Fatal(err)
		}
		if string(back) != content {
			t.Errorf("read %d bytes back that differ from the %d written", len(back), len(content))
		}
		if _, err := g.ReadFile(t.Context(), "/none"); err == nil || !strings.Contains(err.Error(), "/none: no such file") {
			t.Errorf("reading a file that is not there: %v", err)
		}
	})
}

func TestProcessesRunInTheBackground(t *testing.T) {
	g := lab.Boot(t, lab.Options{})
	p := g.Start(t.Context(), []string{"A=1"}, "sh", "-c",
		"trap 'echo ending >&2; exit 7' TERM; echo start $A; echo ready; while :; do sleep 0.1; done")
	wait(t, p, "^ready$")
	// Others run meanwhile, and a guest that runs a process in the background still has no zombies.
	if got := run(t, g, "sh", "-c", "(sleep 0 &) ; echo meanwhile"); got != "meanwhile\n" {
		t.Errorf("got %q", got)
	}
	if err := p.Signal(t.Context(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	code, err := p.Wait(t.Context())
	if err != nil || code != 7 {
		t.Errorf("ended with %d, %v, want 7", code, err)
	}
	if diff := cmp.Diff([]string{"start 1\nready\n", "ending\n"}, []string{p.Stdout(), p.Stderr()}); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}

	ctx, cancel := context.WithCancel(t.Context())
	killed := g.Start(ctx, nil, "sh", "-c", "echo ready; sleep 1000; echo not reached")
	wait(t, killed, "^ready$")
	cancel()
	code, err = killed.Wait(t.Context())
	if err != nil || code != 128+int(syscall.SIGKILL) {
		t.Errorf("a process whose context was cancelled ended with %d, %v, want 137", code, err)
	}

	if r := g.Run(t.Context(), "no-such-program"); r.Code != -1 || r.Err == nil || !strings.Contains(r.Err.Error(), "not found") {
		t.Errorf("a program that is not there: %+v", r)
	}
}

func TestTheEndOfAGuestEndsWhatWaitsForIt(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(*lab.Guest) error
	}{
		{"shut down", func(g *lab.Guest) error { return g.Shutdown(context.Background()) }},
		{"killed", func(g *lab.Guest) error { g.Kill(); return nil }},
		{"panicked", func(g *lab.Guest) error {
			g.Start(context.Background(), nil, "sh", "-c", "echo c > /proc/sysrq-trigger")
			return nil
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := lab.Boot(t, lab.Options{})
			p := g.Start(t.Context(), nil, "sh", "-c", "echo ready; sleep 1000")
			wait(t, p, "^ready$")
			if err := tt.end(g); err != nil {
				t.Fatal(err)
			}
			// Powering off kills the process first, which may still be reported.
			code, err := p.Wait(t.Context())
			if code != -1 && code != 137 {
				t.Errorf("the process ended with %d, %v", code, err)
			}
			if r := g.Run(t.Context(), "true"); r.Err == nil {
				t.Errorf("a command ran after the end: %+v", r)
			}
		})
	}
}

func TestExtraModulesAreLoadedWithWhatTheyNeed(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		g := lab.Boot(t, lab.Options{Kernel: kernel, Modules: []string{"bonding", "dummy", "8021q"}})
		run(t, g, "ip", "link", "add", "nic0", "type", "dummy")
		run(t, g, "ip", "link", "add", "link", "nic0", "name", "nic0.5", "type", "vlan", "id", "5")
		run(t, g, "test", "-e", "/sys/class/net/bonding_masters")
	})
}
