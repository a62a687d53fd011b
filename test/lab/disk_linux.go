package lab

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"testing"
)

// rootDevice is what the guests call their disk.
const rootDevice = "/dev/vda"

// Disk is a disk with a Debian 12: systemd, systemd-networkd, apt, rpm and dnf, and the modules of every kernel of the lab.
// What a guest writes to it stays for the next boot, and for that test alone. QEMU refuses a second guest at the same time.
type Disk struct{ file string }

// NewDisk makes a fresh disk, which is removed when the test ends. Where the image that it starts from is missing, the test
// is skipped, or with CI=true in the environment failed.
func NewDisk(t testing.TB) *Disk {
	t.Helper()
	w, err := findWorkspace()
	if err != nil {
		abort(t, err)
	}
	file, err := newOverlay(t.Context(), filepath.Join(w.cache, "debian.qcow2"), t.TempDir())
	if err != nil {
		abort(t, err)
	}
	return &Disk{file: file}
}

// newOverlay makes an image in dir that shows the base's content and takes what is written. It returns its file.
func newOverlay(ctx context.Context, base, dir string) (string, error) {
	qemuImg, err := lookTool("qemu-img")
	if err != nil {
		return "", err
	}
	// The link may lead elsewhere by the time that a guest boots; its target stays what it is.
	base, err = filepath.EvalSymlinks(base)
	if err != nil {
		return "", &missingError{what: fmt.Sprintf("no Debian disk: %v", err), remedy: setupRemedy}
	}
	file := filepath.Join(dir, "disk.qcow2")
	out, err := exec.CommandContext(ctx, qemuImg, "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", base, file).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("make a disk: %w: %s", err, out)
	}
	return file, nil
}

// Drive is an empty disk with an ext4 file system, for a guest in memory, which finds its drives as /dev/vda, /dev/vdb, … and has to mount them. What a
// guest writes to it stays for the next one, and for that test alone.
type Drive struct{ file string }

// driveMB is enough for what tests keep there.
const driveMB = 32

// NewDrive makes a drive, which is removed when the test ends.
func NewDrive(t testing.TB) *Drive {
	t.Helper()
	mkfs, err := lookTool("mkfs.ext4")
	if err != nil {
		abort(t, err)
	}
	file := filepath.Join(t.TempDir(), "drive.raw")
	out, err := exec.CommandContext(t.Context(), mkfs, "-q", "-F", file, fmt.Sprintf("%dM", driveMB)).CombinedOutput()
	if err != nil {
		t.Fatalf("lab: make a file system: %v: %s", err, out)
	}
	return &Drive{file: file}
}

// Copy makes a drive with what is on d, which is what a power cut at this moment would leave, if the guest that has it is paused or
// has ended.
func (d *Drive) Copy(t testing.TB) *Drive {
	t.Helper()
	file := filepath.Join(t.TempDir(), "drive.raw")
	if out, err := exec.CommandContext(t.Context(), "cp", "--sparse=always", d.file, file).CombinedOutput(); err != nil {
		t.Fatalf("lab: copy a drive: %v: %s", err, out)
	}
	return &Drive{file: file}
}

// qemuArgs is QEMU's part of the drive, the guest's position-th one. Only what the guest has written to it outlives the guest's
// being killed.
func (d *Drive) qemuArgs(position int) []string {
	id := fmt.Sprintf("drive%d", position)
	return []string{"-drive", "id=" + id + ",if=none,format=raw,cache=writeback,file=" + d.file, "-device", "virtio-blk-pci,drive=" + id}
}

// qemuArgs is QEMU's part of the disk. What the guest has flushed outlives the guest's being killed.
func (d *Disk) qemuArgs() []string {
	return []string{
		"-drive", "id=disk,if=none,format=qcow2,cache=writeback,discard=unmap,file=" + d.file,
		"-device", "virtio-blk-pci,drive=disk",
	}
}
