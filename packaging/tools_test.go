//go:build packages

package packaging

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// need gives a program's path. Where it is missing, the test is skipped, and
// fails in CI.
func need(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		unable(t, name+" is not installed: make deps")
	}
	return path
}

func unable(t *testing.T, why string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(why)
	}
	t.Skip(why)
}

// must runs a program and gives what it prints.
func must(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	out, err := output(dir, name, args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// system is a Debian root file system of its own.
type system struct {
	t    *testing.T
	root string
}

// newSystem unpacks what `make packages-test` has made.
func newSystem(t *testing.T) system {
	t.Helper()
	if os.Geteuid() != 0 {
		unable(t, "only root can change its root")
	}
	archive, err := filepath.Abs("../.cache/packages/debian-12.tar")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(archive); err != nil {
		unable(t, err.Error()+": make packages-test makes it")
	}
	s := system{t, t.TempDir()}
	must(t, s.root, "tar", "-xf", archive, "--exclude=./dev/*", "--exclude=./usr/share/locale/*", "--exclude=./usr/share/doc/*", "--exclude=./usr/share/man/*")
	if err := errors.Join(os.Chmod(s.root, 0o755), unix.Mknod(s.path("/dev/null"), unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3)))); err != nil {
		t.Fatal(err)
	}
	return s
}

// try runs a program in the system, away from any network.
func (s system) try(name string, args ...string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), name, args...)
	cmd.Path, cmd.Err, cmd.Dir = filepath.Join("/usr/bin", name), nil, "/"
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive", "SYSTEMD_OFFLINE=1"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: s.root, Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// run is try for what has to succeed.
func (s system) run(name string, args ...string) string {
	s.t.Helper()
	out, err := s.try(name, args...)
	if err != nil {
		s.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return out
}

// copy puts a file into the system's root folder and gives its path there.
func (s system) copy(path string) string {
	s.t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.write("/"+filepath.Base(path), string(data))
}

func (s system) write(path, text string) string {
	s.t.Helper()
	at := s.path(path)
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o755); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s system) path(name string) string { return filepath.Join(s.root, name) }

func (s system) read(path string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(path))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

func (s system) remove(path string) {
	s.t.Helper()
	if err := os.RemoveAll(s.path(path)); err != nil {
		s.t.Fatal(err)
	}
}

func (s system) exists(path string) bool {
	_, err := os.Lstat(s.path(path))
	return err == nil
}

// present and absent check several paths.
func (s system) present(paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		if !s.exists(path) {
			s.t.Errorf("%s is missing", path)
		}
	}
}

func (s system) absent(paths ...string) {
	s.t.Helper()
	for _, path := range paths {
		if s.exists(path) {
			s.t.Errorf("%s is there", path)
		}
	}
}

func writeFile(path, text string) error { return os.WriteFile(path, []byte(text), 0o644) }
