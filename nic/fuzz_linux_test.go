package nic

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
)

// FuzzParseLink: a message is read whole or refused, the same way each time, and
// what decides whether a device is looked at does not depend on bytes behind it.
func FuzzParseLink(f *testing.F) {
	mac := []byte{0, 0x16, 0x3e, 0, 0, 1}
	f.Add(linkMessage(3, 0, attr(iflaAddress, mac), attr(iflaLinkInfo, attr(iflaInfoKind, []byte("veth\x00")))))
	f.Add(linkMessage(2, iffLoopback, attr(iflaAddress, mac), attr(iflaParentDevName, []byte("virtio3\x00"))))
	f.Add(linkMessage(2, 0, []byte{3, 0, 1, 0}))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := parseLink(b)
		if err != nil {
			return
		}
		if len(b) < sizeofIfInfomsg || len(l.kind) > len(b) {
			t.Errorf("%d bytes were read as %+v", len(b), l)
		}
		// Another attribute behind it changes nothing: the walk kept its bounds.
		if padded := (len(b) - sizeofIfInfomsg) % 4; padded == 0 {
			if again, err := parseLink(append(b[:len(b):len(b)], attr(4095, []byte("x"))...)); err != nil || again != l {
				t.Errorf("%+v, and with an attribute more %+v, %v", l, again, err)
			}
		}
		if l.loopback && candidate(l, true) || l.family != 0 && candidate(l, true) || stacked(l.kind) && candidate(l, true) {
			t.Errorf("%+v is a candidate", l)
		}
	})
}

// FuzzEthtoolNotification: whatever a notification holds, it is of the device that
// its header names, or of none.
func FuzzEthtoolNotification(f *testing.F) {
	index := binary.NativeEndian.AppendUint32(nil, 7)
	f.Add(attr(ethtoolHeader|1<<15, append(attr(ethtoolDevIndex, index), attr(2, []byte("eth1\x00"))...)))
	f.Add(attr(ethtoolHeader|1<<15, attr(ethtoolDevIndex, []byte{1, 2})))
	f.Add([]byte{8, 0, 1, 128, 3, 0, 1, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		got, ok := ethtoolDevice(b)
		if !ok {
			return
		}
		if got < 0 || len(b) < 12 {
			t.Errorf("%d bytes are of device %d", len(b), got)
		}
	})
}

// FuzzLinkOfTheLibrary: what the library makes of a message that parseLink takes is
// the same device.
func FuzzLinkOfTheLibrary(f *testing.F) {
	mac := []byte{0, 0x16, 0x3e, 0, 0, 1}
	f.Add(uint32(3), uint32(0), mac, []byte("eth1\x00"), []byte("virtio3\x00"), []byte(""))
	f.Add(uint32(9), uint32(iffLoopback), []byte{}, []byte("\x1b[31m\n\xff"), []byte{}, []byte("veth\x00"))
	f.Add(uint32(4), uint32(0), mac, []byte("a\x00b"), []byte("0000:00:05.0\x00"), []byte("bond\x00"))
	f.Fuzz(func(t *testing.T, index, flags uint32, address, name, parent, kind []byte) {
		const iflaIfname = 3
		if len(address)+len(name)+len(parent)+len(kind) > 1000 || len(name) == 0 || len(parent) == 0 {
			return // an attribute's length has 16 bits; the kernel ends texts by a 0
		}
		attrs := [][]byte{attr(iflaAddress, address), attr(iflaIfname, name), attr(iflaParentDevName, parent)}
		if len(kind) > 0 {
			attrs = append(attrs, attr(iflaLinkInfo, attr(iflaInfoKind, kind)))
		}
		msg := linkMessage(int32(index), flags, attrs...)
		l, err := parseLink(msg)
		if err != nil {
			t.Fatal(err)
		}
		full, err := netlink.LinkDeserialize(nil, msg)
		if err != nil {
			return
		}
		a := full.Attrs()
		if a.Index != l.index || len(a.HardwareAddr) == 6 && [6]byte(a.HardwareAddr) != l.mac {
			t.Errorf("read as %+v and as %+v", l, a)
		}
	})
}

