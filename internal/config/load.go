package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/enitune/enitune/internal/regular"
	"github.com/enitune/enitune/internal/webconfig"
)

// Load reads a configuration file. A missing file is an error when it is
// required, as one that was named on the command line is; otherwise it means
// Default. Errors are those of the file system, wrapped, and Parse's.
func Load(path string, required bool) (Config, error) {
	data, err := read(path)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !required:
		return Default(), nil
	case errors.Is(err, fs.ErrNotExist):
		return Config{}, fmt.Errorf("%s: %w; name an existing file, or leave --config out to use %s or, where that is missing, the defaults",
			path, fs.ErrNotExist, DefaultPath)
	case errors.Is(err, fs.ErrPermission):
		return Config{}, fmt.Errorf("%s: %w; make the file readable for this user, or run as root", path, fs.ErrPermission)
	case err != nil:
		return Config{}, fmt.Errorf("%s: the configuration cannot be read: %w", path, err)
	}
	return Parse(path, data)
}

// read returns a file's contents, at most one byte more than MaxSize so that
// Parse can tell that the file is too large.
func read(path string) ([]byte, error) {
	f, err := regular.Open(path) // a reload must not wait for the writer of a FIFO
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, MaxSize+1))
}

// Check looks at what the configuration names outside its own file: the web
// configuration with its certificates, and the state folder. It returns every
// problem that it finds. Parse does not do this, because the files may be
// readable for the daemon only.
func Check(c Config) []error {
	var errs []error
	if _, err := webconfig.Read(c.Web.ConfigFile); err != nil {
		errs = append(errs, err)
	}
	info, err := os.Stat(c.StateDir)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, fs.ErrPermission):
		// The agent makes the folder when it first writes to it. Under systemd it
		// is the service's own, where nobody else can look.
	case err != nil:
		errs = append(errs, fmt.Errorf("state_dir: %w; make it readable, or choose another folder", err))
	case !info.IsDir():
		errs = append(errs, fmt.Errorf("state_dir: %s is not a folder; move it away, or choose another folder", c.StateDir))
	}
	return errs
}
