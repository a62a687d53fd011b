package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/mdlayher/genetlink"
	"golang.org/x/sys/unix"
)

// EthtoolFamily tells whether the kernel has ethtool's generic netlink family,
// which announces changes (Linux 5.6, CONFIG_ETHTOOL_NETLINK). It needs no
// privilege.
func EthtoolFamily() error {
	conn, err := genetlink.Dial(nil)
	if err != nil {
		return fmt.Errorf("generic netlink: %w", err)
	}
	defer conn.Close()
	if _, err := conn.GetFamily(unix.ETHTOOL_GENL_NAME); err != nil {
		return fmt.Errorf("generic netlink family %s: %w", unix.ETHTOOL_GENL_NAME, err)
	}
	return nil
}

// Writable tells whether this process may make files in a folder. Nothing is
// written. missing: the folder is not there; then err is about the one in which
// it would be made.
func Writable(dir string) (missing bool, err error) {
	for {
		info, err := os.Stat(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist) && dir != filepath.Dir(dir):
			missing, dir = true, filepath.Dir(dir)
			continue
		case err != nil:
			return missing, err
		case !info.IsDir():
			return missing, fmt.Errorf("%s is not a folder", dir)
		}
		if err := unix.Faccessat(unix.AT_FDCWD, dir, unix.W_OK|unix.X_OK, unix.AT_EACCESS); err != nil {
			return missing, fmt.Errorf("%s: %w", dir, err)
		}
		return missing, nil
	}
}
