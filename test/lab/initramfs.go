package lab

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// baseVersion is part of a cached base archive's name; raise it when baseArchive writes something else.
const baseVersion = 1

// modules returns the kernel modules that the guest's initramfs loads.
func (o Options) modules() []string {
	modules := []string{"virtio_pci", "virtio_console"}
	if o.Disk != nil || len(o.Drives) > 0 {
		modules = append(modules, "virtio_blk", "ext4")
	}
	if !o.LateDrivers {
		modules = append(modules, "virtio_net")
	}
	return append(modules, o.Modules...)
}

// writeInitramfs writes the initramfs of a guest to a file in dir: the cached base of its kernel, and behind it what this
// guest alone has. It returns the file.
func (w workspace) writeInitramfs(ctx context.Context, dir string, k *kernel, o Options) (string, error) {
	unlock, err := w.lock()
	if err != nil {
		return "", err
	}
	defer unlock()
	base, err := w.base(ctx, k, o.modules())
	if err != nil {
		return "", err
	}
	guestinit, err := w.guestinit(ctx)
	if err != nil {
		return "", err
	}
	out, err := os.Create(filepath.Join(dir, "initramfs"))
	if err != nil {
		return "", err
	}
	defer out.Close()
	in, err := os.Open(base)
	if err != nil {
		return "", err
	}
	defer in.Close()
	if _, err := io.Copy(out, in); err != nil {
		return "", fmt.Errorf("copy %s: %w", base, err)
	}
	if err := guestArchive(out, guestinit, o); err != nil {
		return "", err
	}
	return out.Name(), out.Close()
}

// guestArchive writes what one guest alone has.
func guestArchive(w io.Writer, guestinit string, o Options) error {
	a := newArchive(w)
	config, err := json.Marshal(o.config())
	if err != nil {
		return err
	}
	a.file(wire.ConfigPath, 0o644, config)
	if err := addFile(a, "/init", guestinit); err != nil {
		return err
	}
	files := ""
	if o.Disk != nil {
		files = wire.DiskTree
		if err := addService(a, guestinit, o, config); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Files)) {
		if err := addFile(a, files+name, o.Files[name]); err != nil {
			return err
		}
	}
	return a.close()
}

// addFile adds the host's file to the archive as name, with its mode.
func addFile(a *archive, name, file string) error {
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	a.file(name, info.Mode(), content)
	return nil
}

// base returns the file with the cached archive of what all guests with this kernel and these modules have, and makes it
// where there is none. The lock must be held.
func (w workspace) base(ctx context.Context, k *kernel, modules []string) (string, error) {
	busybox, err := lookTool("busybox")
	if err != nil {
		return "", err
	}
	ethtool, err := lookTool("ethtool")
	if err != nil {
		return "", err
	}
	key := sha256.New()
	fmt.Fprintln(key, baseVersion, modules)
	for _, file := range []string{k.image, busybox, ethtool} {
		info, err := os.Stat(file)
		if err != nil {
			return "", err
		}
		fmt.Fprintln(key, file, info.Size(), info.ModTime().UnixNano())
	}
	file := filepath.Join(w.cache, fmt.Sprintf("base-%s-%x.cpio", k.release, key.Sum(nil)[:8]))
	if _, err := os.Stat(file); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return file, err
	}
	var content bytes.Buffer
	if err := baseArchive(ctx, &content, k, modules, busybox, ethtool); err != nil {
		return "", err
	}
	return file, renameio.WriteFile(file, content.Bytes(), 0o644)
}

// baseArchive writes kernel modules, busybox with its applets, ethtool with its libraries, and users.
func baseArchive(ctx context.Context, w io.Writer, k *kernel, modules []string, busybox, ethtool string) error {
	a := newArchive(w)
	loaded, err := k.load(ctx, modules...)
	if err != nil {
		return err
	}
	var order strings.Builder
	for _, m := range loaded {
		name := "/lib/modules/" + m.name + ".ko"
		a.file(name, 0o644, m.content)
		fmt.Fprintln(&order, name)
	}
	a.file(wire.ModuleListPath, 0o644, []byte(order.String()))

	if err := addFile(a, "/bin/busybox", busybox); err != nil {
		return err
	}
	applets, err := exec.CommandContext(ctx, busybox, "--list").Output()
	if err != nil {
		return fmt.Errorf("list busybox's applets: %w", err)
	}
	for _, applet := range strings.Fields(string(applets)) {
		if applet != "busybox" {
			a.symlink("/bin/"+applet, "busybox")
		}
	}
	if err := addProgram(ctx, a, "/usr/sbin/ethtool", ethtool); err != nil {
		return err
	}
	for _, dir := range []string{"/dev", "/proc", "/sys", "/run", "/tmp", "/root", "/etc", "/var/lib", "/var/log"} {
		a.dir(dir)
	}
	a.file("/etc/passwd", 0o644, []byte("root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n"))
	a.file("/etc/group", 0o644, []byte("root:x:0:\nnogroup:x:65534:\n"))
	return a.close()
}

// addProgram adds a dynamically linked program and the shared libraries that it needs, these under their own names.
func addProgram(ctx context.Context, a *archive, name, file string) error {
	if err := addFile(a, name, file); err != nil {
		return err
	}
	out, err := exec.CommandContext(ctx, "ldd", file).Output()
	if err != nil {
		return fmt.Errorf("list the libraries of %s: %w", file, err)
	}
	// "libc.so.6 => /lib/…/libc.so.6 (0x…)", "/lib64/ld-linux-x86-64.so.2 (0x…)", and the kernel's, which has no file.
	for _, word := range strings.Fields(string(out)) {
		if !filepath.IsAbs(word) {
			continue
		}
		if err := addFile(a, word, word); err != nil {
			return err
		}
	}
	return nil
}
