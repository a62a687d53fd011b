package nic

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The two reads that every look at every NIC makes. They are made here, and not by
// the library, because its calls must be made on a goroutine of their own (see
// ioctl), and waking that takes several times as long as the read itself. Source of
// the layouts: include/uapi/linux/ethtool.h, struct ethtool_channels and struct
// ethtool_ringparam.
type (
	channelsReply struct {
		command                                                                          uint32
		maxRx, maxTx, maxOther, maxCombined, rxCount, txCount, otherCount, combinedCount uint32
	}
	ringReply struct {
		command                                                                                  uint32
		rxMax, rxMiniMax, rxJumboMax, txMax, rxPending, rxMiniPending, rxJumboPending, txPending uint32
	}
)

// ethtoolRequest is struct ifreq with a pointer in its union.
type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [24 - unsafe.Sizeof(uintptr(0))]byte
}

func (c *ioctl) readChannels(device string) (Channels, error) {
	reply := &channelsReply{command: unix.ETHTOOL_GCHANNELS}
	if err := c.ask(device, unsafe.Pointer(reply)); err != nil {
		return Channels{}, newError(device, "read channels", err)
	}
	return Channels{
		Max:     ChannelCounts{int(reply.maxRx), int(reply.maxTx), int(reply.maxOther), int(reply.maxCombined)},
		Current: ChannelCounts{int(reply.rxCount), int(reply.txCount), int(reply.otherCount), int(reply.combinedCount)},
	}, nil
}

func (c *ioctl) readRings(device string) (Rings, error) {
	reply := &ringReply{command: unix.ETHTOOL_GRINGPARAM}
	if err := c.ask(device, unsafe.Pointer(reply)); err != nil {
		return Rings{}, newError(device, "read rings", err)
	}
	return Rings{
		Max:     RingSizes{int(reply.rxMax), int(reply.txMax)},
		Current: RingSizes{int(reply.rxPending), int(reply.txPending)},
	}, nil
}

// ask has the kernel fill a reply. The request is on the heap, which does not move.
func (c *ioctl) ask(device string, reply unsafe.Pointer) error {
	if len(device) >= unix.IFNAMSIZ {
		return unix.ENODEV
	}
	request := &ethtoolRequest{data: reply}
	copy(request.name[:], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(request)))
	if errno != 0 {
		return errno
	}
	return nil
}
