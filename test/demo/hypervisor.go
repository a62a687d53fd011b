package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// hypervisor is where NICs come from: a second network namespace, of one thread. A pair is made there, and one end is
// moved into the guest's namespace, so that to the guest a NIC appears from nowhere as hardware does: with its queues, its
// address, and one channel in use.
type hypervisor struct {
	guest *os.File // the guest's network namespace
	work  chan func() error
	done  chan error
}

// startHypervisor makes the second namespace. Its thread lasts until close.
func startHypervisor() (*hypervisor, error) {
	guest, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		return nil, fmt.Errorf("open the network namespace: %w", err)
	}
	h := &hypervisor{guest: guest, work: make(chan func() error), done: make(chan error)}
	go h.serve() // ends with close
	return h, h.do(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("make the hypervisor's network namespace: %w", err)
		}
		return nil
	})
}

// serve runs the work in a thread that nothing else ever runs in. It stays locked, so that the runtime ends the thread, and
// the kernel with it the namespace.
func (h *hypervisor) serve() {
	runtime.LockOSThread()
	for f := range h.work {
		h.done <- f()
	}
	close(h.done)
}

func (h *hypervisor) do(f func() error) error {
	h.work <- f
	return <-h.done
}

func (h *hypervisor) close() error {
	close(h.work)
	<-h.done
	return h.guest.Close()
}

// nicSpec is a NIC to plug in.
type nicSpec struct {
	device string
	mac    string
	queues int // the most that its channels can be set to
}

// plug gives the guest a NIC with one channel in use, as a freshly booted guest without any tuning has it.
func (h *hypervisor) plug(spec nicSpec) error {
	mac, err := net.ParseMAC(spec.mac)
	if err != nil {
		return err
	}
	if err := h.do(func() error { return h.makePair(spec, mac) }); err != nil {
		return fmt.Errorf("plug in %s: %w", spec.device, err)
	}
	link, err := netlink.LinkByName(spec.device)
	if err != nil {
		return fmt.Errorf("plug in %s: %w", spec.device, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up: %w", spec.device, err)
	}
	return nil
}

// makePair works in the hypervisor's namespace.
func (h *hypervisor) makePair(spec nicSpec, mac net.HardwareAddr) (err error) {
	link := netlink.NewVeth(netlink.NewLinkAttrs())
	link.Name, link.PeerName, link.HardwareAddr = spec.device, port(spec.device), mac
	link.NumRxQueues, link.NumTxQueues = spec.queues, spec.queues
	link.PeerNumRxQueues, link.PeerNumTxQueues = uint32(spec.queues), uint32(spec.queues)
	if err := netlink.LinkAdd(link); err != nil {
		return fmt.Errorf("make a veth pair: %w", err)
	}
	w, err := newWitness()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	for _, end := range []string{spec.device, port(spec.device)} {
		if err := w.setQueues(end, 1); err != nil {
			return err
		}
	}
	other, err := netlink.LinkByName(port(spec.device))
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(other); err != nil {
		return err
	}
	return netlink.LinkSetNsFd(link, int(h.guest.Fd()))
}

// unplug takes a NIC away from the guest.
func (h *hypervisor) unplug(device string) error {
	return h.do(func() error {
		link, err := netlink.LinkByName(port(device))
		if err == nil {
			err = netlink.LinkDel(link) // one end takes the other with it
		}
		if err != nil {
			return fmt.Errorf("unplug %s: %w", device, err)
		}
		return nil
	})
}

// port names the hypervisor's end of a NIC.
func port(device string) string { return "port-" + device }
