//go:build netns

package rivals

import (
	"os"
	"testing"
	"time"

	"github.com/safchain/ethtool"

	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/world"
)

// share is the most of one processor that a daemon may take while a rival changes a
// NIC thousands of times a second: twice what was measured on a busy machine.
const share = 0.25

// TestAStormOfChangesCostsLittle has a rival in this process that changes a NIC by
// system calls, without the cost of a program for each.
func TestAStormOfChangesCostsLittle(t *testing.T) {
	m := newMachine(t, "eth1", "eth2", "eth3", "eth4", "eth5", "eth6", "eth7", "eth8")
	d := m.startAs(os.Getenv(world.PlainKey), 10056, budget(4, time.Hour))
	d.calm()
	et, err := ethtool.NewEthtool()
	if err != nil {
		t.Fatal(err)
	}
	defer et.Close()
	storm := func(changes int) (took, cpu time.Duration) {
		before, start := spent(t, d.PID()), time.Now()
		for i := range changes {
			n := uint32(1 + i%2)
			if _, err := et.SetChannels("eth1", ethtool.Channels{RxCount: n, TxCount: n}); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(start), spent(t, d.PID()) - before
	}
	storm(2_000) // until it is contested, and the first burst of events is over
	d.awaitReason("eth1", plan.Contested)
	const changes = 30_000
	took, cpu := storm(changes)
	writes, foreign := d.counted("eth1")
	reconciles := d.metrics()[`enitune_reconciles_total{result="ok",trigger="ethtool"}`]
	t.Logf("%d changes, %.0f a second: %v of CPU time in %v, %.1f %% of a processor; %d writes, %d foreign changes seen, %.0f reconciles",
		changes, changes/took.Seconds(), cpu, took.Round(time.Millisecond), 100*cpu.Seconds()/took.Seconds(), writes, foreign, reconciles)
	if writes != answered {
		t.Errorf("%d writes, want %d", writes, answered)
	}
	if cpu.Seconds() > share*took.Seconds() {
		t.Errorf("%v of CPU time in %v, want at most %.0f %%", cpu, took, 100*share)
	}
	if _, err := et.SetChannels("eth1", ethtool.Channels{RxCount: granted, TxCount: granted}); err != nil {
		t.Fatal(err)
	}
	d.calm() // the last event is not lost
}
