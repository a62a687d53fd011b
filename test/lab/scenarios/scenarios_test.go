//go:build lab

package scenarios

import (
	"context"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/lab"
	"github.com/enitune/enitune/test/world"
)

func TestGuestIsBroughtInLine(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		i := boot(t, options{kernel: kernel}, world.ENI("eni-0", mac0, 4))
		i.run("ethtool", "-L", "eth0", "combined", "1")

		r, code := i.report("plan")
		got := world.Setting(r, "eth0", nic.Queues)
		if code != 2 || got.Current != 1 || got.Desired != 4 || got.Max != 4 || got.Reason != plan.BelowDesired || r.NICs[0].Driver != "virtio_net" {
			t.Errorf("plan: exit %d, %+v", code, r.NICs)
		}
		if _, code := i.report("apply"); code != 0 || i.combined("eth0") != 4 {
			t.Errorf("apply: exit %d, ethtool says %d", code, i.combined("eth0"))
		}
		r, code = i.report("apply")
		for _, s := range nic.Settings() {
			if a := world.Setting(r, "eth0", s).Applied; code != 0 || a != nil {
				t.Errorf("a second apply: exit %d, %s changed by %+v", code, s, a)
			}
		}
		if got := i.rxQueuesInSysfs("eth0"); got != world.Setting(r, "eth0", nic.Queues).Current {
			t.Errorf("sysfs shows %d rx queues, reported are %d", got, world.Setting(r, "eth0", nic.Queues).Current)
		}
		if got := i.interruptsOf("eth0"); got != world.Setting(r, "eth0", nic.Queues).Max {
			t.Errorf("%d input interrupts, the reported maximum is %d", got, world.Setting(r, "eth0", nic.Queues).Max)
		}

		eight := 8
		if err := i.cloud.UpdateENI("eni-0", func(e *ecssim.ENI) { e.QueueNumber = &eight }); err != nil {
			t.Fatal(err)
		}
		i.run("ethtool", "-L", "eth0", "combined", "2")
		r, code = i.report("apply")
		if got := world.Setting(r, "eth0", nic.Queues); code != 2 || got.Reason != plan.DeviceMax || i.combined("eth0") != 4 {
			t.Errorf("8 of 4 queues: exit %d, %+v, ethtool says %d", code, got, i.combined("eth0"))
		}
	})
}

func TestRingIsRepairedToTheValueOfEachSource(t *testing.T) {
	ring := func(n int) *int { return &n }
	sources := []struct {
		source plan.Source
		want   int
		give   func(*ecssim.ENI)
	}{
		{plan.Device, 1024, func(*ecssim.ENI) {}},
		{plan.Tag, 512, func(e *ecssim.ENI) {
			e.Tags = map[string]string{agent.TagRxQueueSize: "512", agent.TagTxQueueSize: "256"}
		}},
		{plan.API, 512, func(e *ecssim.ENI) {
			e.Tags, e.RxQueueSize, e.TxQueueSize, e.RingsInReply = nil, ring(512), ring(256), ecssim.RingsTopLevel
		}},
		{plan.API, 256, func(e *ecssim.ENI) {
			e.RxQueueSize, e.TxQueueSize, e.RingsInReply = ring(256), ring(256), ecssim.RingsTrafficConfig
		}},
	}
	eachKernel(t, func(t *testing.T, kernel string) {
		i := boot(t, options{kernel: kernel}, world.ENI("eni-0", mac0, 4))
		for _, s := range sources {
			if err := i.cloud.UpdateENI("eni-0", s.give); err != nil {
				t.Fatal(err)
			}
			i.run("ethtool", "-G", "eth0", "rx", "128")
			r, code := i.report("plan")
			if got := world.Setting(r, "eth0", nic.RxRing); code != 2 || got.Current != 128 || got.Desired != s.want || got.Source != s.source || got.Reason != plan.BelowDesired {
				t.Errorf("%s: plan: exit %d, %+v", s.source, code, got)
			}
			if r, code = i.report("apply"); code != 0 || i.rxRing("eth0") != s.want {
				t.Errorf("%s: apply: exit %d, ethtool says %d, %+v", s.source, code, i.rxRing("eth0"), world.Setting(r, "eth0", nic.RxRing))
			}
		}
	})
}

func TestDeviceWithoutRingChangesStillGetsItsQueues(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		n := primary()
		n.NoQueueReset, n.RxRing = true, 512
		i := boot(t, options{kernel: kernel, nic: n}, world.ENI("eni-0", mac0, 4))
		give := func(e *ecssim.ENI) { e.Tags = map[string]string{agent.TagRxQueueSize: "1024"} }
		if err := i.cloud.UpdateENI("eni-0", give); err != nil {
			t.Fatal(err)
		}
		i.run("ethtool", "-L", "eth0", "combined", "1")
		r, code := i.report("apply")
		for _, s := range []nic.Setting{nic.RxRing, nic.TxRing} {
			if got := world.Setting(r, "eth0", s); got.Reason != plan.Unsupported || got.Drift {
				t.Errorf("%+v", got)
			}
		}
		if code != 0 || i.combined("eth0") != 4 || i.rxRing("eth0") != 512 {
			t.Errorf("exit %d, %d queues, rx ring %d", code, i.combined("eth0"), i.rxRing("eth0"))
		}
	})
}

