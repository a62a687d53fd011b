//go:build netns

package soak

import (
	"errors"
	"fmt"
	"net"
	"runtime"
	"testing"

	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/netns"
)

// offered is how many queues each NIC has.
const offered = 8

// card is an ENI and its NIC.
type card struct {
	number  int
	name    string // of the NIC; it changes
	plugged bool
	away    bool // in another namespace
}

func (c *card) eni() string { return fmt.Sprintf("eni-soak%d", c.number) }
func (c *card) mac() string { return fmt.Sprintf("00:16:3e:00:00:%02x", c.number) }

// names are what a NIC can be called, so that metrics have no end of names neither.
func (c *card) names() []string {
	return []string{fmt.Sprintf("eth%d", c.number), fmt.Sprintf("ens%d", c.number), fmt.Sprintf("enp0s%d", c.number)}
}

// plug makes the NIC, by a name, with one channel in use.
func (c *card) plug(name string) error {
	mac, err := net.ParseMAC(c.mac())
	if err != nil {
		return err
	}
	link := netlink.NewVeth(netlink.NewLinkAttrs())
	link.Name, link.PeerName, link.HardwareAddr = name, fmt.Sprintf("port%d", c.number), mac
	link.NumRxQueues, link.NumTxQueues, link.PeerNumRxQueues, link.PeerNumTxQueues = offered, offered, offered, offered
	if err := netlink.LinkAdd(link); err != nil {
		return fmt.Errorf("plug in %s: %w", name, err)
	}
	c.name, c.plugged = name, true
	return errors.Join(setChannels(name, 1), netlink.LinkSetUp(link))
}

// unplug removes the NIC.
func (c *card) unplug() error {
	c.plugged = false
	return c.with(netlink.LinkDel)
}

// rename gives the NIC another name, for which it must be down.
func (c *card) rename(name string) error {
	err := c.with(func(l netlink.Link) error {
		return errors.Join(netlink.LinkSetDown(l), netlink.LinkSetName(l, name), netlink.LinkSetUp(l))
	})
	if err == nil {
		c.name = name
	}
	return err
}

func (c *card) setMAC(mac string) error {
	hw, err := net.ParseMAC(mac)
	if err != nil {
		return err
	}
	return c.with(func(l netlink.Link) error { return netlink.LinkSetHardwareAddr(l, hw) })
}

func (c *card) setUp(up bool) error {
	if up {
		return c.with(netlink.LinkSetUp)
	}
	return c.with(netlink.LinkSetDown)
}

// move moves the NIC into another namespace, and back moves it into this one.
func (c *card) move(there *netns.Namespace) error {
	c.away = true
	return c.with(func(l netlink.Link) error { return netlink.LinkSetNsFd(l, there.FD()) })
}

func (c *card) back(here, there *netns.Namespace) (err error) {
	c.away = false
	there.Do(func() {
		err = c.with(func(l netlink.Link) error { return netlink.LinkSetNsFd(l, here.FD()) })
	})
	return errors.Join(err, c.setUp(true))
}

func (c *card) with(f func(netlink.Link) error) error {
	l, err := netlink.LinkByName(c.name)
	if err == nil {
		err = f(l)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return nil
}

// setChannels changes a NIC as another program would; channels reads it.
func setChannels(name string, n int) error {
	et, err := ethtool.NewEthtool()
	if err != nil {
		return err
	}
	defer et.Close()
	_, err = et.SetChannels(name, ethtool.Channels{RxCount: uint32(n), TxCount: uint32(n)})
	return err
}

func channels(t *testing.T, name string) int {
	t.Helper()
	return netns.Channels(t, name)
}

// pods makes veth pairs as a Kubernetes node does, numbered from first, and removes
// them with their namespace, all at once and not before long.
func pods(first, n int) error {
	done := make(chan error)
	go func() { // in a thread that ends with it, and its namespace too
		runtime.LockOSThread()
		done <- podsIn(first, n)
	}()
	return <-done
}

func podsIn(first, n int) error {
	node, err := netlink.NewHandle() // its sockets stay in the node's namespace
	if err != nil {
		return err
	}
	defer node.Close()
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("make the namespace of pods: %w", err)
	}
	var failed error
	for i := first; i < first+n; i++ {
		link := netlink.NewVeth(netlink.NewLinkAttrs())
		link.Name, link.PeerName = fmt.Sprintf("pod%d", i), "eth0"
		link.PeerNamespace = netlink.NsPid(unix.Gettid())
		if err := node.LinkAdd(link); err != nil {
			return fmt.Errorf("make a pod's pair: %w", err)
		}
		failed = errors.Join(failed, node.LinkSetUp(link))
		if i%2 == 0 {
			failed = errors.Join(failed, node.LinkDel(link))
			continue
		}
		// Its end vanishes with the namespace: move the name out of the way.
		failed = errors.Join(failed, renameEnd(i))
	}
	return failed
}

// renameEnd renames the pod's end, so that the next one can be called eth0.
func renameEnd(i int) error {
	end, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	return netlink.LinkSetName(end, fmt.Sprintf("end%d", i))
}
