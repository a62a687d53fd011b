//go:build netns

package rivals

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/mdlayher/genetlink"
	"github.com/mdlayher/netlink"
	"golang.org/x/sys/unix"
)

// monitor listens to what the kernel tells of changed channels, whoever changed
// them, apart from the agent.
type monitor struct {
	t *testing.T

	mu     sync.Mutex
	counts map[int][]int // by interface index: the numbers of rx channels that were set, in their order
	lost   bool
}

// listen starts a monitor that ends with the test.
func listen(t *testing.T) *monitor {
	t.Helper()
	conn, err := genetlink.Dial(nil)
	if err != nil {
		t.Fatal(err)
	}
	family, err := conn.GetFamily("ethtool")
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range family.Groups {
		if g.Name == "monitor" {
			if err := errors.Join(conn.SetReadBuffer(1<<20), conn.JoinGroup(g.ID)); err != nil {
				t.Fatal(err)
			}
		}
	}
	m := &monitor{t: t, counts: map[int][]int{}}
	done := make(chan struct{})
	go func() { defer close(done); m.run(conn) }()
	t.Cleanup(func() { conn.Close(); <-done })
	return m
}

// run receives until the connection is closed.
func (m *monitor) run(conn *genetlink.Conn) {
	for {
		msgs, _, err := conn.Receive()
		m.mu.Lock()
		m.lost = m.lost || errors.Is(err, unix.ENOBUFS)
		for _, msg := range msgs {
			if index, rx, ok := channelsOf(msg); ok {
				m.counts[index] = append(m.counts[index], rx)
			}
		}
		m.mu.Unlock()
		if err != nil && !errors.Is(err, unix.ENOBUFS) {
			return
		}
	}
}

// channelsOf reads ETHTOOL_MSG_CHANNELS_NTF (include/uapi/linux/ethtool_netlink.h).
func channelsOf(msg genetlink.Message) (index, rx int, ok bool) {
	const header, devIndex, rxCount = 1, 1, 6
	if msg.Header.Command != unix.ETHTOOL_MSG_CHANNELS_NTF {
		return 0, 0, false
	}
	attrs, err := netlink.UnmarshalAttributes(msg.Data)
	if err != nil {
		return 0, 0, false
	}
	for _, a := range attrs {
		switch a.Type &^ unix.NLA_F_NESTED {
		case header:
			inner, err := netlink.UnmarshalAttributes(a.Data)
			if err != nil {
				return 0, 0, false
			}
			for _, i := range inner {
				if i.Type == devIndex {
					index = int(binary.NativeEndian.Uint32(i.Data))
				}
			}
		case rxCount:
			rx, ok = int(binary.NativeEndian.Uint32(a.Data)), true
		}
	}
	return index, rx, ok
}

// of gives, of all the changes of a NIC so far, how many set it to n, and how many
// set it to something else.
func (m *monitor) of(device string, n int) (same, other int) {
	m.t.Helper()
	link, err := net.InterfaceByName(device)
	if err != nil {
		m.t.Fatal(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost {
		m.t.Fatal("the kernel's notifications came faster than the test reads them, so that it cannot count")
	}
	for _, rx := range m.counts[link.Index] {
		if rx == n {
			same++
		} else {
			other++
		}
	}
	return same, other
}
