package web

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"time"
)

// socketMode lets every local user ask for the status: it holds no secret, and
// enitune status needs no root.
const socketMode = 0o666

// ErrServed marks the error of New for a Unix socket that another process
// answers on.
var ErrServed = errors.New("another daemon is running")

func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("web.listen: %s is in use by another process: %w; stop that one (ss -ltnp shows it), or choose another address", address, syscall.EADDRINUSE)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("web.listen: no network device here has the address of %s: %w; use one that ip addr shows, or leave the host out for all", address, syscall.EADDRNOTAVAIL)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("web.listen: %s: %w; ports below 1024 need root or CAP_NET_BIND_SERVICE", address, syscall.EACCES)
	default:
		return fmt.Errorf("web.listen: %s: %w", address, err)
	}
}

// listenUnix opens a socket for all local users. A socket file that no process
// answers on, left by one that was killed, is replaced. The error is ErrServed
// for one that does answer; a path that is not a socket is left alone.
func listenUnix(path string) (net.Listener, error) {
	if err := removeStale(path); err != nil {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		_ = l.Close()
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	return l, nil
}

// removeStale removes a socket on which nothing listens.
func removeStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("socket %s: %w", path, err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("socket %s: something that is not a socket has this name; move it away", path)
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
	}
	switch {
	case err == nil || errors.Is(err, syscall.EAGAIN): // EAGAIN: it listens, with a full queue
		return fmt.Errorf("socket %s: %w; stop it first (systemctl stop enitune)", path, ErrServed)
	case errors.Is(err, syscall.ECONNREFUSED):
		return os.Remove(path)
	case errors.Is(err, fs.ErrNotExist):
		return nil // gone meanwhile
	default:
		return fmt.Errorf("socket %s: %w", path, err)
	}
}
