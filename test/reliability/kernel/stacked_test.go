//go:build netns

package kernel

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestAMacvlanWithTheAddressOfAnENIIsNotTheENI(t *testing.T) {
	h := newHost(t)
	d := h.start(none)
	d.ready()
	eth1 := link(t, "eth1")
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.ParentIndex, attrs.HardwareAddr = "mv0", eth1.Attrs().Index, eth1.Attrs().HardwareAddr
	macvlan := &netlink.Macvlan{LinkAttrs: attrs, Mode: netlink.MACVLAN_MODE_PASSTHRU}
	if err := errors.Join(netlink.LinkAdd(macvlan), netlink.LinkSetUp(macvlan)); err != nil {
		t.Fatal(err)
	}
	netns.SetChannels(t, "eth1", 1)
	d.Await("eth1 queues: 1 -> 4")
	if r := d.converges(); len(r.Errors) > 0 {
		t.Errorf("%+v", r.Errors)
	}
}

func TestAnotherDeviceThatTakesTheAddressOfAnENIIsToldAndNothingIsGuessed(t *testing.T) {
	h := newHost(t)
	d := h.start(none)
	d.ready()
	h.nic("eth3", mac1)
	d.settles("the doubt", func(r agent.Report) bool {
		return len(r.Errors) == 1 && world.Setting(r, "eth1", nic.Queues).Reason == plan.DuplicateMAC && world.Setting(r, "eth3", nic.Queues).Reason == plan.DuplicateMAC
	})
	netns.SetChannels(t, "eth2", 1)
	d.Await("eth2 queues: 1 -> 4")
	if got := netns.Channels(t, "eth3"); got != 1 {
		t.Errorf("eth3 has %d channels", got)
	}
	netns.Delete(t, "eth3")
	d.converges()
}
