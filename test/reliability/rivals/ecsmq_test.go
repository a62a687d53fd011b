//go:build netns

package rivals

import (
	"os/exec"
	"testing"
	"time"

	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
)

// fewer has enitune lower the queues of every NIC below what it offers.
const fewer = "\nnics: [{match: {device: \"eth*\"}, queues: 2}]"

// ecsMQ runs what ecs_mq does at boot and on each hot-plug.
func (m *machine) ecsMQ() {
	m.t.Helper()
	if out, err := exec.CommandContext(m.t.Context(), "testdata/ecs_mq.sh").CombinedOutput(); err != nil {
		m.t.Fatalf("%v\n%s", err, out)
	}
}

func TestECSMQIsAnsweredOnceAtBootAndOnceAtEachHotPlug(t *testing.T) {
	m := newMachine(t, "eth1")
	d := m.start(budget(6, time.Hour) + fewer)
	d.calm()
	m.ecsMQ()
	d.Await("eth1 queues: 8 -> 2")
	m.plug("eth2", 1)
	d.calm()
	m.ecsMQ()
	d.await("both are lowered again", func() bool {
		return d.report().InSync && netns.Channels(t, "eth1") == 2 && netns.Channels(t, "eth2") == 2
	})
	// One at the start, and one for each run of ecs_mq.
	if got := d.agree("eth1", 2); got != 3 {
		t.Errorf("eth1: %d writes, want 3", got)
	}
	if _, foreign := d.counted("eth1"); foreign != 2 {
		t.Errorf("eth1: %d foreign changes, want 2", foreign)
	}
	if d.alerted("eth1") || d.alerted("eth2") {
		t.Error("contested")
	}
}

func TestECSMQAtManyHotPlugsIsContestedUntilTheyAreOver(t *testing.T) {
	m := newMachine(t, "eth1")
	d := m.start(budget(6, 10*time.Second) + fewer)
	d.calm()
	for _, device := range []string{"eth2", "eth3", "eth4"} {
		m.plug(device, 1)
		m.ecsMQ()
		d.await(device+" has come", func() bool { return d.queues(device).Max == offered })
		d.await("eth1 is answered, or given up", func() bool {
			return d.queues("eth1").Reason == plan.Contested || netns.Channels(t, "eth1") == 2
		})
	}
	d.calm()
	for _, device := range m.devices {
		if got := netns.Channels(t, device); got != 2 {
			t.Errorf("%s has %d channels in the end, want 2", device, got)
		}
	}
}

func TestECSMQThatWantsTheSameIsNotNoticed(t *testing.T) {
	m := newMachine(t, "eth1")
	d := m.start(budget(4, time.Hour) + "\nnics: [{match: {device: eth1}, queues: max}]")
	d.calm()
	wrote := d.agree("eth1", offered)
	for range 5 {
		m.ecsMQ()
	}
	// What comes after it is seen, so that it was seen, too.
	netns.SetChannels(t, "eth1", 1)
	d.Await("eth1 queues: 1 -> 8")
	if got := d.agree("eth1", offered); got != wrote+1 {
		t.Errorf("%d writes beside the first %d, want 1", got-wrote, wrote)
	}
	if _, foreign := d.counted("eth1"); foreign != 1 {
		t.Errorf("%d foreign changes, want 1", foreign)
	}
}

func TestECSMQThatWantsMoreThanTheENIHasIsLeftAlone(t *testing.T) {
	m := newMachine(t, "eth1")
	d := m.start(budget(4, time.Hour))
	d.calm()
	m.ecsMQ()
	d.awaitReason("eth1", plan.AboveDesired)
	if got := d.agree("eth1", granted); got != 0 || netns.Channels(t, "eth1") != offered {
		t.Errorf("%d writes, %d channels", got, netns.Channels(t, "eth1"))
	}
}
