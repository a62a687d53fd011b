package agent

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/nic"
)

func TestAReportTellsTheLastChangesNewestFirstAndByWhom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKernel(eth(1, 1, 8, 1024))
		d, _, stop := runDaemon(t, k, newCloudModel(apiInterface(1, 4)), stateFile(t))
		defer func() { _ = stop() }()
		synctest.Wait()
		k.foreign(1, nic.Queues, 2)
		time.Sleep(time.Minute) // of the bubble: the regular look finds it
		synctest.Wait()
		r, _ := d.Report()
		var got []Change
		for _, c := range r.Changes {
			if c.Time.IsZero() {
				t.Errorf("no time: %+v", c)
			}
			c.Time = time.Time{}
			got = append(got, c)
		}
		id := apiENI(1, 0).ID
		want := []Change{
			{Device: "eth1", ENI: id, Setting: nic.Queues, From: 2, To: 4, By: ByEnitune},
			{Device: "eth1", ENI: id, Setting: nic.Queues, From: 4, To: 2, By: ByOther},
			{Device: "eth1", ENI: id, Setting: nic.Queues, From: 1, To: 4, By: ByEnitune},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if r.Changes[0].Time.Before(r.Changes[2].Time) {
			t.Error("the newest is not the first")
		}
	})
}

func TestARivalDoesNotPushOutTheOtherChanges(t *testing.T) {
	change := func(device string, to int, by ChangedBy) Change {
		return Change{Device: device, Setting: nic.Queues, To: to, By: by}
	}
	kept := []Change{change("eth0", 4, ByEnitune)}
	for i := range 100 {
		kept = withChanges([]Change{change("eth1", i, ByOther)}, kept)
	}
	want := []Change{change("eth1", 99, ByOther), change("eth1", 98, ByOther), change("eth1", 97, ByOther), change("eth1", 96, ByOther), change("eth0", 4, ByEnitune)}
	if diff := cmp.Diff(want, kept); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for i := range 100 {
		kept = withChanges([]Change{change("eth"+string(rune('a'+i%26)), i, ByOther)}, kept)
	}
	if len(kept) != maxChanges || kept[0].To != 99 {
		t.Errorf("%d are kept, the first %+v", len(kept), kept[0])
	}
}
