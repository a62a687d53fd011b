package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// guestinitPackage is the init process of the guests.
const guestinitPackage = "github.com/enitune/enitune/test/guestinit"

// workspace is where things are on the host.
type workspace struct {
	root    string // of the repository
	cache   string // what is kept from one run to the next
	kernels string // unpacked kernel packages, by series
}

// findWorkspace finds the repository around the current directory, which is the tested package's.
func findWorkspace() (workspace, error) {
	dir, err := os.Getwd()
	if err != nil {
		return workspace{}, err
	}
	root := dir
	for {
		_, err := os.Stat(filepath.Join(root, "go.mod"))
		if err == nil {
			break
		}
		if !errors.Is(err, fs.ErrNotExist) || root == "/" {
			return workspace{}, fmt.Errorf("no go.mod in %s or above: the lab runs in enitune's repository only", dir)
		}
		root = filepath.Dir(root)
	}
	w := workspace{root: root, cache: filepath.Join(root, ".cache", "lab")}
	w.kernels = filepath.Join(w.cache, "kernels")
	if own := os.Getenv("ENITUNE_LAB_KERNELS"); own != "" {
		w.kernels = own
	}
	return w, os.MkdirAll(w.cache, 0o755)
}

// lock keeps other test processes away from the cache until the returned function is called.
func (w workspace) lock() (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(w.cache, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		f.Close()
		return nil, fmt.Errorf("lock %s: %w", f.Name(), err)
	}
	return func() { f.Close() }, nil
}

// guestinit builds the guests' init process and returns its file. The lock must be held.
func (w workspace) guestinit(ctx context.Context) (string, error) {
	file := filepath.Join(w.cache, "guestinit")
	cmd := exec.CommandContext(ctx, "go", "build", "-buildvcs=false", "-trimpath", "-ldflags=-s -w", "-o", file, guestinitPackage)
	cmd.Dir = w.root
	// There is no network here: what isn't in the module cache can't be had, and should be said to be missing at once.
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64", "GOPROXY=off", "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the guests' init process: %w\n%s", err, out)
	}
	return file, nil
}

// lookTool finds a program, also where only root's PATH leads.
func lookTool(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return path, nil
		}
	}
	return "", &missingError{what: "the program " + name + " is not installed", remedy: setupRemedy}
}
