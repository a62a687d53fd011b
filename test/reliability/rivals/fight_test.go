//go:build netns

package rivals

import (
	"fmt"
	"testing"
	"time"

	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
)

// A rival that changes a setting back three times is contested: of these three
// changes, the first two were answered.
const answered = 2

func TestALoopOfEthtoolIsContestedAndAnsweredTwice(t *testing.T) {
	m := newMachine(t, "eth1")
	d := m.start(budget(4, time.Hour))
	d.calm()
	m.rival(loop("eth1"))
	d.awaitReason("eth1", plan.Contested)
	_, before := m.writes.of("eth1", granted)
	await(t, "the rival goes on", func() bool {
		_, now := m.writes.of("eth1", granted)
		return now >= before+50
	})
	if got := d.agree("eth1", granted); got != answered {
		t.Errorf("%d writes, want %d", got, answered)
	}
	if _, foreign := d.counted("eth1"); foreign < 3 {
		t.Errorf("%d foreign changes counted, want 3 or more", foreign)
	}
	if !d.alerted("eth1") {
		t.Error("the alert EnituneContested has nothing to fire on")
	}
	if r := d.report(); r.ExitCode() != 2 {
		t.Errorf("exit code of status: %d, want 2", r.ExitCode())
	}
}

func TestTheBudgetIsKeptWhileARivalGoesOnAndTheNICHealsWhenItStops(t *testing.T) {
	const per = 2 * time.Second
	for _, burst := range []int{1, 2, 4} {
		t.Run(fmt.Sprintf("burst %d", burst), func(t *testing.T) {
			m := newMachine(t, "eth1")
			start := time.Now()
			d := m.start(budget(burst, per))
			d.calm()
			stop := m.rival(loop("eth1"))
			most := min(burst, answered)
			await(t, "three windows of the budget are used", func() bool {
				n, _ := m.writes.of("eth1", granted)
				return n >= 3*most
			})
			if !d.alerted("eth1") {
				await(t, "the alert EnituneContested has something to fire on", func() bool { return d.alerted("eth1") })
			}
			writes, foreign := m.writes.of("eth1", granted)
			took := time.Since(start)
			if limit := burst * (int(took/per) + 1); writes > limit {
				t.Errorf("%d writes within %v, want at most %d", writes, took, limit)
			}
			t.Logf("the rival wrote %d times within %v, enitune %d times: %.0f and %.1f a second", foreign, took.Round(time.Millisecond),
				writes, float64(foreign)/took.Seconds(), float64(writes)/took.Seconds())
			stop()
			d.calm()
			if got := netns.Channels(t, "eth1"); got != granted {
				t.Errorf("%d channels after the rival has stopped", got)
			}
			d.agree("eth1", granted)
			if d.alerted("eth1") {
				t.Error("the alert EnituneContested goes on firing")
			}
		})
	}
}

func TestASlowRivalIsAnsweredEachTime(t *testing.T) {
	const per = time.Second
	m := newMachine(t, "eth1")
	d := m.start(budget(4, per))
	d.calm()
	const rounds = 5
	for range rounds {
		netns.SetChannels(t, "eth1", 1)
		d.Await("eth1 queues: 1 -> 4")
		if d.alerted("eth1") {
			t.Error("contested, although the rival is slow")
		}
		pause := time.NewTimer(per) // the rival's own
		<-pause.C
	}
	if got := d.agree("eth1", granted); got != rounds {
		t.Errorf("%d writes, want %d", got, rounds)
	}
}

func TestAFightOverTwoNICsLeavesTheThirdInPeace(t *testing.T) {
	m := newMachine(t, "eth1", "eth2", "eth3")
	d := m.start(budget(4, time.Hour))
	d.calm()
	m.rival(loop("eth1", "eth2"))
	d.awaitReason("eth1", plan.Contested)
	d.awaitReason("eth2", plan.Contested)
	if same, other := m.writes.of("eth3", granted); same+other != 0 || d.alerted("eth3") {
		t.Errorf("the NIC that nobody fights for was written %d times", same+other)
	}
	netns.SetChannels(t, "eth3", 1)
	d.Await("eth3 queues: 1 -> 4")
	for device, want := range map[string]int{"eth1": answered, "eth2": answered, "eth3": 1} {
		if got := d.agree(device, granted); got != want {
			t.Errorf("%s: %d writes, want %d", device, got, want)
		}
	}
}

func TestARivalThatWantsMoreIsNoRival(t *testing.T) {
	m := newMachine(t, "eth1")
	d := m.start(budget(4, time.Hour))
	d.calm()
	m.rival("while :; do ethtool -L eth1 rx 6 tx 6; ethtool -L eth1 rx 8 tx 8; done")
	await(t, "the rival is at work", func() bool {
		_, n := m.writes.of("eth1", granted)
		return n >= 50
	})
	d.awaitReason("eth1", plan.AboveDesired)
	if got := d.agree("eth1", granted); got != 0 || d.alerted("eth1") {
		t.Errorf("%d writes to a NIC that has more than it needs", got)
	}
}

func TestTwoDaemonsWithDifferentWishesComeToRest(t *testing.T) {
	m := newMachine(t, "eth1")
	const few, many = 2, 6
	one := m.start(fmt.Sprintf("%s\nnics: [{match: {device: eth1}, queues: %d}]", budget(4, time.Hour), few))
	one.calm()
	other := m.startSecond(fmt.Sprintf("%s\nnics: [{match: {device: eth1}, queues: %d}]", budget(4, time.Hour), many))
	var loser *daemon
	await(t, "one gives way", func() bool {
		for _, d := range []*daemon{one, other} {
			if d.queues("eth1").Reason == plan.Contested {
				loser = d
			}
		}
		return loser != nil
	})
	winner := map[*daemon]*daemon{one: other, other: one}[loser]
	winner.calm()
	if !loser.alerted("eth1") || winner.alerted("eth1") {
		t.Error("the alert does not tell who gave way")
	}
	one.agree("eth1", few)
	other.agree("eth1", many)
	writes, foreign := loser.counted("eth1")
	if writes > 4 || foreign < 3 {
		t.Errorf("the one that gave way wrote %d times and saw %d foreign changes", writes, foreign)
	}
}

func TestTwoDaemonsOfWhichOneWantsMoreDoNotFight(t *testing.T) {
	m := newMachine(t, "eth1")
	one := m.start(budget(4, time.Hour))
	one.calm()
	other := m.startSecond(budget(4, time.Hour) + "\nnics: [{match: {device: eth1}, queues: 6}]")
	other.calm()
	one.awaitReason("eth1", plan.AboveDesired)
	if writes, _ := one.counted("eth1"); writes != 0 {
		t.Errorf("the one that wants less wrote %d times", writes)
	}
	if got := other.agree("eth1", 6); got != 1 {
		t.Errorf("the one that wants more wrote %d times", got)
	}
}
