//go:build linux

package main

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// channels is struct ethtool_channels (include/uapi/linux/ethtool.h).
type channels struct {
	cmd                                 uint32
	maxRX, maxTX, maxOther, maxCombined uint32
	rx, tx, other, combined             uint32
}

// value is struct ethtool_value.
type value struct{ cmd, data uint32 }

// ifreq is struct ifreq with a pointer in its union.
type ifreq struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte
}

// nic is a device and a socket to ask the kernel about it.
type nic struct {
	device string
	fd     int
}

func openNIC(device string) (nic, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	return nic{device, fd}, err
}

func (n nic) close() { _ = unix.Close(n.fd) }

// ethtool carries out the command in a struct of linux/ethtool.h, which takes the
// answer.
func (n nic) ethtool(command unsafe.Pointer) error {
	req := ifreq{data: command}
	copy(req.name[:unix.IFNAMSIZ-1], n.device)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(n.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	runtime.KeepAlive(command)
	if errno != 0 {
		return fmt.Errorf("%s: ethtool command %#x: %w", n.device, *(*uint32)(command), errno)
	}
	return nil
}

func (n nic) channels() (channels, error) {
	c := channels{cmd: unix.ETHTOOL_GCHANNELS}
	err := n.ethtool(unsafe.Pointer(&c))
	return c, err
}

// combine sets the combined channels.
func (n nic) combine(combined uint32) error {
	c, err := n.channels()
	if err != nil {
		return err
	}
	c.cmd, c.combined = unix.ETHTOOL_SCHANNELS, combined
	return n.ethtool(unsafe.Pointer(&c))
}

// storm makes events of both kinds, of links and of ethtool, as fast as the kernel
// takes it, by switching GRO and, each second time, the channels, and then sets those.
func storm(device string, combined, times uint32) error {
	n, err := openNIC(device)
	if err != nil {
		return err
	}
	defer n.close()
	for i := range times {
		if err := n.ethtool(unsafe.Pointer(&value{cmd: unix.ETHTOOL_SGRO, data: i % 2})); err != nil {
			return err
		}
		if i%2 == 0 {
			if err := n.combine(combined + i/2%2); err != nil {
				return err
			}
		}
	}
	return n.combine(combined)
}

const (
	// patience bounds the wait for a repair.
	patience = 2 * time.Minute
	// apart is between a repair and the next change, so that three of them are not
	// within the shortest window of a budget, a second.
	apart = 500 * time.Millisecond
)

// drift measures how long it takes until a change is undone.
func drift(device string, to, want, times uint32) error {
	n, err := openNIC(device)
	if err != nil {
		return err
	}
	defer n.close()
	for range times {
		began := time.Now()
		if err := n.combine(to); err != nil {
			return err
		}
		changed, repaired := time.Now(), time.Duration(0)
		for {
			c, err := n.channels()
			if err != nil {
				return err
			}
			if c.combined == want {
				repaired = time.Since(changed)
				break
			}
			if time.Since(changed) > patience {
				return fmt.Errorf("%s has %d combined channels, and was to have %d", device, c.combined, want)
			}
			time.Sleep(100 * time.Microsecond) // the repair needs the processor
		}
		time.Sleep(apart)
		fmt.Println(changed.Sub(began).Nanoseconds(), repaired.Nanoseconds())
	}
	return nil
}
