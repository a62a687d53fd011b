package faults

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Op is what a system call is for. The zero value is none.
type Op int

// The operations. Writes come by ioctl, or as a message of ethtool's netlink family (Call.Netlink).
const (
	GetDriver   Op = iota + 1 // the driver's name and version
	GetChannels               // read channels
	SetChannels               // write channels
	GetRings                  // read ring sizes
	SetRings                  // write ring sizes
	OtherIoctl                // any other call of ethtool
	FindFamily                // look up ethtool's netlink family
	Send                      // any other sending on a netlink socket
	Receive                   // receiving on a netlink socket
)

// Socket is a kind of netlink socket. The zero value is none.
type Socket int

// The kinds: of rtnetlink and generic netlink, for requests or a member of a multicast group.
const (
	RouteRequests Socket = iota + 1
	RouteEvents
	GenericRequests
	GenericEvents
)

// Match picks calls. What is zero matches anything.
type Match struct {
	Op     Op
	Device string // as the program names it; for a netlink message, the present name of its index
	Socket Socket
}

func (m Match) fits(c *Call) bool {
	return (m.Op == 0 || m.Op == c.Op) && (m.Device == "" || m.Device == c.Device) && (m.Socket == 0 || m.Socket == c.Socket)
}

// Call is one system call of the program, which waits for the answer.
type Call struct {
	Match          // what it is
	Netlink bool   // a write that comes as a netlink message
	Data    []byte // of an ioctl: the command's structure, which Next may have filled in; nil otherwise

	f        *Injector
	rules    []*Rule // those still to be asked, the newest last
	listener int
	id       uint64
	thread   int    // of the program
	fd       int    // the program's file descriptor of the call
	name     []byte // of an ioctl: the device's name as struct ifreq holds it
	address  uint64 // of Data, or of a sent message, in the program
	message  []byte // what is sent
}

// Record is a call that was made.
type Record struct {
	Match
	Netlink  bool
	Channels Channels // what SetChannels asks for
	Rings    Rings    // what SetRings asks for
	// Errno is what a rule answered; 0 where the call succeeded or was left to the kernel.
	Errno unix.Errno
}

// decode reads what a notification is about; ok is false for sockets that are none of netlink's, and for programs that
// have ended meanwhile.
func (f *Injector) decode(listener int, n notification) (c *Call, ok bool) {
	c = &Call{f: f, listener: listener, id: n.id, thread: int(n.pid), fd: int(n.args[0])}
	switch n.number {
	case unix.SYS_IOCTL:
		return c, c.decodeIoctl(n.args[2]) == nil
	case unix.SYS_SENDTO:
		c.address = n.args[1]
		return c, c.decodeSocket() && c.decodeMessage(n.args[2]) == nil
	case unix.SYS_SENDMSG:
		length, err := c.vector(n.args[1])
		return c, err == nil && c.decodeSocket() && c.decodeMessage(length) == nil
	default:
		c.Op = Receive
		return c, c.decodeSocket()
	}
}

// ifreq is struct ifreq as ethtool uses it: the name, and where the command's structure is.
const sizeofIfreq = unix.IFNAMSIZ + 8

// Sizes of ethtool's structures (include/uapi/linux/ethtool.h).
const (
	sizeofDriver   = 196
	sizeofChannels = 9 * 4
	sizeofRings    = 9 * 4
)

func (c *Call) decodeIoctl(address uint64) error {
	ifreq := make([]byte, sizeofIfreq)
	if err := c.read(address, ifreq); err != nil {
		return err
	}
	c.name = ifreq[:unix.IFNAMSIZ]
	name, _, _ := bytes.Cut(c.name, []byte{0})
	c.Device, c.address = string(name), binary.NativeEndian.Uint64(ifreq[unix.IFNAMSIZ:])
	command := make([]byte, 4)
	if err := c.read(c.address, command); err != nil {
		return err
	}
	size := 0
	switch binary.NativeEndian.Uint32(command) {
	case unix.ETHTOOL_GDRVINFO:
		c.Op, size = GetDriver, sizeofDriver
	case unix.ETHTOOL_GCHANNELS:
		c.Op, size = GetChannels, sizeofChannels
	case unix.ETHTOOL_SCHANNELS:
		c.Op, size = SetChannels, sizeofChannels
	case unix.ETHTOOL_GRINGPARAM:
		c.Op, size = GetRings, sizeofRings
	case unix.ETHTOOL_SRINGPARAM:
		c.Op, size = SetRings, sizeofRings
	default:
		c.Op = OtherIoctl
		return nil
	}
	c.Data = make([]byte, size)
	return c.read(c.address, c.Data)
}

