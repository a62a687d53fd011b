//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// newRoot is where the disk is mounted before it becomes the root.
const newRoot = "/newroot"

// switchRoot mounts the file system on the block device, puts what the harness has brought along for it in place and starts
// its init process. It returns only with an error.
func switchRoot(uevents *os.File, device string) error {
	if _, err := awaitDevice(uevents, device); err != nil {
		return fmt.Errorf("wait for %s: %w", device, err)
	}
	if err := os.Mkdir(newRoot, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(device, newRoot, "ext4", unix.MS_RELATIME, ""); err != nil {
		return fmt.Errorf("mount %s: %w", device, err)
	}
	for _, dir := range []string{"/dev", "/proc", "/sys", "/run"} {
		// The init process leaves alone what it finds mounted; what is in /run stays.
		if err := unix.Mount(dir, newRoot+dir, "", unix.MS_MOVE, ""); err != nil {
			return fmt.Errorf("move %s to the new root: %w", dir, err)
		}
	}
	if err := copyTree(wire.DiskTree, newRoot); err != nil {
		return fmt.Errorf("copy the harness's files to the new root: %w", err)
	}
	if err := unix.Unmount("/tmp", 0); err != nil {
		return fmt.Errorf("unmount /tmp: %w", err)
	}
	argv := []string{"switch_root", newRoot, "/sbin/init"}
	// Bare, as the kernel would: what is set for the harness's commands is not the system's.
	return &os.PathError{Op: "exec", Path: argv[0], Err: unix.Exec("/bin/busybox", argv, []string{"HOME=/", "TERM=linux"})}
}

// copyTree copies the regular files and the symbolic links of a tree over another, with their modes.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		target := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case d.IsDir():
			return os.MkdirAll(target, 0o755)
		case d.Type() == fs.ModeSymlink:
			points, err := os.Readlink(path)
			if err != nil {
				return err
			}
			return os.Symlink(points, target)
		default:
			return copyFile(path, target)
		}
	})
}

func copyFile(from, to string) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return writeFile(to, content, info.Mode().Perm())
}

// askForPowerOff has the service manager end the machine in order.
func askForPowerOff(ctx context.Context) error {
	if out, err := exec.CommandContext(ctx, "systemctl", "--no-block", "poweroff").CombinedOutput(); err != nil {
		return fmt.Errorf("power off: %w: %s", err, out)
	}
	return nil
}
