package faults

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Sizes and numbers of generic netlink (include/uapi/linux/genetlink.h).
const (
	sizeofHeaders = unix.NLMSG_HDRLEN + unix.GENL_HDRLEN
	longest       = 1 << 16
)

// decodeMessage reads a message that is sent: writes of ethtool's family, and the look-up of the family.
func (c *Call) decodeMessage(length uint64) error {
	c.Op = Send
	if length < sizeofHeaders || length > longest || c.Socket != GenericRequests && c.Socket != GenericEvents {
		return nil
	}
	c.message = make([]byte, length)
	if err := c.read(c.address, c.message); err != nil {
		return err
	}
	kind, command := binary.NativeEndian.Uint16(c.message[4:]), c.message[unix.NLMSG_HDRLEN]
	switch {
	case kind == unix.GENL_ID_CTRL && command == unix.CTRL_CMD_GETFAMILY:
		c.Op = FindFamily
	case kind == c.f.family && command == unix.ETHTOOL_MSG_CHANNELS_SET:
		c.Op, c.Netlink = SetChannels, true
	case kind == c.f.family && command == unix.ETHTOOL_MSG_RINGS_SET:
		c.Op, c.Netlink = SetRings, true
	}
	if c.Netlink {
		if header := attribute(c.message[sizeofHeaders:], unix.ETHTOOL_A_CHANNELS_HEADER); header != nil {
			if index := attribute(header, unix.ETHTOOL_A_HEADER_DEV_INDEX); len(index) == 4 {
				c.Device = deviceName(binary.NativeEndian.Uint32(index))
			}
		}
	}
	return nil
}

// attribute finds the value of an attribute, in place; nil if it is not there.
func attribute(b []byte, kind uint16) []byte {
	for len(b) >= unix.NLA_HDRLEN {
		n := int(binary.NativeEndian.Uint16(b))
		if n < unix.NLA_HDRLEN || n > len(b) {
			return nil
		}
		if binary.NativeEndian.Uint16(b[2:])&^(unix.NLA_F_NESTED|unix.NLA_F_NET_BYTEORDER) == kind {
			return b[unix.NLA_HDRLEN:n]
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}

// spoil makes a write of ethtool's family one that every driver refuses, and a look-up one of a family that no kernel has.
func (c *Call) spoil() error {
	attributes := c.message[sizeofHeaders:]
	if c.Op == FindFamily {
		if name := attribute(attributes, unix.CTRL_ATTR_FAMILY_NAME); len(name) > 0 {
			name[0] ^= 0x20
		}
	}
	for _, kind := range map[Op][]uint16{
		SetChannels: {unix.ETHTOOL_A_CHANNELS_RX_COUNT, unix.ETHTOOL_A_CHANNELS_TX_COUNT, unix.ETHTOOL_A_CHANNELS_COMBINED_COUNT},
		SetRings:    {unix.ETHTOOL_A_RINGS_RX, unix.ETHTOOL_A_RINGS_TX},
	}[c.Op] {
		if value := attribute(attributes, kind); len(value) == 4 {
			binary.NativeEndian.PutUint32(value, tooMany)
		}
	}
	return c.write(c.address, c.message)
}

// tooMany is more than any NIC has of anything.
const tooMany = 1<<31 - 1
