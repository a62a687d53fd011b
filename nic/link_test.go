package nic

import (
	"encoding/binary"
	"testing"
)

// linkMessage builds the payload of a link message.
func linkMessage(index int32, flags uint32, attrs ...[]byte) []byte {
	b := make([]byte, sizeofIfInfomsg)
	binary.NativeEndian.PutUint32(b[4:8], uint32(index))
	binary.NativeEndian.PutUint32(b[8:12], flags)
	for _, a := range attrs {
		b = append(b, a...)
	}
	return b
}

func attr(typ uint16, value []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(4+len(value)))
	b = binary.NativeEndian.AppendUint16(b, typ)
	b = append(b, value...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func TestParseLink(t *testing.T) {
	mac := []byte{0x00, 0x16, 0x3e, 1, 2, 3}
	const nested = 1 << 15
	tests := []struct {
		name string
		msg  []byte
		want link
	}{
		{"virtio", linkMessage(3, 0, attr(iflaAddress, mac), attr(iflaParentDevName, []byte("virtio1\x00"))),
			link{index: 3, parent: true, mac: [6]byte(mac)}},
		{"veth", linkMessage(4, 0, attr(iflaAddress, mac), attr(iflaLinkInfo|nested, attr(iflaInfoKind, []byte("veth\x00")))),
			link{index: 4, kind: "veth", mac: [6]byte(mac)}},
		{"loopback", linkMessage(1, iffLoopback, attr(iflaAddress, make([]byte, 6))), link{index: 1, loopback: true}},
		{"an address of another length is not Ethernet", linkMessage(5, 0, attr(iflaAddress, make([]byte, 20))), link{index: 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseLink(tt.msg)
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v, want %+v", got, err, tt.want)
			}
		})
	}
	for n := range tests[1].msg[:len(tests[1].msg)-1] {
		if l, err := parseLink(tests[1].msg[:n]); err == nil && l.kind == "veth" {
			t.Errorf("a message cut at byte %d was read whole: %+v", n, l)
		}
	}
}

func TestEthtoolDevice(t *testing.T) {
	index := binary.NativeEndian.AppendUint32(nil, 7)
	msg := attr(ethtoolHeader|1<<15, append(attr(ethtoolDevIndex, index), attr(2, []byte("eth1\x00"))...))
	if got, ok := ethtoolDevice(msg); !ok || got != 7 {
		t.Errorf("got %d, %v, want 7", got, ok)
	}
	for n := range msg {
		if got, ok := ethtoolDevice(msg[:n]); ok && got != 7 {
			t.Errorf("a message cut at byte %d gave device %d", n, got)
		}
	}
}

func TestParseLinkDoesNotAllocateForPods(t *testing.T) {
	msg := linkMessage(4, 0, attr(iflaAddress, make([]byte, 6)), attr(iflaLinkInfo, attr(iflaInfoKind, []byte("veth\x00"))))
	if n := testing.AllocsPerRun(100, func() { _, _ = parseLink(msg) }); n > 0 {
		t.Errorf("%v allocations for a veth's message", n)
	}
}
