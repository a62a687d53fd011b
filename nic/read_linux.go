package nic

import (
	"unsafe"

	"golang.org/x/sys/unix"
)

// The reads that a look at a NIC makes. They are made here, and not by the library,
// because its calls must be made on a goroutine of their own (see ioctl), and waking
// that takes several times as long as the read itself. Source of the layouts:
// include/uapi/linux/ethtool.h, struct ethtool_channels, struct ethtool_ringparam and
// struct ethtool_drvinfo.
type (
	channelsReply struct {
		command                                                                          uint32
		maxRx, maxTx, maxOther, maxCombined, rxCount, txCount, otherCount, combinedCount uint32
	}
	ringReply struct {
		command                                                                                  uint32
		rxMax, rxMiniMax, rxJumboMax, txMax, rxPending, rxMiniPending, rxJumboPending, txPending uint32
	}
	driverReply struct {
		command uint32
		driver  [32]byte
		_       [160]byte
	}
)

// Both are struct ifreq (include/uapi/linux/if.h), with what its union holds for
// ethtool's calls and for SIOCGIFINDEX.
type (
	ethtoolRequest struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [24 - unsafe.Sizeof(uintptr(0))]byte
	}
	indexRequest struct {
		name  [unix.IFNAMSIZ]byte
		index int32
		_     [20]byte
	}
)

// scratch is what reads are made with: it is on the heap, which does not move, and is
// used again, because a look reads every NIC.
type scratch struct {
	ethtool ethtoolRequest
	index   indexRequest
	driver  driverReply
	answers answers
}

// answers are the kernel's to one reading.
type answers struct {
	channels                  channelsReply
	rings                     ringReply
	channelsErrno, ringsErrno unix.Errno
}

// ask has the kernel tell a device's channels and rings.
func (c *ioctl) ask(device string) answers {
	a := &c.scratch.answers
	*a = answers{channels: channelsReply{command: unix.ETHTOOL_GCHANNELS}, rings: ringReply{command: unix.ETHTOOL_GRINGPARAM}}
	a.channelsErrno = c.askFor(device, unsafe.Pointer(&a.channels))
	a.ringsErrno = c.askFor(device, unsafe.Pointer(&a.rings))
	return *a
}

func (c *ioctl) askFor(device string, reply unsafe.Pointer) unix.Errno {
	request := &c.scratch.ethtool
	request.data = reply
	if !setName(&request.name, device) {
		return unix.ENODEV
	}
	return c.call(unix.SIOCETHTOOL, unsafe.Pointer(request))
}

// state is what the answers say of a device's settings.
func (a *answers) state(device string) (st State) {
	if a.channelsErrno != 0 {
		st.ChannelsErr = errnoError(device, "read channels", a.channelsErrno)
	} else {
		c := &a.channels
		st.Channels = Channels{
			Max:     ChannelCounts{int(c.maxRx), int(c.maxTx), int(c.maxOther), int(c.maxCombined)},
			Current: ChannelCounts{int(c.rxCount), int(c.txCount), int(c.otherCount), int(c.combinedCount)},
		}
	}
	if a.ringsErrno != 0 {
		st.RingsErr = errnoError(device, "read rings", a.ringsErrno)
	} else {
		r := &a.rings
		st.Rings = Rings{Max: RingSizes{int(r.rxMax), int(r.txMax)}, Current: RingSizes{int(r.rxPending), int(r.txPending)}}
	}
	return st
}

// readDriver gives the name of a device's driver.
func (c *ioctl) readDriver(device string) (string, unix.Errno) {
	reply := &c.scratch.driver
	*reply = driverReply{command: unix.ETHTOOL_GDRVINFO}
	if errno := c.askFor(device, unsafe.Pointer(reply)); errno != 0 {
		return "", errno
	}
	return unix.ByteSliceToString(reply.driver[:]), 0
}

// readIndex gives the interface index of a name.
func (c *ioctl) readIndex(device string) (int, unix.Errno) {
	request := &c.scratch.index
	if !setName(&request.name, device) {
		return 0, unix.ENODEV
	}
	errno := c.call(unix.SIOCGIFINDEX, unsafe.Pointer(request))
	if errno != 0 {
		return 0, errno
	}
	return int(request.index), 0
}

// setName tells whether the name is one that a device can have.
func setName(to *[unix.IFNAMSIZ]byte, device string) bool {
	clear(to[copy(to[:], device):])
	return len(device) < len(to)
}

func (c *ioctl) call(number uintptr, request unsafe.Pointer) unix.Errno {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.fd), number, uintptr(request))
	return errno
}
