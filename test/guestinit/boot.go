//go:build linux

package main

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// mountAll mounts what every Linux system has mounted.
func mountAll() error {
	for _, m := range []struct{ kind, target string }{
		{"proc", "/proc"},
		{"sysfs", "/sys"},
		{"devtmpfs", "/dev"},
		{"tmpfs", "/run"},
		{"tmpfs", "/tmp"},
	} {
		if err := os.MkdirAll(m.target, 0o755); err != nil {
			return err
		}
		if err := unix.Mount(m.kind, m.target, m.kind, unix.MS_NOSUID, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m.target, err)
		}
	}
	return os.Chmod("/tmp", 0o777|os.ModeSticky)
}

// setEnvironment sets the environment that every command finds.
func setEnvironment(config wire.Config) error {
	env := append([]string{"PATH=/usr/local/bin:/usr/local/sbin:/bin:/sbin:/usr/bin:/usr/sbin", "HOME=/root"}, config.Env...)
	for _, assignment := range env {
		key, value, _ := strings.Cut(assignment, "=")
		if err := os.Setenv(key, value); err != nil {
			return fmt.Errorf("set %s: %w", key, err)
		}
	}
	return nil
}

// writeHosts writes the host names that every command finds, by name.
func writeHosts(addresses map[string]string) error {
	hosts := bytes.NewBufferString("127.0.0.1\tlocalhost\n")
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		fmt.Fprintf(hosts, "%s\t%s\n", addresses[name], name)
	}
	return os.WriteFile("/etc/hosts", hosts.Bytes(), 0o644)
}

// loadModules loads the kernel modules that the file list names.
func loadModules(list string) error {
	modules, err := os.ReadFile(list)
	if err != nil {
		return err
	}
	for _, path := range strings.Fields(string(modules)) {
		if err := loadModule(path); err != nil {
			return err
		}
	}
	return nil
}

// loadModule loads the uncompressed kernel module in the file path.
func loadModule(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && err != unix.EEXIST {
		return fmt.Errorf("load %s: %w", path, err)
	}
	return nil
}

// listenUevents subscribes to the kernel's device events. The file must be opened before what it is to tell of happens.
func listenUevents() (*os.File, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_KOBJECT_UEVENT)
	if err != nil {
		return nil, fmt.Errorf("open the uevent socket: %w", err)
	}
	if err := unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: 1}); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("bind the uevent socket: %w", err)
	}
	return os.NewFile(uintptr(fd), "uevents"), nil
}

// openPort waits for the virtio-serial port, which appears some time after its driver is loaded, and opens it.
func openPort(uevents *os.File) (*os.File, error) {
	port, err := awaitDevice(uevents, "/dev/vport*")
	if err != nil {
		return nil, fmt.Errorf("wait for the virtio-serial port: %w", err)
	}
	// Blocking, unlike os.OpenFile: a write then waits until the host has opened its end, where a non-blocking one or a
	// read would report the end of the file.
	fd, err := unix.Open(port, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", port, err)
	}
	return os.NewFile(uintptr(fd), port), nil
}

// awaitDevice waits for a file that the pattern matches and returns its name. The uevents must have been opened before it
// is called.
func awaitDevice(uevents *os.File, pattern string) (string, error) {
	var event [8192]byte
	for {
		files, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		if len(files) > 0 {
			return files[0], nil
		}
		// What the event says does not matter; ENOBUFS means that some were lost.
		if _, err := uevents.Read(event[:]); err != nil && !isNoBuffers(err) {
			return "", err
		}
	}
}
