// Package nic reads, writes and watches the network devices of a Linux guest
// that can be the guest side of an elastic network interface (ENI): which
// devices there are, how many channels (queues) they run with, how deep their
// rings are, and what the driver allows.
//
// Devices are found through rtnetlink (github.com/vishvananda/netlink), channels
// and rings are read and written through the ethtool ioctl
// (github.com/safchain/ethtool), which works on every kernel in use on ECS.
// Changes are announced by rtnetlink link messages and, from Linux 5.6 on, by
// ethtool's generic netlink notifications; both only mean "look again".
package nic

// NIC identifies one network device of the guest. It is a value: two NICs that
// compare equal are the same device in the same state of naming.
type NIC struct {
	Index    int      // interface index, unique in the network namespace, new after every hot-plug
	Name     string   // current name, at most 15 bytes; can change at any time
	AltNames []string // alternative names (Linux 5.5 and later), in the kernel's order
	MAC      string   // current hardware address, lower-case colon form; "" if the device has none
	PermMAC  string   // permanent hardware address as the device was made with; "" where the kernel gives none
	Kind     string   // rtnl link kind ("veth", "bond", "vlan", ...); "" for devices of real hardware or virtio
	Parent   string   // name of the device on its bus ("virtio3", "0000:00:05.0"); "" for virtual devices
	Bus      string   // bus of Parent ("virtio", "pci"); "" where the kernel does not tell (before Linux 5.14)
	Oper     string   // operational state as `ip link` prints it: "up", "down", "unknown", ...
	Master   int      // index of the bond, bridge or failover device that this one belongs to; 0 for none
	XDP      bool     // an XDP program is attached, for the sake of which drivers refuse to change channels
}

// Physical tells whether the device stands on a bus, as ENIs do. VLANs, bonds,
// macvlans, veths and the like do not.
func (n NIC) Physical() bool { return n.Parent != "" }

// ID is the hardware address by which the device is matched to its ENI: the
// permanent one where the kernel gives it, because a bond rewrites the current
// one of its members.
func (n NIC) ID() string {
	if n.PermMAC != "" {
		return n.PermMAC
	}
	return n.MAC
}

// Channels are the receive and transmit queues of a device, as `ethtool -l`
// shows them. Drivers either combine both directions (virtio_net) or keep them
// apart (veth).
type Channels struct {
	Max, Current ChannelCounts
}

// ChannelCounts counts channels by what they carry.
type ChannelCounts struct {
	RX, TX, Other, Combined int
}

// Rings are the descriptor rings of a device, as `ethtool -g` shows them.
type Rings struct {
	Max, Current RingSizes
}

// RingSizes are the depths of one receive and one transmit ring, in
// descriptors.
type RingSizes struct {
	RX, TX int
}

// State is a NIC with all that the kernel says of its settings at one moment.
type State struct {
	NIC
	Driver string // kernel driver, "virtio_net"; "" if unknown

	Channels    Channels
	ChannelsErr error // why Channels could not be read, an *Error; nil if they were
	Rings       Rings
	RingsErr    error // why Rings could not be read, an *Error; nil if they were
	// RingsFixed: the driver tells the ring sizes, but cannot change them.
	RingsFixed bool
}