// FuzzSettingsOfTheKernel: whatever counts and sizes the kernel tells, a reading is
// within them, and a change asks for nothing that was not asked of it.
func FuzzSettingsOfTheKernel(f *testing.F) {
	f.Add(uint32(8), uint32(8), uint32(1), uint32(0), uint32(2), uint32(2), uint32(1), uint32(0), uint32(4), true)
	f.Add(uint32(0), uint32(0), uint32(0), uint32(4), uint32(0), uint32(0), uint32(0), uint32(1), uint32(4), false)
	f.Add(uint32(1<<31), uint32(1<<32-1), uint32(0), uint32(0), uint32(7), uint32(0), uint32(0), uint32(9), uint32(1), true)
	f.Fuzz(func(t *testing.T, maxRX, maxTX, maxOther, maxCombined, rx, tx, other, combined, value uint32, raise bool) {
		st := State{
			Channels: toChannels(ethtool.Channels{MaxRx: maxRX, MaxTx: maxTX, MaxOther: maxOther, MaxCombined: maxCombined,
				RxCount: rx, TxCount: tx, OtherCount: other, CombinedCount: combined}),
			Rings: toRings(ethtool.Ring{RxMaxPending: maxRX, TxMaxPending: maxTX, RxPending: rx, TxPending: tx}),
		}
		for _, s := range Settings() {
			r := st.Reading(s)
			if r.Err != nil {
				if r != (Reading{Err: r.Err}) {
					t.Errorf("%s: %+v", s, r)
				}
				continue
			}
			if r.Current < 0 || r.Highest < r.Current || r.Max < 1 {
				t.Errorf("%s of %+v: %+v", s, st, r)
			}
		}
		before := st.Channels.Current
		want := Change{Queues, int(value), raise}.channels(st.Channels)
		if want.Other != before.Other || raise && (want.RX < before.RX || want.TX < before.TX || want.Combined < before.Combined) {
			t.Errorf("%+v is changed to %+v", before, want)
		}
		if st.Channels.usesCombined() && (want.RX != before.RX || want.TX != before.TX) || !st.Channels.usesCombined() && want.Combined != before.Combined {
			t.Errorf("%+v is changed to %+v", st.Channels, want)
		}
		for _, one := range []Setting{RxRing, TxRing} {
			got := Change{one, int(value), raise}.rings(st.Rings.Current)
			if one == RxRing && got.TX != st.Rings.Current.TX || one == TxRing && got.RX != st.Rings.Current.RX {
				t.Errorf("%s: %+v is changed to %+v", one, st.Rings.Current, got)
			}
		}
	})
}

// FuzzPermanentAddress: an address is one of six bytes in two digits each, or none.
func FuzzPermanentAddress(f *testing.F) {
	for _, seed := range []string{"0:16:3e:0:1:2", "00:16:3e:00:00:01", "::::::", "1:2:3:4:5:-6", "+1:2:3:4:5:6", "1_0:2:3:4:5:6"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := normalizePermAddr(text)
		if got == "" {
			return
		}
		if _, ok := macBytes(got); !ok || normalizePermAddr(got) != got || macString(mustMAC(t, got)) != got && got != "00:00:00:00:00:00" {
			t.Errorf("%q becomes %q", text, got)
		}
	})
}

func mustMAC(t *testing.T, s string) []byte {
	t.Helper()
	b, ok := macBytes(s)
	if !ok {
		t.Fatalf("%q is no address", s)
	}
	return b[:]
}

// FuzzVirtioFeatures: sysfs's list of features is read bit by bit, without end or
// with one.
func FuzzVirtioFeatures(f *testing.F) {
	f.Add([]byte("0101\n"), 3)
	f.Add([]byte{}, ringResetBit)
	f.Fuzz(func(t *testing.T, features []byte, bit int) {
		if bit < 0 {
			return
		}
		if hasFeature(features, bit) && (bit >= len(features) || features[bit] != '1') {
			t.Errorf("bit %d of %q", bit, features)
		}
	})
}

// FuzzEventDatagram: of what an event socket receives, each message comes once and in
// order, with what it says it holds; nothing beyond the end is read.
func FuzzEventDatagram(f *testing.F) {
	one := attr(1, []byte("abc"))
	f.Add(append(message(16, one), message(17, nil)...))
	f.Add(message(16, one)[:18])
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0})
	f.Add(make([]byte, 64))
	f.Fuzz(func(t *testing.T, datagram []byte) {
		var again []byte
		s := &eventSocket{look: func(kind uint16, payload []byte) (bool, error) {
			again = append(again, message(kind, payload)...)
			return kind == 1, nil
		}}
		look, err := s.each(datagram)
		if err != nil && (!look || !errors.Is(err, errShortMessage)) {
			t.Errorf("%v, and a look: %v", err, look)
		}
		for at := 0; at+sizeofMessage <= len(again); {
			n := int(binary.NativeEndian.Uint32(again[at:]))
			if at+n > len(datagram) || !bytes.Equal(again[at+sizeofMessage:at+n], datagram[at+sizeofMessage:at+n]) {
				t.Fatalf("at %d: %x of %x", at, again, datagram)
			}
			at += (n + 3) &^ 3
		}
	})
}

// message is a netlink message, padded.
func message(kind uint16, payload []byte) []byte {
	b := make([]byte, sizeofMessage, sizeofMessage+len(payload)+3)
	binary.NativeEndian.PutUint32(b, uint32(sizeofMessage+len(payload)))
	binary.NativeEndian.PutUint16(b[4:], kind)
	b = append(b, payload...)
	return append(b, make([]byte, -len(b)&3)...)
}
