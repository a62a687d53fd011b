//go:build netns

package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

const (
	mac1 = "00:16:3e:00:00:01"
	mac2 = "00:16:3e:00:00:02"
	mac3 = "00:16:3e:00:00:03"
)

func TestPlanAndApplyByDefaultConfiguration(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))

	r, code := h.report("plan")
	got := world.Setting(r, "eth1", nic.Queues)
	want := agent.SettingReport{Setting: nic.Queues, Current: 1, Max: 8, Desired: 4, Source: plan.API,
		Action: plan.Set, Reason: plan.BelowDesired, Drift: true, DriftSince: got.DriftSince, Message: got.Message}
	if d := cmp.Diff(want, got); d != "" || code != 2 {
		t.Errorf("plan: exit %d (-want +got):\n%s", code, d)
	}
	if netns.Channels(t, "eth1") != 1 {
		t.Error("plan changed the NIC")
	}
	if r, code = h.report("apply"); code != 0 || !r.InSync || netns.Channels(t, "eth1") != 4 {
		t.Errorf("apply: exit %d, %d channels", code, netns.Channels(t, "eth1"))
	}
	if r, code = h.report("apply"); code != 0 || world.Setting(r, "eth1", nic.Queues).Applied != nil {
		t.Errorf("second apply: exit %d, %+v", code, world.Setting(r, "eth1", nic.Queues))
	}
	h.down()
	if r, code = h.report("apply", "--offline"); code != 0 || r.Desired.Origin != agent.OriginCache || r.Desired.Stale {
		t.Errorf("apply --offline: exit %d, %+v", code, r.Desired)
	}
	netns.SetChannels(t, "eth1", 1)
	if r, code = h.report("apply"); code != 0 || r.Desired.Origin != agent.OriginCache || !r.Desired.Stale || netns.Channels(t, "eth1") != 4 {
		t.Errorf("apply in the dark: exit %d, %+v, %d channels", code, r.Desired, netns.Channels(t, "eth1"))
	}
	if len(r.Errors) == 0 {
		t.Error("apply in the dark tells no error")
	}
}

func TestDeviceMaximumAndInstanceTypeDefault(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.nic("eth2", mac2)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 16))
	unset := world.ENI("eni-2", mac2, 0)
	unset.QueueNumber = nil
	h.cloud.PutENI(unset)
	r, code := h.report("apply")
	if got := world.Setting(r, "eth1", nic.Queues); code != 2 || got.Current != 8 || got.Reason != plan.DeviceMax {
		t.Errorf("exit %d, %+v", code, got)
	}
	if got := world.Setting(r, "eth2", nic.Queues); got.Current != 4 || got.Source != plan.InstanceType || got.Reason != plan.InSync {
		t.Errorf("a queue number that the API leaves out: %+v", got)
	}
}

func TestUnknownAndDuplicateAddresses(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.nic("eth2", mac1)
	h.nic("eth3", mac3)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	h.cloud.PutENI(world.ENI("eni-2", mac2, 4))
	h.cloud.PutENI(world.ENI("eni-3", mac3, 4))
	r, code := h.report("apply")
	if code != 1 || netns.Channels(t, "eth1") != 1 || netns.Channels(t, "eth2") != 1 {
		t.Errorf("exit %d, a NIC with a doubtful ENI was changed", code)
	}
	if got := world.Setting(r, "eth1", nic.Queues).Reason; got != plan.DuplicateMAC {
		t.Errorf("reason %s", got)
	}
	if netns.Channels(t, "eth3") != 4 {
		t.Error("the doubt about eth1 and eth2 stopped eth3")
	}
	want := []agent.Unmatched{{ENI: "eni-2", MAC: mac2, Reason: agent.NICMissing}}
	if d := cmp.Diff(want, r.Unmatched); d != "" {
		t.Errorf("unmatched (-want +got):\n%s", d)
	}
}

func TestServiceManagedENIIsFoundByItsID(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	e := world.ENI("eni-1", mac1, 4)
	e.ServiceManaged = true
	h.cloud.PutENI(e)
	if r, code := h.report("apply"); code != 0 || netns.Channels(t, "eth1") != 4 {
		t.Errorf("exit %d, %+v", code, r)
	}
}

