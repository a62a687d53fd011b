package nic

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// receiveBuffer holds the link messages of some hundred devices that change at
// once. Without CAP_NET_ADMIN the kernel caps it at net.core.rmem_max.
const receiveBuffer = 1 << 20

// messageBuffer is more than a message of a multicast group takes: a link's is some
// 2 kB.
const messageBuffer = 16 << 10

// eventSocket is a member of a netlink multicast group. It reads all the messages
// that wait at once, each with one system call and into the same memory.
type eventSocket struct {
	io.Closer
	raw    syscall.RawConn
	buffer []byte
	look   func(kind uint16, payload []byte) (bool, error) // tells whether a message is worth a look
}

// most messages are read before the Watcher has a say again.
const most = 512

func newEventSocket(conn interface {
	io.Closer
	SyscallConn() (syscall.RawConn, error)
}, look func(kind uint16, payload []byte) (bool, error)) (eventConn, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("use the socket: %w", err)
	}
	return &eventSocket{conn, raw, make([]byte, messageBuffer), look}, nil
}

func (s *eventSocket) receive() (look bool, err error) {
	read := 0
	waited := s.raw.Read(func(fd uintptr) bool {
		for err == nil && read < most {
			var n int
			n, _, err = unix.Recvfrom(int(fd), s.buffer, unix.MSG_DONTWAIT|unix.MSG_TRUNC)
			switch {
			case errors.Is(err, unix.EINTR):
				err = nil
			case errors.Is(err, unix.EAGAIN):
				err = nil
				return read > 0
			case err != nil:
			case n > len(s.buffer):
				err = fmt.Errorf("a message of %d bytes: %w", n, unix.ENOBUFS) // it is as good as lost
			default:
				read++
				var worth bool
				worth, err = s.each(s.buffer[:n])
				look = look || worth
			}
		}
		return true
	})
	if err == nil {
		err = waited
	}
	return look, err
}

// sizeofMessage is struct nlmsghdr: u32 length, u16 type, and more.
const sizeofMessage = unix.SizeofNlMsghdr

