// Package durable replaces files whole, so that a crash or a full disk at any
// moment leaves the old content or the new one, and no litter that grows.
package durable

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// WriteFile replaces a file by one with data, atomically and durably; the folder
// must exist. The mode is perm, whatever the umask and the mode of the file before.
//
// It writes to a temporary file beside the real one, .NAME and a number, and
// removes those that writers left behind which were killed: each writer holds a
// lock on its own as long as it lives. Errors are *fs.PathError with the real
// file's name, so that the same failure has the same words each time.
func WriteFile(path string, data []byte, perm os.FileMode) error {
	if err := replace(path, data, perm); err != nil {
		return &fs.PathError{Op: "write", Path: path, Err: reason(err)}
	}
	return nil
}

// reason is an error without the name of the temporary file.
func reason(err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &link):
		return link.Err
	default:
		return err
	}
}

func replace(path string, data []byte, perm os.FileMode) error {
	dir := filepath.Dir(path)
	sweep(dir, "."+filepath.Base(path))
	tmp, err := openTemporary(path)
	if err != nil {
		return err
	}
	defer tmp.Close()
	if err := fill(tmp, data, perm); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return syncDir(dir)
}

// fill writes a temporary file down to the disk.
func fill(tmp *os.File, data []byte, perm os.FileMode) error {
	if err := tmp.Chmod(perm); err != nil {
		return err
	}
	if _, err := tmp.Write(data); err != nil {
		return err
	}
	return tmp.Sync()
}

// locking is how often openTemporary tries; a sweep by another process takes a
// temporary file away only between its making and its locking.
const locking = 10

// openTemporary makes a temporary file beside the real one, so that the rename
// cannot cross file systems, and locks it.
func openTemporary(path string) (*os.File, error) {
	for range locking {
		tmp, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"*")
		if err != nil {
			return nil, err
		}
		if err := flock(tmp, unix.LOCK_EX); err != nil {
			return nil, errors.Join(err, os.Remove(tmp.Name()), tmp.Close())
		}
		if stands(tmp) {
			return tmp, nil
		}
		_ = tmp.Close()
	}
	return nil, errors.New("another program removes the temporary file each time")
}

// sweep removes the temporary files of writers that no longer live. What it
// cannot look at stays; the write that follows tells what is wrong.
func sweep(dir, prefix string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		number, ok := strings.CutPrefix(e.Name(), prefix)
		if ok && number != "" && strings.Trim(number, "0123456789") == "" && e.Type().IsRegular() {
			removeUnlocked(filepath.Join(dir, e.Name()))
		}
	}
}

func removeUnlocked(path string) {
	file, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return
	}
	defer file.Close()
	if flock(file, unix.LOCK_EX|unix.LOCK_NB) == nil && stands(file) {
		_ = os.Remove(path)
	}
}

// stands tells whether an open file is still the one of its name.
func stands(file *os.File) bool {
	open, err := file.Stat()
	if err != nil {
		return false
	}
	named, err := os.Lstat(file.Name())
	return err == nil && os.SameFile(open, named)
}

func flock(file *os.File, how int) error {
	for {
		err := unix.Flock(int(file.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("flock", err)
		}
	}
}

// syncDir makes a rename in a folder durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