func TestDaemonRepairsByEventAndYieldsToARival(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	foreign := `enitune_foreign_changes_total{device="eth1",eni="eni-1",setting="queues"}`
	for i := range 2 {
		netns.SetChannels(t, "eth1", 1)
		d.Await("eth1 queues: 1 -> 4")
		if got, want := d.metric(foreign), fmt.Sprint(i+1); got != want {
			t.Errorf("%s foreign changes, want %s", got, want)
		}
	}
	netns.SetChannels(t, "eth1", 2)
	d.Await("eth1 queues: 2, should be 4; another program keeps changing it back")
	if got := d.metric(`enitune_setting_reason{device="eth1",eni="eni-1",reason="contested",setting="queues",source="api"}`); got != "1" {
		t.Errorf("the reason series is %q", got)
	}
	if netns.Channels(t, "eth1") != 2 {
		t.Error("a contested setting was written")
	}
	if r, code := h.report("status"); code != 2 || world.Setting(r, "eth1", nic.Queues).Reason != plan.Contested {
		t.Errorf("status: exit %d, %+v", code, r)
	}
	if code, took := d.Stop(); code != 0 || took > time.Second {
		t.Errorf("ended with %d after %v", code, took)
	}
}

func TestDaemonAdoptsAHotPluggedNICAndForgetsAnUnpluggedOne(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	h.cloud.PutENI(world.ENI("eni-2", mac2, 2))
	h.nic("eth2", mac2)
	d.Await("eth2 queues: 1 -> 2")
	current := `enitune_setting_current{device="eth2",eni="eni-2",setting="queues"}`
	if got := d.metric(current); got != "2" {
		t.Errorf("the hot-plugged NIC's series is %q", got)
	}
	link, err := netlink.LinkByName("eth2")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkDel(link); err != nil {
		t.Fatal(err)
	}
	d.Await("NIC is gone")
	if body, _ := d.get("/metrics"); strings.Contains(body, `device="eth2"`) {
		t.Error("series of an unplugged NIC are still there")
	}
	renamed, err := netlink.LinkByName("eth1")
	if err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetDown(renamed); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetName(renamed, "ens5"); err != nil {
		t.Fatal(err)
	}
	netns.SetChannels(t, "ens5", 1)
	d.Await("ens5 queues: 1 -> 4")
}

func TestDaemonHoldsOnWhileTheCloudIsDark(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	h.down()
	d.Signal(syscall.SIGHUP)
	d.Await("desired state.*stale=true")
	netns.SetChannels(t, "eth1", 1)
	d.Await("eth1 queues: 1 -> 4")
	if got := d.metric("enitune_desired_stale"); got != "1" {
		t.Errorf("enitune_desired_stale is %q", got)
	}
	if code, took := d.Stop(); code != 0 || took > time.Second {
		t.Errorf("ended with %d after %v", code, took)
	}
	netns.SetChannels(t, "eth1", 1)
	d = h.start()
	d.Await("desired state.*stale=true")
	if netns.Channels(t, "eth1") != 4 {
		t.Error("a restart in the dark does not enforce the cached state")
	}
	if body, code := d.get("/readyz"); code != 200 {
		t.Errorf("/readyz: %d %s", code, body)
	}
}

func TestDaemonEndsAtOnceWhileTheCloudHangs(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	for _, target := range []ecssim.Target{ecssim.TargetECS, ecssim.TargetMetadata, ecssim.TargetToken} {
		h.cloud.ResetRequests()
		h.cloud.SetFaults(ecssim.Fault{Target: target, Hang: true})
		d := h.start()
		if code, took := d.Stop(); code != 0 || took > time.Second {
			t.Errorf("%s hangs: ended with %d after %v", target, code, took)
		}
	}
}

func TestCloneOfADiskIgnoresTheCache(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	h.report("apply")
	in, _ := h.cloud.CurrentInstance()
	in.ID = "i-bp1clone000000000001"
	h.cloud.SetInstance(in)
	h.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, HTTPStatus: 503, Code: "ServiceUnavailable"})
	netns.SetChannels(t, "eth1", 1)
	r, code := h.report("apply")
	if code != 1 || r.Desired.Origin != agent.OriginNone || netns.Channels(t, "eth1") != 1 {
		t.Errorf("exit %d, %+v, %d channels", code, r.Desired, netns.Channels(t, "eth1"))
	}
}

