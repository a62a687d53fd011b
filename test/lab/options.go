package lab

import (
	"fmt"
	"math/bits"
	"net"
	"net/netip"
	"regexp"
	"slices"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// Options describe a guest.
type Options struct {
	Kernel   string // "6.1" or "6.12", or what else setup.sh's kernel directory holds; "" means "6.12"
	CPUs     int    // 0 means 2
	MemoryMB int    // 0 means 512
	UUID     string // SMBIOS type 1, read in the guest as /sys/class/dmi/id/product_uuid; "" means one that QEMU picks
	Serial   string // SMBIOS type 1, read in the guest as /sys/class/dmi/id/product_serial; "" means none
	NICs     []NIC
	// Disk makes the guest a whole Debian with systemd, which boots from it, knows its NICs as eth0, eth1, … and gives them
	// their addresses by systemd-networkd. nil means a guest in memory, with busybox and nothing running.
	Disk   *Disk
	Drives []*Drive // of a guest without a Disk, to keep files on
	// LateDrivers leaves it to a Disk's system to load the NICs' driver, as a small initramfs does; otherwise the driver is
	// loaded before that system starts, as Debian's initramfs does.
	LateDrivers bool
	Modules     []string          // kernel modules to load besides those the NICs need, by name: "veth", "bonding"
	Files       map[string]string // guest path to host path; the mode is kept
	Hosts       map[string]string // host name to IP address, for the guest's /etc/hosts
	Env         []string          // KEY=value, for every command in the guest
}

// NIC describes a virtio-net device of a guest and the tap device that is the host's end of it.
type NIC struct {
	ID  string // names the device to this package and QEMU, unique in the guest; "" means nic0, nic1, … by position
	MAC string // "" means 00:16:3e:00:00:00, …:01, … by position
	// Queues is the device's number of queue pairs, 1 to 256; 0 means 1. The driver starts with min(Queues, CPUs) in use.
	Queues int
	// RxRing is the device's rx ring size in descriptors, a power of two from 256 to 1024; 0 means 1024. It is the most
	// that the guest can set. The tx ring always has 256: QEMU offers more only to vhost-user.
	RxRing int
	// NoQueueReset takes away the feature that the driver needs to change a ring (VIRTIO_F_RING_RESET).
	NoQueueReset bool
	// HostAddrs are the addresses with prefix length on the host's end: "100.100.100.200/32", "10.99.0.1/24".
	HostAddrs []string
	// GuestAddr is the address with prefix length that the guest gives its device, with routes to HostAddrs:
	// "10.99.0.2/24". "" leaves the device as the driver made it, down and without an address.
	GuestAddr string
}

// validID is what QEMU takes for the id of a device.
var validID = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)

// withDefaults returns o with the defaults filled in, or an error that names the bad field.
func (o Options) withDefaults() (Options, error) {
	if o.Kernel == "" {
		o.Kernel = "6.12"
	}
	if o.CPUs == 0 {
		o.CPUs = 2
	}
	if o.MemoryMB == 0 {
		o.MemoryMB = 512
	}
	nics := make([]NIC, 0, len(o.NICs))
	seen := make(map[string]bool)
	for i, n := range o.NICs {
		n, err := n.withDefaults(i)
		if err != nil {
			return Options{}, err
		}
		if seen[n.ID] {
			return Options{}, fmt.Errorf("NIC %s: the ID is used twice", n.ID)
		}
		seen[n.ID] = true
		nics = append(nics, n)
	}
	o.NICs = nics
	return o, nil
}

// withDefaults returns n, the NIC at the given position, with the defaults filled in, or an error that names the bad field.
func (n NIC) withDefaults(position int) (NIC, error) {
	if n.ID == "" {
		n.ID = fmt.Sprintf("nic%d", position)
	}
	if !validID.MatchString(n.ID) {
		return NIC{}, fmt.Errorf("NIC %q: the ID must be a letter followed by letters, digits, '.', '_' and '-'", n.ID)
	}
	if n.MAC == "" {
		n.MAC = fmt.Sprintf("00:16:3e:00:00:%02x", position)
	}
	mac, err := net.ParseMAC(n.MAC)
	if err != nil {
		return NIC{}, fmt.Errorf("NIC %s: MAC: %w", n.ID, err)
	}
	n.MAC = mac.String()
	if n.Queues == 0 {
		n.Queues = 1
	}
	if n.Queues < 1 || n.Queues > 256 {
		return NIC{}, fmt.Errorf("NIC %s: %d queues, want 1 to 256", n.ID, n.Queues)
	}
	if n.RxRing == 0 {
		n.RxRing = 1024
	}
	if n.RxRing < 256 || n.RxRing > 1024 || bits.OnesCount(uint(n.RxRing)) != 1 {
		return NIC{}, fmt.Errorf("NIC %s: rx ring of %d, want a power of two from 256 to 1024", n.ID, n.RxRing)
	}
	addrs := slices.Clone(n.HostAddrs)
	if n.GuestAddr != "" {
		addrs = append(addrs, n.GuestAddr)
	}
	for _, addr := range addrs {
		if _, err := netip.ParsePrefix(addr); err != nil {
			return NIC{}, fmt.Errorf("NIC %s: address: %w", n.ID, err)
		}
	}
	return n, nil
}

// guest is what the guest's init process is told of n.
func (n NIC) guest() wire.NIC {
	w := wire.NIC{MAC: n.MAC, Addr: n.GuestAddr}
	for _, addr := range n.HostAddrs {
		host := netip.MustParsePrefix(addr).Addr() // withDefaults has parsed it
		w.Routes = append(w.Routes, netip.PrefixFrom(host, host.BitLen()).String())
	}
	return w
}

// config is what the guest's init process is told.
func (o Options) config() wire.Config {
	c := wire.Config{Hosts: o.Hosts, Env: o.Env}
	if o.Disk != nil {
		c.Root = rootDevice
	}
	for _, n := range o.NICs {
		c.NICs = append(c.NICs, n.guest())
	}
	return c
}
