//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// isNoBuffers tells whether a netlink socket lost events because its buffer was full.
func isNoBuffers(err error) bool { return errors.Is(err, unix.ENOBUFS) }

// setupNetwork brings lo up and sets up each NIC. It returns the device name of each MAC.
func setupNetwork(ctx context.Context, nics []wire.NIC) (map[string]string, error) {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return nil, fmt.Errorf("find lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return nil, fmt.Errorf("bring lo up: %w", err)
	}
	devices := make(map[string]string)
	for _, n := range nics {
		name, err := setupNIC(ctx, n)
		if err != nil {
			return nil, err
		}
		devices[n.MAC] = name
	}
	return devices, nil
}

// setupNIC waits for the device with n's MAC, gives it n's address and routes and returns its name.
func setupNIC(ctx context.Context, n wire.NIC) (string, error) {
	mac, err := net.ParseMAC(n.MAC)
	if err != nil {
		return "", fmt.Errorf("MAC of the NIC: %w", err)
	}
	link, err := waitLink(ctx, mac)
	if err != nil {
		return "", fmt.Errorf("wait for the NIC %s: %w", mac, err)
	}
	name := link.Attrs().Name
	if n.Addr == "" {
		return name, nil
	}
	addr, err := netlink.ParseAddr(n.Addr)
	if err != nil {
		return "", fmt.Errorf("address of %s: %w", name, err)
	}
	if err := netlink.AddrAdd(link, addr); err != nil {
		return "", fmt.Errorf("add %s to %s: %w", n.Addr, name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return "", fmt.Errorf("bring %s up: %w", name, err)
	}
	for _, prefix := range n.Routes {
		_, dst, err := net.ParseCIDR(prefix)
		if err != nil {
			return "", fmt.Errorf("route through %s: %w", name, err)
		}
		route := &netlink.Route{LinkIndex: link.Attrs().Index, Dst: dst, Scope: netlink.SCOPE_LINK}
		if err := netlink.RouteReplace(route); err != nil {
			return "", fmt.Errorf("route %s through %s: %w", dst, name, err)
		}
	}
	return name, nil
}

// waitLink returns the device with the address mac as soon as there is one.
func waitLink(ctx context.Context, mac net.HardwareAddr) (netlink.Link, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	updates := make(chan netlink.LinkUpdate, 16)
	// Subscribed before the list is read, so that nothing falls between the two.
	if err := netlink.LinkSubscribe(updates, ctx.Done()); err != nil {
		return nil, fmt.Errorf("subscribe to links: %w", err)
	}
	defer func() {
		// The sender ends, and closes the channel, only when it can get rid of what it has.
		cancel()
		for range updates {
		}
	}()
	for {
		links, err := netlink.LinkList()
		if err != nil {
			return nil, fmt.Errorf("list links: %w", err)
		}
		for _, l := range links {
			if bytes.Equal(l.Attrs().HardwareAddr, mac) {
				return l, nil
			}
		}
		select {
		case _, open := <-updates:
			if !open {
				return nil, errors.New("the link events ended")
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
