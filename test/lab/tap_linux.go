package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// tapPattern is the name of tap devices, of which the kernel completes the number.
const tapPattern = "lab%d"

// newTap makes the host's end of n, up and with its addresses, and returns its name.
func newTap(n NIC) (name string, err error) {
	name, err = createTap(n.Queues > 1)
	if err != nil {
		return "", fmt.Errorf("NIC %s: %w", n.ID, err)
	}
	if err := configureTap(name, n); err != nil {
		return "", errors.Join(fmt.Errorf("NIC %s: %w", n.ID, err), deleteTap(name))
	}
	return name, nil
}

// createTap makes a tap device that stays until it is deleted. QEMU attaches to it by name, for which the flags must be
// those that it uses itself.
func createTap(multiQueue bool) (string, error) {
	const device = "/dev/net/tun"
	fd, err := unix.Open(device, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", &missingError{
			what:   fmt.Sprintf("can't open %s: %v", device, err),
			remedy: "load the module tun (modprobe tun) and allow writing to it (chmod 0666 " + device + "), or run as root",
		}
	}
	defer unix.Close(fd)
	request, err := unix.NewIfreq(tapPattern)
	if err != nil {
		return "", err
	}
	flags := uint16(unix.IFF_TAP | unix.IFF_NO_PI | unix.IFF_VNET_HDR)
	if multiQueue {
		flags |= unix.IFF_MULTI_QUEUE
	}
	request.SetUint16(flags)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, request); err != nil {
		return "", fmt.Errorf("create a tap device: %w", err)
	}
	if err := unix.IoctlSetInt(fd, unix.TUNSETPERSIST, 1); err != nil {
		return "", fmt.Errorf("keep the tap device %s: %w", request.Name(), err)
	}
	return request.Name(), nil
}

// configureTap brings the tap up with n's host addresses and a route to n's guest address.
func configureTap(name string, n NIC) error {
	link, err := netlink.LinkByName(name)
	if err != nil {
		return fmt.Errorf("find %s: %w", name, err)
	}
	if err := netlink.LinkSetUp(link); err != nil {
		return fmt.Errorf("bring %s up: %w", name, err)
	}
	for _, a := range n.HostAddrs {
		addr, err := netlink.ParseAddr(a)
		if err != nil {
			return err
		}
		if err := netlink.AddrAdd(link, addr); err != nil {
			return fmt.Errorf("add %s to %s: %w", a, name, err)
		}
	}
	if n.GuestAddr == "" {
		return nil
	}
	guest := netip.MustParsePrefix(n.GuestAddr).Addr() // withDefaults has parsed it
	route := &netlink.Route{
		LinkIndex: link.Attrs().Index,
		Scope:     netlink.SCOPE_LINK,
		Dst:       &net.IPNet{IP: guest.AsSlice(), Mask: net.CIDRMask(guest.BitLen(), guest.BitLen())},
	}
	if err := netlink.RouteReplace(route); err != nil {
		return fmt.Errorf("route %s through %s: %w", guest, name, err)
	}
	return nil
}

// deleteTap removes the tap device; that it is gone is no error.
func deleteTap(name string) error {
	link, err := netlink.LinkByName(name)
	if errors.As(err, new(netlink.LinkNotFoundError)) {
		return nil
	}
	if err == nil {
		err = netlink.LinkDel(link)
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}
