package netns_test

import (
	"net"
	"testing"

	"github.com/enitune/enitune/test/netns"
)

func TestANamespaceHasLinksAndAddressesOfItsOwn(t *testing.T) {
	there := netns.New(t)
	there.Do(func() {
		netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 4, Channels: 2})
		netns.Addr(t, "lo", "100.100.100.200/32")
	})
	if _, err := net.InterfaceByName("eth1"); err == nil {
		t.Error("eth1 is here")
	}
	var l net.Listener
	there.Do(func() {
		if got := netns.Channels(t, "eth1"); got != 2 {
			t.Errorf("%d channels there, want 2", got)
		}
		var err error
		if l, err = net.Listen("tcp", "100.100.100.200:80"); err != nil {
			t.Fatal(err)
		}
	})
	defer l.Close()
	if c, err := net.Dial("tcp", l.Addr().String()); err == nil {
		c.Close()
		t.Error("the listener is reached from here")
	}
	var c net.Conn
	there.Do(func() {
		var err error
		if c, err = net.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		}
	})
	c.Close()
}

func TestAVethPairCanReachIntoANamespace(t *testing.T) {
	there := netns.New(t)
	netns.Veth(t, netns.VethPair{Name: "wire", Peer: "eth1", Namespace: there.FD()})
	there.Do(func() { netns.Up(t, "eth1") })
	there.Do(func() { netns.Delete(t, "eth1") })
	if _, err := net.InterfaceByName("wire"); err == nil {
		t.Error("the other end is still here")
	}
}

func TestTheEndOfATestRemovesLinksWhereItMadeThem(t *testing.T) {
	there := netns.New(t)
	netns.Veth(t, netns.VethPair{Name: "here"})
	t.Run("inside", func(t *testing.T) {
		// The first link of a namespace has the same index in each.
		there.Do(func() { netns.Veth(t, netns.VethPair{Name: "there"}) })
	})
	if _, err := net.InterfaceByName("here"); err != nil {
		t.Errorf("a link of another namespace went: %v", err)
	}
	there.Do(func() {
		if _, err := net.InterfaceByName("there"); err == nil {
			t.Error("the link outlived its test")
		}
	})
}
