package lab

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"golang.org/x/sys/unix"
)

// archive writes a cpio archive in the "newc" format, the one of an initramfs. Missing parent directories are added.
// Everything belongs to root. Archives may stand one behind the other; the kernel unpacks them in turn.
// Format: Documentation/driver-api/early-userspace/buffer-format.rst in the kernel's source.
type archive struct {
	w     io.Writer
	inode int
	dirs  map[string]bool
	err   error // the first error; nothing is written after it
}

func newArchive(w io.Writer) *archive {
	return &archive{w: w, dirs: map[string]bool{"/": true}}
}

// file adds a regular file with permission bits perm.
func (a *archive) file(name string, perm fs.FileMode, content []byte) {
	a.parents(name)
	a.entry(name, unix.S_IFREG|uint32(perm.Perm()), content)
}

// symlink adds a symbolic link to target.
func (a *archive) symlink(name, target string) {
	a.parents(name)
	a.entry(name, unix.S_IFLNK|0o777, []byte(target))
}

// dir adds a directory with permission 0755, and its parents.
func (a *archive) dir(name string) {
	name = path.Clean("/" + name)
	if a.dirs[name] {
		return
	}
	a.parents(name)
	a.dirs[name] = true
	a.entry(name, unix.S_IFDIR|0o755, nil)
}

func (a *archive) parents(name string) { a.dir(path.Dir(path.Clean("/" + name))) }

// close ends the archive and returns the first error of all that was added.
func (a *archive) close() error {
	a.entry("TRAILER!!!", 0, nil)
	return a.err
}

func (a *archive) entry(name string, mode uint32, content []byte) {
	if a.err != nil {
		return
	}
	name = strings.TrimLeft(name, "/")
	a.inode++
	// magic, ino, mode, uid, gid, nlink, mtime, filesize, devmajor, devminor, rdevmajor, rdevminor, namesize, check
	header := fmt.Sprintf("070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name)+1, 0, name)
	for _, part := range [][]byte{[]byte(header), padding(len(header)), content, padding(len(content))} {
		if _, err := a.w.Write(part); err != nil {
			a.err = fmt.Errorf("write %s to the initramfs: %w", name, err)
			return
		}
	}
}

// padding is what brings n bytes to a multiple of four.
func padding(n int) []byte { return make([]byte, (4-n%4)%4) }
