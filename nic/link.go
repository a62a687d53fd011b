package nic

import (
	"encoding/binary"
	"errors"
	"net"
)

// link is the little that deciding "could this be an ENI?" needs of a link
// message, read without allocating: on a Kubernetes node most messages are of
// pods' devices and are thrown away.
type link struct {
	family   byte // AF_UNSPEC but for messages of bridge ports (AF_BRIDGE), which say little
	index    int
	loopback bool
	kind     string // rtnl link kind; "" for hardware
	parent   bool   // the message names a parent device
	mac      [6]byte
}

// Link attribute numbers (include/uapi/linux/if_link.h) that the standard
// library and x/sys do not both have on every platform.
const (
	iflaAddress       = 1
	iflaLinkInfo      = 18
	iflaParentDevName = 56
	iflaInfoKind      = 1
	iffLoopback       = 0x8
	sizeofIfInfomsg   = 16
	nlaTypeMask       = 0x3fff
)

var errShortMessage = errors.New("link message is cut short")

// parseLink reads the payload of an RTM_NEWLINK or RTM_DELLINK message:
// struct ifinfomsg followed by attributes, in host byte order.
func parseLink(b []byte) (link, error) {
	if len(b) < sizeofIfInfomsg {
		return link{}, errShortMessage
	}
	l := link{
		family:   b[0],
		index:    int(int32(binary.NativeEndian.Uint32(b[4:8]))),
		loopback: binary.NativeEndian.Uint32(b[8:12])&iffLoopback != 0,
	}
	err := eachAttr(b[sizeofIfInfomsg:], func(typ uint16, value []byte) error {
		switch typ {
		case iflaAddress:
			if len(value) == len(l.mac) {
				l.mac = [6]byte(value)
			}
		case iflaParentDevName:
			l.parent = len(value) > 1
		case iflaLinkInfo:
			return eachAttr(value, func(typ uint16, value []byte) error {
				if typ == iflaInfoKind {
					l.kind = kindName(value)
				}
				return nil
			})
		}
		return nil
	})
	return l, err
}

// kindName interns the kinds that occur in masses.
func kindName(value []byte) string {
	if n := len(value); n > 0 && value[n-1] == 0 {
		value = value[:n-1]
	}
	if string(value) == "veth" {
		return "veth"
	}
	return string(value)
}

// eachAttr walks netlink attributes: u16 length, u16 type, value, padded to 4.
func eachAttr(b []byte, f func(typ uint16, value []byte) error) error {
	for len(b) >= 4 {
		n := int(binary.NativeEndian.Uint16(b[0:2]))
		if n < 4 || n > len(b) {
			return errShortMessage
		}
		if err := f(binary.NativeEndian.Uint16(b[2:4])&nlaTypeMask, b[4:n]); err != nil {
			return err
		}
		b = b[min((n+3)&^3, len(b)):]
	}
	return nil
}

// macString formats an address; "" for the all-zero one.
func macString(addr net.HardwareAddr) string {
	for _, b := range addr {
		if b != 0 {
			return addr.String()
		}
	}
	return ""
}

// stacked tells the kinds of virtual devices that stand on top of another one
// and share its address or traffic; they are never an ENI's guest side, even
// where virtual devices are looked at.
func stacked(kind string) bool {
	switch kind {
	case "vlan", "macvlan", "macvtap", "ipvlan", "ipvtap", "bond", "team", "bridge",
		"vrf", "vxlan", "geneve", "gre", "gretap", "ip6gre", "ip6gretap", "ipip", "ip6tnl",
		"sit", "vti", "vti6", "xfrm", "wireguard", "macsec", "hsr", "nlmon", "ifb":
		return true
	default:
		return false
	}
}

// candidate decides from a link message whether a device is worth a closer
// look. Hardware has no link kind; whether it has a parent is asked later,
// because older kernels do not say it in the message.
func candidate(l link, virtual bool) bool {
	if l.loopback || l.family != 0 {
		return false
	}
	return l.kind == "" || virtual && !stacked(l.kind)
}

// macBytes reads an Ethernet address; ok is false for any other.
func macBytes(s string) (b [6]byte, ok bool) {
	addr, err := net.ParseMAC(s)
	if err != nil || len(addr) != len(b) {
		return b, false
	}
	return [6]byte(addr), true
}
