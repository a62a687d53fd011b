//go:build linux

// Command guestinit is the harness's end in the guests that package lab boots. As their init process it mounts the kernel's
// file systems and loads modules. In a guest without a disk it then sets up the NICs and does what the harness asks for over
// a virtio-serial port; in a guest with one it hands over to the init process on the disk, which starts it again as a
// service, to do what the harness asks for.
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
	if os.Getpid() != 1 {
		if err := runService(context.Background()); err != nil {
			fmt.Fprintf(os.Stderr, "guestinit: %v\n", err)
			os.Exit(1)
		}
		return
	}
	if err := runInit(context.Background()); err != nil {
		fmt.Fprintf(os.Stderr, "guestinit: %v\n", err)
	}
	unix.Sync()
	// Returning would panic the kernel: an init process ends by ending the machine.
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Fprintf(os.Stderr, "guestinit: power off: %v\n", err)
	}
}

// runInit prepares the guest and hands over to the system on its disk, or serves the harness until that asks for the end or
// goes away.
func runInit(ctx context.Context) error {
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
	if config.Root != "" {
		return switchRoot(uevents, config.Root)
	}
	if err := writeHosts(config.Hosts); err != nil {
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
	_, err = serveHarness(ctx, port, wire.Event{Kind: wire.Ready, Devices: devices})
	return err
}

// runService serves the harness as a service of the system on the guest's disk. The NICs are that system's own affair. When
// the harness asks for the end, the service manager is asked for it.
func runService(ctx context.Context) error {
	config, err := readConfig(wire.ServiceConfigPath)
	if err != nil {
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
	port, err := openPort(uevents)
	if err != nil {
		return err
	}
	defer port.Close()
	off, err := serveHarness(ctx, port, wire.Event{Kind: wire.Ready})
	if err != nil || !off {
		return err
	}
	return askForPowerOff(ctx)
}

// serveHarness tells the harness that the guest is ready and does what it asks for until it asks for the end, which off tells, or
// goes away.
func serveHarness(ctx context.Context, port io.ReadWriter, ready wire.Event) (off bool, err error) {
	conn := wire.NewConn(port)
	if err := conn.Send(ready); err != nil {
		return false, err
	}
	err = newAgent(conn).serve(ctx)
	switch {
	case errors.Is(err, errPowerOff):
		return true, nil
	case errors.Is(err, io.EOF):
		return false, nil
	default:
		return false, err
	}
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
