//go:build linux

package main

import (
	"fmt"
	"runtime"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// pass is the program "return XDP_PASS" (linux/bpf.h): r0 = 2; exit.
var pass = [16]byte{0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0}

// loadAttr is the beginning of union bpf_attr for BPF_PROG_LOAD.
type loadAttr struct {
	kind, instructions uint32
	code, license      unsafe.Pointer
	logLevel, logSize  uint32
	logBuf             unsafe.Pointer
	version, flags     uint32
}

// loadPass loads the program and returns its descriptor.
func loadPass() (fd int, err error) {
	code, license := pass, [4]byte{'G', 'P', 'L'}
	attr := loadAttr{kind: unix.BPF_PROG_TYPE_XDP, instructions: uint32(len(code) / 8), code: unsafe.Pointer(&code), license: unsafe.Pointer(&license)}
	r, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	runtime.KeepAlive(&code)
	runtime.KeepAlive(&license)
	if errno != 0 {
		return -1, fmt.Errorf("load the XDP program: %w", errno)
	}
	return int(r), nil
}

// setXDP attaches the program in the driver, or detaches whatever is attached.
func setXDP(device string, on bool) error {
	link, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	fd := -1
	if on {
		if fd, err = loadPass(); err != nil {
			return err
		}
		defer unix.Close(fd)
	}
	if err := netlink.LinkSetXdpFdWithFlags(link, fd, unix.XDP_FLAGS_DRV_MODE); err != nil {
		return fmt.Errorf("XDP at %s: %w", device, err)
	}
	return nil
}