// vector finds the first buffer of a struct msghdr.
func (c *Call) vector(address uint64) (length uint64, err error) {
	header := make([]byte, unsafe.Sizeof(unix.Msghdr{}))
	if err := c.read(address, header); err != nil {
		return 0, err
	}
	vector := make([]byte, unsafe.Sizeof(unix.Iovec{}))
	if err := c.read(binary.NativeEndian.Uint64(header[unsafe.Offsetof(unix.Msghdr{}.Iov):]), vector); err != nil {
		return 0, err
	}
	c.address = binary.NativeEndian.Uint64(vector)
	return binary.NativeEndian.Uint64(vector[8:]), nil
}

// decodeSocket finds out what socket the call is on; false if it is none of rtnetlink or generic netlink.
func (c *Call) decodeSocket() bool {
	fd, err := unix.PidfdGetfd(c.f.pidfd, c.fd, 0)
	if err != nil {
		return false
	}
	defer unix.Close(fd)
	if domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN); err != nil || domain != unix.AF_NETLINK {
		return false
	}
	protocol, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PROTOCOL)
	if err != nil {
		return false
	}
	events := member(fd)
	switch {
	case protocol == unix.NETLINK_ROUTE && events:
		c.Socket = RouteEvents
	case protocol == unix.NETLINK_ROUTE:
		c.Socket = RouteRequests
	case protocol == unix.NETLINK_GENERIC && events:
		c.Socket = GenericEvents
	case protocol == unix.NETLINK_GENERIC:
		c.Socket = GenericRequests
	default:
		return false
	}
	return true
}

// member tells whether a netlink socket is in a multicast group.
func member(fd int) bool {
	var groups [32]uint32
	length := uint32(unsafe.Sizeof(groups))
	_, _, errno := unix.Syscall6(unix.SYS_GETSOCKOPT, uintptr(fd), unix.SOL_NETLINK, unix.NETLINK_LIST_MEMBERSHIPS,
		uintptr(unsafe.Pointer(&groups)), uintptr(unsafe.Pointer(&length)), 0)
	return errno == 0 && groups != [32]uint32{}
}

// Next asks the rules below, and gives what they decide.
func (c *Call) Next() Verdict {
	if len(c.rules) == 0 {
		return Pass()
	}
	top := c.rules[len(c.rules)-1]
	c.rules = c.rules[:len(c.rules)-1]
	return top.do(c)
}

// Perform sees to it that the call is made before it returns, by a rule below or in the program's place, and that Data is
// the answer. It is for ioctls.
func (c *Call) Perform() unix.Errno {
	v := c.Next()
	if !v.pass {
		return v.errno
	}
	request := make([]byte, sizeofIfreq)
	copy(request, c.name)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&c.Data[0])
	binary.NativeEndian.PutUint64(request[unix.IFNAMSIZ:], uint64(uintptr(unsafe.Pointer(&c.Data[0]))))
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.f.ioctl), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request[0])))
	return errno
}

// deliver copies Data to the program.
func (c *Call) deliver() error { return c.write(c.address, c.Data) }

func (c *Call) read(address uint64, b []byte) error {
	return c.copy("read", unix.ProcessVMReadv, address, b)
}

func (c *Call) write(address uint64, b []byte) error {
	return c.copy("write", unix.ProcessVMWritev, address, b)
}

func (c *Call) copy(what string, transfer func(int, []unix.Iovec, []unix.RemoteIovec, uint) (int, error), address uint64, b []byte) error {
	local := []unix.Iovec{{Base: &b[0]}}
	local[0].SetLen(len(b))
	n, err := transfer(c.thread, local, []unix.RemoteIovec{{Base: uintptr(address), Len: len(b)}}, 0)
	if err == nil && n != len(b) {
		err = unix.EFAULT
	}
	if err != nil {
		return fmt.Errorf("%s %d bytes of the program's memory: %w", what, len(b), err)
	}
	return nil
}

// deviceName gives the name of an interface index; "" if there is none.
func deviceName(index uint32) string {
	i, err := net.InterfaceByIndex(int(index))
	if err != nil {
		return ""
	}
	return i.Name
}
