//go:build linux

// Command probe tries what a sandbox is to refuse and what it is to let through, and prints for each attempt how it ended:
// its name and "ok", or the error's name. A test runs it under the properties of a service and, to know that each attempt
// can succeed, outside of them.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "memory" {
		eatMemory()
		return
	}
	runtime.LockOSThread() // what is changed for one thread is that thread's
	for _, a := range attempts() {
		fmt.Printf("%s=%s\n", a.name, outcome(a.try()))
	}
}

// outcome is "ok" or the name of the errno: "EPERM".
func outcome(err error) string {
	var errno syscall.Errno
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	default:
		return err.Error()
	}
}

type attempt struct {
	name string
	try  func() error
}

func attempts() []attempt {
	return []attempt{
		{"write /etc", create("/etc")},
		{"write /usr", create("/usr")},
		{"write /var/lib", create("/var/lib")},
		{"write /proc/sys", writable("/proc/sys")},
		{"write /sys", writable("/sys")},
		{"write /sys/fs/cgroup", writable("/sys/fs/cgroup")},
		{"list /home", list("/home")},
		{"list /usr/lib/modules", list("/usr/lib/modules")},
		{"see another's /tmp", stat("/tmp/lab-marker")},
		{"see another's process", stat("/proc/1")},
		{"see the disk's device", stat("/dev/vda")},
		{"set the clock", setClock},
		{"set the host name", setHostname},
		{"read the kernel's log", func() error { _, err := unix.Klogctl(unix.SYSLOG_ACTION_SIZE_BUFFER, nil); return err }},
		{"load a module", func() error { return unlessMissing(unix.DeleteModule("no_such_module", 0)) }},
		{"change the personality", func() error { return raw(unix.SYS_PERSONALITY, 0x0040000, 0, 0) }},
		{"map writable and executable memory", mapExecutable},
		{"make a user namespace", func() error { return unshare(unix.CLONE_NEWUSER) }},
		{"make a network namespace", func() error { return unshare(unix.CLONE_NEWNET) }},
		{"take realtime priority", realtime},
		{"make a set-user-ID file", setUserID},
		{"mount", func() error { return unlessMissing(unix.Mount("none", "/no/such/place", "tmpfs", 0, "")) }},
		{"change the root", func() error { return unlessMissing(unix.Chroot("/no/such/place")) }},
		{"trace", func() error { return unlessMissing(raw(unix.SYS_PTRACE, unix.PTRACE_ATTACH, 1<<22, 0)) }},
		{"load a BPF program", func() error { return unlessFault(raw(unix.SYS_BPF, unix.BPF_PROG_GET_NEXT_ID, 0, 16)) }},
		{"reboot", func() error { return unix.Reboot(unix.LINUX_REBOOT_CMD_CAD_OFF) }},
		{"swap", func() error { return unlessMissing(path(unix.SYS_SWAPOFF, "/no/such/place")) }},
		{"open an AF_PACKET socket", socket(unix.AF_PACKET, unix.SOCK_RAW)},
		{"open an AF_VSOCK socket", socket(unix.AF_VSOCK, unix.SOCK_STREAM)},
		{"gain privileges by exec", noNewPrivileges},
		{"have a capability beyond NET_ADMIN", otherCapability},
		{"dump core", coreLimit},
		{"start 200 processes", startMany},
		{"open an AF_NETLINK socket", socket(unix.AF_NETLINK, unix.SOCK_RAW)},
		{"open an AF_INET socket", socket(unix.AF_INET, unix.SOCK_STREAM)},
		{"open an AF_INET6 socket", socket(unix.AF_INET6, unix.SOCK_STREAM)},
		{"open an AF_UNIX socket", socket(unix.AF_UNIX, unix.SOCK_STREAM)},
		{"write the state directory", create(os.Getenv("STATE_DIRECTORY"))},
		{"write the runtime directory", create(os.Getenv("RUNTIME_DIRECTORY"))},
		{"write /tmp", create("/tmp")},
	}
}

// create makes a file and removes it.
func create(dir string) func() error {
	return func() error {
		name := filepath.Join(dir, "probe.tmp")
		f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o666)
		if err != nil {
			return err
		}
		return errors.Join(f.Close(), os.Remove(name))
	}
}

