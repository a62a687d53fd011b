package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"unsafe"

	"golang.org/x/sys/unix"
)

// channelCounts is the kernel's struct ethtool_channels (include/uapi/linux/ethtool.h).
type channelCounts struct {
	cmd                                 uint32
	maxRx, maxTx, maxOther, maxCombined uint32
	rx, tx, other, combined             uint32
}

// channelRequest is a struct ifreq that points to channelCounts.
type channelRequest struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte // the rest of ifreq's union, on any architecture
}

const setChannelsCommand = 0x3d // ETHTOOL_SCHANNELS

// witness reads and sets channels by ioctl, in the network namespace it was opened in. The demo looks through it, and not
// through the product's own code, to know what is true.
type witness struct{ fd int }

func newWitness() (witness, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return witness{}, fmt.Errorf("open a socket for ethtool: %w", err)
	}
	return witness{fd}, nil
}

func (w witness) close() error { return unix.Close(w.fd) }

// queues gives a veth's channels; it has as many rx as tx ones here, and the smaller count is what counts.
func (w witness) queues(device string) (int, error) {
	c := channelCounts{cmd: unix.ETHTOOL_GCHANNELS}
	if err := w.call(device, &c); err != nil {
		return 0, fmt.Errorf("%s: read channels: %w", device, err)
	}
	return int(min(c.rx, c.tx)), nil
}

func (w witness) setQueues(device string, n int) error {
	c := channelCounts{cmd: setChannelsCommand, rx: uint32(n), tx: uint32(n)}
	if err := w.call(device, &c); err != nil {
		return fmt.Errorf("%s: set %d rx and tx channels: %w", device, n, err)
	}
	return nil
}

func (w witness) call(device string, c *channelCounts) error {
	req := channelRequest{data: unsafe.Pointer(c)}
	copy(req.name[:unix.IFNAMSIZ-1], device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(w.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return errno
	}
	return nil
}

// findEthtool gives the path of the real ethtool, also where it is not in an ordinary user's PATH; "" if there is none.
func findEthtool() string {
	for _, name := range []string{"ethtool", "/usr/sbin/ethtool", "/sbin/ethtool"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// runEthtool sets the channels with the real tool.
func runEthtool(ctx context.Context, path, device string, n int) error {
	count := fmt.Sprint(n)
	cmd := exec.CommandContext(ctx, path, "-L", device, "rx", count, "tx", count)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w: %s", cmd.Args, err, bytes.TrimSpace(out))
	}
	return nil
}
