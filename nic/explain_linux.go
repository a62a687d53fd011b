package nic

import (
	"errors"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
)

// Commands and attributes of ethtool's generic netlink family
// (include/uapi/linux/ethtool_netlink.h).
const (
	ethtoolVersion     = 1
	msgRingsSet        = 16
	msgChannelsSet     = 18
	attrRingsRX        = 6
	attrRingsTX        = 9
	attrChannelsRX     = 6
	attrChannelsTX     = 7
	attrChannelsCombin = 9
)

// request is a write in the form of ethtool's netlink messages.
type request struct {
	command uint8
	values  map[uint16]int // by attribute
}

func (c ChannelCounts) request(most ChannelCounts) request {
	r := request{msgChannelsSet, map[uint16]int{}}
	for attr, v := range map[uint16][2]int{attrChannelsRX: {c.RX, most.RX}, attrChannelsTX: {c.TX, most.TX}, attrChannelsCombin: {c.Combined, most.Combined}} {
		if v[1] > 0 { // the kernel refuses what the driver does not have
			r.values[attr] = v[0]
		}
	}
	return r
}

func (s RingSizes) request() request {
	return request{msgRingsSet, map[uint16]int{attrRingsRX: s.RX, attrRingsTX: s.TX}}
}

// explain asks for a write again that the ioctl refused, over netlink, which
// answers with the kernel's words and not only a number; "" if there are none.
// Repeating is safe: the values are absolute, and if the first write came true
// in spite of its error, the kernel finds nothing to change.
func explain(index int, r request) string {
	conn, err := genetlink.Dial(&netlink.Config{})
	if err != nil {
		return ""
	}
	defer conn.Close()
	// Kernels before 4.12 have no such answers; the write is then not repeated.
	if err := conn.SetOption(netlink.ExtendedAcknowledge, true); err != nil {
		return ""
	}
	family, err := conn.GetFamily("ethtool")
	if err != nil {
		return ""
	}
	ae := netlink.NewAttributeEncoder()
	ae.Nested(ethtoolHeader, func(h *netlink.AttributeEncoder) error {
		h.Uint32(ethtoolDevIndex, uint32(index))
		return nil
	})
	for attr, v := range r.values {
		ae.Uint32(attr, uint32(v))
	}
	data, err := ae.Encode()
	if err != nil {
		return ""
	}
	msg := genetlink.Message{Header: genetlink.Header{Command: r.command, Version: ethtoolVersion}, Data: data}
	_, err = conn.Execute(msg, family.ID, netlink.Request|netlink.Acknowledge)
	var op *netlink.OpError
	if errors.As(err, &op) {
		return op.Message
	}
	return ""
}

// explainXDP names the attached XDP program as the likely reason, where the kernel
// gives none: virtio_net refuses every change of channels for its sake, without a
// word.
func explainXDP(n NIC) string {
	if !n.XDP {
		return ""
	}
	return "an XDP program is attached, and drivers refuse such changes until it is detached"
}
