//go:build netns

package cloud

import (
	"net"

	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/test/netns"
)

// hole is a device that takes packets and brings them nowhere.
const hole = "hole"

// swallow has all packets to an address vanish: they leave by a wire at whose end
// nobody has the address.
func (h *host) swallow(address string) {
	h.ns.Do(func() {
		if _, err := netlink.LinkByName(hole); err != nil {
			netns.Veth(h.t, netns.VethPair{Name: hole})
		}
		h.must(netlink.AddrDel(link(h, "lo"), host32(address)))
		out := link(h, hole).Attrs().Index
		h.must(netlink.RouteReplace(&netlink.Route{LinkIndex: out, Dst: host32(address).IPNet, Scope: netlink.SCOPE_LINK}))
		h.must(netlink.NeighSet(&netlink.Neigh{
			LinkIndex: out, IP: net.ParseIP(address), State: netlink.NUD_PERMANENT, HardwareAddr: net.HardwareAddr{2, 0, 0, 0, 0, 9},
		}))
	})
}

// release has the address answer again.
func (h *host) release(address string) {
	h.ns.Do(func() {
		h.must(netlink.RouteDel(&netlink.Route{LinkIndex: link(h, hole).Attrs().Index, Dst: host32(address).IPNet, Scope: netlink.SCOPE_LINK}))
		h.must(netlink.AddrAdd(link(h, "lo"), host32(address)))
	})
}

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

func link(h *host, name string) netlink.Link {
	h.t.Helper()
	l, err := netlink.LinkByName(name)
	h.must(err)
	return l
}

func host32(address string) *netlink.Addr {
	return &netlink.Addr{IPNet: &net.IPNet{IP: net.ParseIP(address).To4(), Mask: net.CIDRMask(32, 32)}}
}
