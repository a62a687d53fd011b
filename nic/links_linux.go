package nic

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// skipStats leaves the counters out of link messages (RTEXT_FILTER_SKIP_STATS,
// Linux 4.4 and later); nobody reads them here.
const skipStats = 1 << 3

// dumps is how often a dump that the kernel calls inconsistent is repeated
// before its result is taken as it is; what it missed comes as an event.
const dumps = 3

// dumpLinks reads every link of the network namespace and converts those that keep
// wants. Each message is done with before the next one is read, so that memory
// follows what is kept.
func (h *Handle) dumpLinks(ctx context.Context, keep func(link) bool) ([]NIC, error) {
	for attempt := 1; ; attempt++ {
		nics, err := h.dumpLinksOnce(keep)
		if errors.Is(err, netlink.ErrDumpInterrupted) {
			if attempt < dumps && ctx.Err() == nil {
				continue
			}
			err = nil
		}
		if err != nil {
			return nil, newError("", "list links", err)
		}
		return nics, ctx.Err()
	}
}

func (h *Handle) dumpLinksOnce(keep func(link) bool) ([]NIC, error) {
	req := nl.NewNetlinkRequest(unix.RTM_GETLINK, unix.NLM_F_DUMP)
	req.AddData(nl.NewIfInfomsg(unix.AF_UNSPEC))
	req.AddData(nl.NewRtAttr(unix.IFLA_EXT_MASK, nl.Uint32Attr(skipStats)))
	var nics []NIC
	var broken error
	err := req.ExecuteIter(unix.NETLINK_ROUTE, unix.RTM_NEWLINK, func(msg []byte) bool {
		l, err := parseLink(msg)
		if err == nil && keep(l) {
			var full netlink.Link
			if full, err = netlink.LinkDeserialize(nil, msg); err == nil {
				nics = append(nics, h.toNIC(full)) // which keeps nothing of the message
			}
		}
		broken = errors.Join(broken, err)
		return err == nil
	})
	if err == nil || errors.Is(err, netlink.ErrDumpInterrupted) {
		err = errors.Join(broken, err)
	}
	return nics, err
}

// linkByIndex reads one link; an ErrGone *Error if there is none. Like a dump it has
// a socket of its own, so that what befalls one does not last.
func linkByIndex(index int) (netlink.Link, error) {
	l, err := netlink.LinkByIndex(index)
	var notFound netlink.LinkNotFoundError
	switch {
	case errors.As(err, &notFound):
		return nil, &Error{Device: fmt.Sprintf("interface %d", index), Op: "read link", Kind: ErrGone}
	case err != nil:
		return nil, newError(fmt.Sprintf("interface %d", index), "read link", err)
	default:
		return l, nil
	}
}

// toNIC takes from a link what identifies a device, and asks elsewhere for what
// older kernels do not put into link messages.
func (h *Handle) toNIC(l netlink.Link) NIC {
	a := l.Attrs()
	n := NIC{
		Index:    a.Index,
		Name:     a.Name,
		AltNames: a.AltNames,
		MAC:      macString(a.HardwareAddr),
		PermMAC:  macString(a.PermHWAddr),
		Kind:     linkKind(l),
		Parent:   a.ParentDev,
		Bus:      a.ParentDevBus,
		Oper:     a.OperState.String(),
		Master:   a.MasterIndex,
		XDP:      a.Xdp != nil && a.Xdp.Attached,
	}
	if a.Flags&net.FlagLoopback != 0 || n.Kind != "" {
		return n
	}
	if n.Parent == "" {
		n.Parent, n.Bus = sysfsParent(n.Name)
	}
	if n.PermMAC == "" {
		n.PermMAC = h.ioctl.permAddr(n.Name)
	}
	return n
}

// linkKind is the rtnl link kind, "" for devices without one, which the library
// calls "device".
func linkKind(l netlink.Link) string {
	if _, ok := l.(*netlink.Device); ok {
		return ""
	}
	return l.Type()
}

// sysfsParent finds the parent device on kernels before 5.14, whose link
// messages do not name it.
func sysfsParent(device string) (parent, bus string) {
	dir := filepath.Join("/sys/class/net", filepath.Base(device), "device")
	target, err := os.Readlink(dir)
	if err != nil {
		return "", ""
	}
	if subsystem, err := os.Readlink(filepath.Join(dir, "subsystem")); err == nil {
		bus = filepath.Base(subsystem)
	}
	return filepath.Base(target), bus
}