// writable looks at the mount, because permissions alone would refuse a write to most of what is in it.
func writable(dir string) func() error {
	return func() error {
		var s unix.Statfs_t
		if err := unix.Statfs(dir, &s); err != nil {
			return err
		}
		if s.Flags&unix.ST_RDONLY != 0 {
			return unix.EROFS
		}
		return nil
	}
}

func list(dir string) func() error {
	return func() error { _, err := os.ReadDir(dir); return err }
}

func stat(name string) func() error {
	return func() error { _, err := os.Stat(name); return err }
}

func socket(family, kind int) func() error {
	return func() error {
		fd, err := unix.Socket(family, kind|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		return unix.Close(fd)
	}
}

func raw(number, a, b, c uintptr) error {
	if _, _, errno := unix.Syscall6(number, a, b, c, 0, 0, 0); errno != 0 {
		return errno
	}
	return nil
}

func path(number uintptr, name string) error {
	p, err := unix.BytePtrFromString(name)
	if err != nil {
		return err
	}
	return raw(number, uintptr(unsafe.Pointer(p)), 0, 0)
}

// unlessMissing takes an attempt whose object does not exist for one that was let through.
func unlessMissing(err error) error {
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ESRCH) {
		return nil
	}
	return err
}

// unlessFault takes an attempt with a bad address for one that was let through.
func unlessFault(err error) error {
	if errors.Is(err, unix.EFAULT) {
		return nil
	}
	return unlessMissing(err)
}

func setClock() error {
	now := unix.NsecToTimespec(time.Now().UnixNano())
	return unix.ClockSettime(unix.CLOCK_REALTIME, &now)
}

func setHostname() error {
	name, err := os.Hostname()
	if err != nil {
		return err
	}
	return unix.Sethostname([]byte(name))
}

func mapExecutable() error {
	m, err := unix.Mmap(-1, 0, os.Getpagesize(), unix.PROT_READ|unix.PROT_WRITE|unix.PROT_EXEC, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return err
	}
	return unix.Munmap(m)
}

// unshare makes a namespace in a child, so that this process stays where it is: a program with several threads may not.
func unshare(flag uintptr) error {
	return child(&syscall.SysProcAttr{Cloneflags: flag})
}

func child(attr *syscall.SysProcAttr) error {
	p, err := os.StartProcess("/bin/true", []string{"true"}, &os.ProcAttr{Sys: attr})
	if err != nil {
		return err
	}
	_, err = p.Wait()
	return err
}

func realtime() error {
	param := struct{ priority int32 }{1}
	return raw(unix.SYS_SCHED_SETSCHEDULER, 0, unix.SCHED_FIFO, uintptr(unsafe.Pointer(&param)))
}

func setUserID() error {
	name := filepath.Join("/tmp", "probe.suid")
	if err := os.WriteFile(name, nil, 0o700); err != nil {
		return err
	}
	defer os.Remove(name)
	return unix.Chmod(name, 0o4755)
}

func noNewPrivileges() error {
	on, err := unix.PrctlRetInt(unix.PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)
	if err != nil {
		return err
	}
	if on == 1 {
		return unix.EPERM
	}
	return nil
}

func otherCapability() error {
	for c := range uintptr(unix.CAP_LAST_CAP + 1) {
		has, err := unix.PrctlRetInt(unix.PR_CAPBSET_READ, c, 0, 0, 0)
		if err != nil {
			return err
		}
		if has == 1 && c != unix.CAP_NET_ADMIN {
			return nil
		}
	}
	return unix.EPERM
}

// coreLimit tells whether the hard limit forbids core dumps.
func coreLimit() error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_CORE, &limit); err != nil {
		return err
	}
	if limit.Max == 0 {
		return unix.EPERM
	}
	return nil
}

func startMany() error {
	var started []*os.Process
	defer func() {
		for _, p := range started {
			_ = p.Kill()
			_, _ = p.Wait()
		}
	}()
	for range 200 {
		p, err := os.StartProcess("/bin/sleep", []string{"sleep", "1000"}, &os.ProcAttr{})
		if err != nil {
			return err
		}
		started = append(started, p)
	}
	return nil
}

// eatMemory takes and touches more memory than a service may have.
func eatMemory() {
	var held []string
	for range 64 {
		held = append(held, strings.Repeat("x", 8<<20))
	}
	fmt.Println("held", len(held))
}
