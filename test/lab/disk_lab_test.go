//go:build lab

package lab_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/test/lab"
)

func TestADiskBootsDebianWithEachKernelAndKeepsWhatIsWritten(t *testing.T) {
	d := lab.NewDisk(t)
	kept := ""
	eachKernel(t, func(t *testing.T, kernel string) {
		g := lab.Boot(t, lab.Options{Kernel: kernel, Disk: d, LateDrivers: kernel == "6.1", NICs: []lab.NIC{
			{ID: "eni-1", Queues: 2, HostAddrs: []string{"10.99.0.1/24"}, GuestAddr: "10.99.0.2/24"},
			{ID: "eni-2", MAC: "00:16:3e:00:00:77"},
		}})
		run(t, g, "/lib/systemd/systemd-networkd-wait-online", "-i", "eth0")
		g.Run(t.Context(), "systemctl", "is-system-running", "--wait")
		got := strings.TrimSpace(run(t, g, "systemctl", "is-system-running"))
		if diff := cmp.Diff("running", got); diff != "" {
			t.Errorf("state of the system (-want +got):\n%s%s", diff, g.Run(t.Context(), "systemctl", "--failed").Stdout)
		}
		if diff := cmp.Diff([]string{"eth0", "eth1"}, []string{g.Device("eni-1"), g.Device("eni-2")}); diff != "" {
			t.Errorf("devices (-want +got):\n%s", diff)
		}
		if got := run(t, g, "ip", "-4", "addr", "show", "dev", "eth0"); !strings.Contains(got, "10.99.0.2/24") {
			t.Errorf("eth0 has not got its address: %s", got)
		}
		if got := run(t, g, "sh", "-c", "cat /kept || true"); got != kept {
			t.Errorf("/kept is %q, want %q", got, kept)
		}
		kept += kernel + "\n"
		run(t, g, "sh", "-c", "echo "+kernel+" >>/kept")
		t.Log(run(t, g, "systemd-analyze"))
		if err := g.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
}