// each looks at the messages of a datagram: headers and payloads, padded to 4.
func (s *eventSocket) each(b []byte) (look bool, err error) {
	for len(b) >= sizeofMessage {
		n := int(binary.NativeEndian.Uint32(b))
		if n < sizeofMessage || n > len(b) {
			return true, errShortMessage
		}
		worth, err := s.look(binary.NativeEndian.Uint16(b[4:]), b[sizeofMessage:n])
		if look = look || worth; err != nil {
			return look, err
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return look, nil
}

func openLinkEvents(v *Inventory) (eventConn, error) {
	conn, err := netlink.Dial(unix.NETLINK_ROUTE, nil)
	if err != nil {
		return nil, fmt.Errorf("open the socket: %w", err)
	}
	if !v.virtual {
		_ = conn.SetBPF(hardwareLinks()) // without it the same messages are read and dropped here
	}
	if err := errors.Join(conn.SetReadBuffer(receiveBuffer), conn.JoinGroup(unix.RTNLGRP_LINK)); err != nil {
		conn.Close()
		return nil, fmt.Errorf("join the link group: %w", err)
	}
	return newEventSocket(conn, func(kind uint16, payload []byte) (bool, error) {
		if kind != unix.RTM_NEWLINK && kind != unix.RTM_DELLINK {
			return false, nil
		}
		l, err := parseLink(payload)
		if err != nil {
			return true, fmt.Errorf("read an event: %w", err)
		}
		return v.observe(l), nil
	})
}

func openEthtoolEvents(v *Inventory) (eventConn, error) {
	conn, err := genetlink.Dial(nil)
	if err != nil {
		return nil, fmt.Errorf("open the socket: %w", err)
	}
	if err := joinMonitor(conn); err != nil {
		conn.Close()
		return nil, err
	}
	return newEventSocket(conn, func(_ uint16, payload []byte) (bool, error) {
		if len(payload) < sizeofGeneric {
			return true, errShortMessage
		}
		index, ok := ethtoolDevice(payload[sizeofGeneric:])
		return ok && v.follows(index), nil
	})
}

func joinMonitor(conn *genetlink.Conn) error {
	family, err := conn.GetFamily("ethtool")
	if errors.Is(err, fs.ErrNotExist) {
		return &Error{Op: "find the ethtool netlink family", Kind: ErrUnsupported, Errno: unix.ENOENT,
			Detail: "this kernel has none (before Linux 5.6, or built without it)"}
	}
	if err != nil {
		return fmt.Errorf("find the ethtool netlink family: %w", err)
	}
	for _, g := range family.Groups {
		if g.Name == "monitor" {
			_ = conn.SetBPF(changedSettings()) // without it there are more looks
			return errors.Join(conn.SetReadBuffer(receiveBuffer), conn.JoinGroup(g.ID))
		}
	}
	return &Error{Op: "find ethtool's monitor group", Kind: ErrUnsupported}
}

// sizeofGeneric is struct genlmsghdr: u8 command, and more.
const sizeofGeneric = 4

// The verdicts of a socket filter: how many bytes of a message are kept.
const (
	keepMessage = 1<<32 - 1
	dropMessage = 0
)

// hardwareLinks is a socket filter for rtnetlink that drops the link messages of
// devices with a link kind, which no ENI has, and those of a bridge's ports (family
// AF_BRIDGE): pods' devices cost nothing then but the kernel's own work.
func hardwareLinks() []bpf.RawInstruction {
	return assemble(
		bpf.LoadAbsolute{Off: sizeofMessage, Size: 1}, // the family
		bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.AF_UNSPEC, SkipTrue: 7},
		bpf.LoadConstant{Dst: bpf.RegA, Val: sizeofMessage + sizeofIfInfomsg},
		bpf.LoadConstant{Dst: bpf.RegX, Val: iflaLinkInfo},
		bpf.LoadExtension{Num: bpf.ExtNetlinkAttr}, // the attribute's place; 0 for none
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 4},
		bpf.LoadConstant{Dst: bpf.RegX, Val: iflaInfoKind},
		bpf.LoadExtension{Num: bpf.ExtNetlinkAttrNested},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		bpf.RetConstant{Val: dropMessage},
		bpf.RetConstant{Val: keepMessage},
	)
}

// changedSettings is a socket filter for ethtool's notifications that keeps those
// of channels and rings. The kernel tells of offloads as well, which change whenever a
// pod's device is made.
func changedSettings() []bpf.RawInstruction {
	return assemble(
		bpf.LoadAbsolute{Off: sizeofMessage, Size: 1},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETHTOOL_MSG_CHANNELS_NTF, SkipTrue: 2},
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.ETHTOOL_MSG_RINGS_NTF, SkipTrue: 1},
		bpf.RetConstant{Val: dropMessage},
		bpf.RetConstant{Val: keepMessage},
	)
}

// assemble encodes a program, which is constant, and right as the tests tell.
func assemble(program ...bpf.Instruction) []bpf.RawInstruction {
	raw, err := bpf.Assemble(program)
	if err != nil {
		panic(err)
	}
	return raw
}

// Attribute numbers of ethtool's notifications (include/uapi/linux/
// ethtool_netlink.h): every message has the header first, and in it the device.
const (
	ethtoolHeader   = 1
	ethtoolDevIndex = 1
)

// ethtoolDevice reads the interface index from a notification's attributes.
func ethtoolDevice(b []byte) (index int, ok bool) {
	err := eachAttr(b, func(typ uint16, value []byte) error {
		if typ != ethtoolHeader {
			return nil
		}
		return eachAttr(value, func(typ uint16, value []byte) error {
			if typ == ethtoolDevIndex && len(value) == 4 {
				index, ok = int(binary.NativeEndian.Uint32(value)), true
			}
			return nil
		})
	})
	return index, ok && err == nil
}