func TestDaemonRepairsByEventAndYieldsToARival(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		i := boot(t, options{kernel: kernel}, world.ENI("eni-0", mac0, 4))
		d := i.start()
		for range 2 {
			i.run("ethtool", "-L", "eth0", "combined", "1")
			d.await("eth0 queues: 1 -> 4")
		}
		if !d.has(`enitune_foreign_changes_total{device="eth0",eni="eni-0",setting="queues"} 2`) || !d.has(`enitune_event_source_up{source="ethtool"} 1`) {
			t.Errorf("metrics:\n%s", d.metrics())
		}
		i.run("ethtool", "-L", "eth0", "combined", "2")
		d.await("eth0 queues: 2, should be 4; another program keeps changing it back")
		if got := i.combined("eth0"); got != 2 {
			t.Errorf("a contested setting has %d queues, want 2", got)
		}
		r, code := i.report("status")
		if got := world.Setting(r, "eth0", nic.Queues); code != 2 || got.Reason != plan.Contested {
			t.Errorf("status: exit %d, %+v", code, got)
		}
		start := time.Now()
		if err := d.Signal(t.Context(), syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if code, err := d.Wait(t.Context()); code != 0 || err != nil {
			t.Errorf("ended with %d, %v after %v", code, err, time.Since(start))
		}
	})
}

func TestRivalIsOutlastedWhenTheBudgetRefills(t *testing.T) {
	i := boot(t, options{kernel: "6.12", config: "reconcile: {change_budget: {burst: 10, per: 15s}}\n"}, world.ENI("eni-0", mac0, 4))
	d := i.start()
	for range 2 {
		i.run("ethtool", "-L", "eth0", "combined", "1")
		d.await("eth0 queues: 1 -> 4")
	}
	i.run("ethtool", "-L", "eth0", "combined", "1")
	d.await("another program keeps changing it back")
	d.await("eth0 queues: 1 -> 4")
}

func TestNICIsAdoptedAndForgottenByHotPlug(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		i := boot(t, options{kernel: kernel}, world.ENI("eni-0", mac0, 4))
		d := i.start()
		i.cloud.PutENI(world.ENI("eni-1", mac1, 4))
		if err := i.cloud.UpdateENI("eni-1", func(e *ecssim.ENI) { e.Tags = map[string]string{agent.TagRxQueueSize: "512"} }); err != nil {
			t.Fatal(err)
		}
		// More queue pairs than CPUs would use by themselves is not to be had
		// with 4 CPUs, so the new NIC starts in line and the test drifts it.
		device := i.guest.AddNIC(t, lab.NIC{ID: "n1", MAC: mac1, Queues: 4})
		d.await("NIC appeared.*" + mac1)
		i.run("ethtool", "-L", device, "combined", "1")
		d.await(device + " queues: 1 -> 4")
		if !d.has(`enitune_setting_current{device="` + device + `",eni="eni-1",setting="queues"} 4`) {
			t.Errorf("metrics:\n%s", d.metrics())
		}
		i.guest.RemoveNIC(t, "n1")
		d.await("NIC is gone")
		if strings.Contains(d.metrics(), `device="`+device+`"`) {
			t.Error("series of the unplugged NIC are still there")
		}
		if n := strings.Count(d.Output(), "level=ERROR"); n != 0 {
			t.Errorf("%d errors in the log:\n%s", n, d.Output())
		}
	})
}

func TestRestartsWithCacheAndClone(t *testing.T) {
	eachKernel(t, func(t *testing.T, kernel string) {
		two := primary()
		two.Queues = 2
		i := boot(t, options{kernel: kernel, nic: two}, world.ENI("eni-0", mac0, 2))
		if _, code := i.report("apply"); code != 0 || i.combined("eth0") != 2 {
			t.Fatalf("first boot: exit %d", code)
		}
		i.down()
		i.guest.Kill()

		// The queue number was changed while the instance was stopped.
		i = boot(t, options{kernel: kernel}, world.ENI("eni-0", mac0, 4))
		i.run("ethtool", "-L", "eth0", "combined", "2")
		if _, code := i.report("apply"); code != 0 || i.combined("eth0") != 4 {
			t.Errorf("second boot: exit %d, %d queues", code, i.combined("eth0"))
		}
		state, err := i.guest.ReadFile(t.Context(), statePath)
		if err != nil {
			t.Fatal(err)
		}
		i.down()
		i.guest.Kill()

		dark := bootDark(t, kernel, serial, state)
		r, code := dark.report("apply")
		if code != 0 || dark.combined("eth0") != 4 || !r.Desired.Stale || r.Desired.Origin != agent.OriginCache {
			t.Errorf("dark boot: exit %d, %d queues, %+v", code, dark.combined("eth0"), r.Desired)
		}
		dark.guest.Kill()

		clone := bootDark(t, kernel, "5e1f0a0e-77f4-4a31-9a52-00000000c10e", state)
		r, code = clone.report("apply", "--offline")
		if code != 1 || clone.combined("eth0") != 1 || r.Desired.Origin != agent.OriginNone {
			t.Errorf("cloned disk: exit %d, %d queues, %+v", code, clone.combined("eth0"), r.Desired)
		}
	})
}

// bootDark boots without a cloud, with a state file of an earlier boot and one
// queue in use.
func bootDark(t *testing.T, kernel, serial string, state []byte) *instance {
	t.Helper()
	i := boot(t, options{kernel: kernel, serial: serial, dark: true})
	i.run("mkdir", "-p", "/var/lib/enitune", "/etc/enitune")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := i.guest.WriteFile(ctx, statePath, state, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := i.guest.WriteFile(ctx, "/etc/enitune/config.yaml", []byte("cloud: {timeout: "+strconv.Itoa(1)+"s}\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	i.run("ethtool", "-L", "eth0", "combined", "1")
	return i
}
