//go:build netns

package integration

import (
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/world"
)

// describes counts the DescribeNetworkInterfaces calls that the cloud has got.
func (h *host) describes() int {
	n := 0
	for _, r := range h.cloud.Requests() {
		if r.Action == "DescribeNetworkInterfaces" {
			n++
		}
	}
	return n
}

func TestAThrottledDaemonMakesRoomAndReadsWhenAsked(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	h.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, Match: "DescribeNetworkInterfaces", Code: "Throttling.User"})
	d := h.start()
	d.Await("Throttling.*component=api")
	if got := h.describes(); got != 1 {
		t.Errorf("%d calls by a start that was throttled, want 1", got)
	}
	if res := h.run("refresh"); res.Code != 1 {
		t.Errorf("a refresh that is throttled: %+v", res)
	}
	if got := h.describes(); got != 2 {
		t.Errorf("%d calls after a refresh, want one more", got)
	}
	h.cloud.ClearFaults()
	if res := h.run("refresh"); res.Code != 0 {
		t.Errorf("a refresh when the limit was free again: %+v", res)
	}
	d.Await("eth1 queues: 1 -> 4")
	if got := h.describes(); got != 3 {
		t.Errorf("%d calls in all, want 3", got)
	}
}

func TestADaemonThatStartsOverAndOverLeavesTheLimitAlone(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	d.Kill()
	for n := 2; n <= 10; n++ {
		d = h.start()
		d.Await("api") // the desired state, read anew
		d.Kill()
	}
	before := h.describes()
	for range 3 {
		d = h.start()
		d.Await("the daemon starts over and over")
		r, code := h.report("status")
		if code != 0 || r.Desired.Origin != "cache" || world.Setting(r, "eth1", nic.Queues).Current != 4 {
			t.Errorf("exit %d, %+v", code, r)
		}
		d.Kill()
	}
	if got := h.describes(); got != before {
		t.Errorf("%d calls by starts 11 to 13, want none", got-before)
	}
	h.start()
	if res := h.run("refresh"); res.Code != 0 || h.describes() != before+1 {
		t.Errorf("a refresh waits, too: %+v, %d calls", res, h.describes()-before)
	}
}
