package netns

import (
	"net"
	"testing"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
)

// Addr puts the address cidr ("100.100.100.200/32") on the device link and removes it when the test ends.
func Addr(t testing.TB, link, cidr string) {
	t.Helper()
	l, err := netlink.LinkByName(link)
	if err != nil {
		t.Fatalf("find %s: %v", link, err)
	}
	addr, err := netlink.ParseAddr(cidr)
	if err != nil {
		t.Fatalf("address for %s: %v", link, err)
	}
	if err := netlink.AddrAdd(l, addr); err != nil {
		t.Fatalf("add %s to %s: %v", cidr, link, err)
	}
	cleanup(t, func() {
		// The device may be gone already, and the address with it.
		if l, err := netlink.LinkByName(link); err == nil {
			_ = netlink.AddrDel(l, addr)
		}
	})
}

// VethPair describes a pair of virtual Ethernet devices. They are the NICs a namespace can have without any hardware:
// separate rx and tx channels, no rings, no parent device.
type VethPair struct {
	Name string // the device under test, "eth1"
	Peer string // the other end; "" means Name with "-peer" behind it
	// Queues is the number of rx and of tx queues that both ends are created with, the most that their channels can be
	// set to; 0 means 1.
	Queues int
	// Channels is the number of rx and of tx channels in use on both ends at the start; 0 means all of Queues.
	Channels int
	MAC      string // "" means one that the kernel picks
	PeerMAC  string // "" means one that the kernel picks
	// Namespace is the network namespace the other end is put into, as a file descriptor; 0 means this one.
	Namespace int
}

// Veth creates the pair p, both ends up, and removes it when the test ends.
func Veth(t testing.TB, p VethPair) {
	t.Helper()
	if p.Peer == "" {
		p.Peer = p.Name + "-peer"
	}
	if p.Queues == 0 {
		p.Queues = 1
	}
	link := netlink.NewVeth(netlink.NewLinkAttrs())
	link.Name, link.PeerName = p.Name, p.Peer
	link.NumRxQueues, link.NumTxQueues = p.Queues, p.Queues
	link.PeerNumRxQueues, link.PeerNumTxQueues = uint32(p.Queues), uint32(p.Queues)
	link.HardwareAddr, link.PeerHardwareAddr = parseMAC(t, p.MAC), parseMAC(t, p.PeerMAC)
	if p.Namespace != 0 {
		link.PeerNamespace = netlink.NsFd(p.Namespace)
	}
	if err := netlink.LinkAdd(link); err != nil {
		t.Fatalf("create veth pair %s and %s: %v", p.Name, p.Peer, err)
	}
	cleanup(t, func() {
		// A test may have removed the pair itself.
		if l, err := netlink.LinkByIndex(link.Index); err == nil {
			_ = netlink.LinkDel(l)
		}
	})
	ends := []string{p.Name}
	if p.Namespace == 0 {
		ends = append(ends, p.Peer)
	}
	for _, name := range ends {
		if p.Channels != 0 {
			SetChannels(t, name, p.Channels)
		}
		Up(t, name)
	}
}

// parseMAC returns the address that s spells, or nil for "".
func parseMAC(t testing.TB, s string) net.HardwareAddr {
	t.Helper()
	if s == "" {
		return nil
	}
	mac, err := net.ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return mac
}

// Channels reads how many rx channels the device has.
func Channels(t testing.TB, name string) int {
	t.Helper()
	et, err := ethtool.NewEthtool()
	if err != nil {
		t.Fatalf("open the ethtool socket: %v", err)
	}
	defer et.Close()
	c, err := et.GetChannels(name)
	if err != nil {
		t.Fatalf("read the channels of %s: %v", name, err)
	}
	return int(c.RxCount)
}

// SetChannels brings the device's rx and tx channels to n each, as another program
// would.
func SetChannels(t testing.TB, name string, n int) {
	t.Helper()
	et, err := ethtool.NewEthtool()
	if err != nil {
		t.Fatalf("open the ethtool socket: %v", err)
	}
	defer et.Close()
	if _, err := et.SetChannels(name, ethtool.Channels{RxCount: uint32(n), TxCount: uint32(n)}); err != nil {
		t.Fatalf("set %d rx and tx channels on %s: %v", n, name, err)
	}
}

// Up brings a link up.
func Up(t testing.TB, name string) {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatalf("find %s: %v", name, err)
	}
	if err := netlink.LinkSetUp(l); err != nil {
		t.Fatalf("bring %s up: %v", name, err)
	}
}