func TestTextfile(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	file := filepath.Join(h.dir, "enitune.prom")
	if res := h.run("apply", "--textfile", file); res.Code != 0 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, series := range []string{`enitune_drift{device="eth1",eni="eni-1",setting="queues"} 0`, `enitune_source_up{source="kernel"} 1`,
		`enitune_changes_total{device="eth1",eni="eni-1",result="ok",setting="queues"} 1`} {
		if !strings.Contains(string(data), series) {
			t.Errorf("%s is not in the file", series)
		}
	}
	if res := h.run("apply", "--textfile", filepath.Join(h.dir, "enitune.txt")); res.Code != 1 || !strings.Contains(res.Stderr, ".prom") {
		t.Errorf("a file that node_exporter does not read: exit %d, %s", res.Code, res.Stderr)
	}
}

func TestBadInputGetsOneLineAndExitCode1(t *testing.T) {
	h := newHost(t)
	tests := []struct {
		name, config string
		args         []string
		want         string
	}{
		{"unknown key", "cluod: {}", []string{"plan"}, "config.yaml:4:1: cluod: unknown key"},
		{"bad value", "reconcile: {mode: maybe}", []string{"run"}, "reconcile.mode"},
		{"bad flag value", "", []string{"plan", "-o", "xml"}, "--output"},
		{"unknown flag", "", []string{"plan", "--frob"}, "--frob"},
		{"unknown command", "", []string{"frob"}, "frob"},
		{"an argument too many", "", []string{"plan", "eth1"}, "eth1"},
		{"a missing configuration", "", []string{"plan", "--config", "/nonexistent.yaml"}, "/nonexistent.yaml"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h.configure(tt.config)
			res := h.run(tt.args...)
			if res.Code != 1 || !strings.Contains(res.Stderr, tt.want) || strings.Count(res.Stderr, "\n") != 1 || res.Stdout != "" {
				t.Errorf("exit %d, stdout %q, stderr %q, want one line with %q", res.Code, res.Stdout, res.Stderr, tt.want)
			}
		})
	}
}

// TestForeignDevicesAreIgnored puts the ENI's NIC among a thousand others, as on
// a Kubernetes node.
func TestForeignDevicesAreIgnored(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	for i := range 500 {
		netns.Veth(t, netns.VethPair{Name: fmt.Sprintf("pod%d", i)})
	}
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	netns.SetChannels(t, "eth1", 1)
	d.Await("eth1 queues: 1 -> 4")
	r, code := h.report("status")
	if code != 0 || len(r.NICs) != 1 {
		t.Errorf("exit %d, %d NICs reported", code, len(r.NICs))
	}
}

// TestVLANAndBondOverAnENIAreNotTheENI stacks devices that share or copy the
// NIC's address.
func TestVLANAndBondOverAnENIAreNotTheENI(t *testing.T) {
	h := newHost(t)
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 8, Channels: 1, MAC: mac1})
	parent, err := netlink.LinkByName("eth1")
	if err != nil {
		t.Fatal(err)
	}
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex = "mv0", parent.Attrs().Index
	attrs.HardwareAddr = parent.Attrs().HardwareAddr
	if err := netlink.LinkAdd(&netlink.Vlan{LinkAttrs: netlink.LinkAttrs{Name: "eth1.5", ParentIndex: parent.Attrs().Index}, VlanId: 5}); err != nil {
		t.Logf("no VLAN on this kernel: %v", err)
	}
	if err := netlink.LinkAdd(&netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PASSTHRU}); err != nil {
		t.Logf("no macvlan on this kernel: %v", err)
	}
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	r, code := h.report("apply")
	if code != 0 || len(r.NICs) != 1 || r.NICs[0].Device != "eth1" || netns.Channels(t, "eth1") != 4 {
		t.Errorf("exit %d, %+v", code, r)
	}
}
