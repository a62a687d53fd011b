//go:build linux

// Command guestinit is the init process of the guests that package lab boots. It mounts the kernel's file systems, loads
// modules, sets up the NICs and then does what the harness asks for over a virtio-serial port.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/guestinit/wire"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "guestinit: %v\n", err)
	}
	unix.Sync()
	// Returning would panic the kernel: an init process ends by ending the machine.
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Fprintf(os.Stderr, "guestinit: power off: %v\n", err)
	}
}

// run prepares the guest and serves the harness until that asks for the end or goes away.
func run(ctx context.Context) error {
	config, err := readConfig(wire.ConfigPath)
	if err != nil {
		return err
	}
	if err := mountAll(); err != nil {
		return err
	}
	if err := setEnvironment(config); err != nil {
		return err
	}
	uevents, err := listenUevents()
	if err != nil {
		return err
	}
	defer uevents.Close()
	if err := loadModules(wire.ModuleListPath); err != nil {
		return err
	}
	port, err := openPort(uevents)
	if err != nil {
		return err
	}
	defer port.Close()
	devices, err := setupNetwork(ctx, config.NICs)
	if err != nil {
		return err
	}
	conn := wire.NewConn(port)
	if err := conn.Send(wire.Event{Kind: wire.Ready, Devices: devices}); err != nil {
		return err
	}
	if err := newAgent(conn).serve(ctx); !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func readConfig(path string) (wire.Config, error) {
	var c wire.Config
	document, err := os.ReadFile(path)
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(document, &c); err != nil {
		return c, fmt.Errorf("%s: %w", path, err)
	}
	return c, nil
}
