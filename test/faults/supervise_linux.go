package faults

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"unsafe"

	"github.com/mdlayher/genetlink"
	"golang.org/x/sys/unix"
)

// Injector answers the system calls of one program by the rules of a test.
type Injector struct {
	t       testing.TB
	family  uint16 // the number of ethtool's netlink family
	closing chan struct{}
	pid     int
	pidfd   int
	ioctl   int // a socket for ethtool calls in the program's place
	null    int // what replaces a closed socket

	mu    sync.Mutex
	rules []*Rule // the newest last
	calls []Record
	fresh chan struct{} // closed and replaced with every call
}

// Rule is one fault in force.
type Rule struct {
	f     *Injector
	match Match
	do    Handler
}

// End takes the rule back. A call that it is dealing with goes on.
func (r *Rule) End() {
	r.f.mu.Lock()
	defer r.f.mu.Unlock()
	r.f.rules = slices.DeleteFunc(r.f.rules, func(other *Rule) bool { return other == r })
}

// On puts a rule into force for the calls that match. Of several that match, the newest is asked first; it may pass the
// call on to the next. A call that no rule takes is left to the kernel.
func (f *Injector) On(m Match, do Handler) *Rule {
	r := &Rule{f: f, match: m, do: do}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules = append(f.rules, r)
	return r
}

// Under changes a command that has not been started so that it starts under the supervision of the Injector that it
// gives, which lets everything through until On says otherwise. The command runs in the network namespace of the calling
// thread, and so do the calls made in its place. The Injector ends with the test.
func Under(t testing.TB, cmd *exec.Cmd) *Injector {
	t.Helper()
	f := &Injector{t: t, closing: make(chan struct{}), fresh: make(chan struct{})}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "supervisor"), os.NewFile(uintptr(pair[1]), "program")
	f.open()
	cmd.ExtraFiles = append(cmd.ExtraFiles, theirs)
	value, err := json.Marshal(target{Path: cmd.Path, FD: 2 + len(cmd.ExtraFiles)})
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(cmd.Environ(), targetKey+"="+string(value))
	cmd.Path = self
	var ended sync.WaitGroup
	ended.Go(func() { f.supervise(ours) })
	t.Cleanup(func() {
		close(f.closing)
		_ = unix.Shutdown(pair[0], unix.SHUT_RDWR)
		ended.Wait()
		_ = errors.Join(ours.Close(), theirs.Close(), unix.Close(f.ioctl), unix.Close(f.null))
	})
	return f
}

// open opens what calls in the program's place need.
func (f *Injector) open() {
	f.t.Helper()
	var errs [3]error
	f.ioctl, errs[0] = unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	f.null, errs[1] = unix.Open(os.DevNull, unix.O_RDWR|unix.O_CLOEXEC, 0)
	conn, err := genetlink.Dial(nil)
	if errs[2] = err; err == nil {
		family, err := conn.GetFamily("ethtool")
		f.family, errs[2] = family.ID, err
		_ = conn.Close()
	}
	if err := errors.Join(errs[:]...); err != nil {
		f.t.Fatal(err)
	}
}

// supervise waits for the program to start, and answers until it ends.
func (f *Injector) supervise(socket *os.File) {
	hello := make([]byte, 8)
	if n, err := unix.Read(int(socket.Fd()), hello); n != len(hello) || err != nil {
		return // it was never started, or said on stderr why it could not
	}
	var err error
	f.pid = int(binary.NativeEndian.Uint32(hello))
	if f.pidfd, err = unix.PidfdOpen(f.pid, 0); err != nil {
		f.t.Errorf("open the program's process: %v", err)
		return
	}
	defer unix.Close(f.pidfd)
	listener, err := unix.PidfdGetfd(f.pidfd, int(binary.NativeEndian.Uint32(hello[4:])), 0)
	if err != nil {
		f.t.Errorf("take over the filter's listener: %v", err)
		return
	}
	defer unix.Close(listener)
	if _, err := unix.Write(int(socket.Fd()), hello[:1]); err != nil {
		f.t.Errorf("let the program go: %v", err)
		return
	}
	var answers sync.WaitGroup
	defer answers.Wait()
	for {
		n, err := receive(listener)
		switch {
		case errors.Is(err, errEnded):
			return
		case errors.Is(err, unix.ENOENT): // the calling thread ended in between
			continue
		case err != nil:
			f.t.Errorf("receive a notification: %v", err)
			return
		}
		answers.Go(func() { f.answer(listener, n) })
	}
}

// notification is struct seccomp_notif, response struct seccomp_notif_resp, addition struct seccomp_notif_addfd
// (include/uapi/linux/seccomp.h).
type notification struct {
	id     uint64
	pid    uint32
	_      uint32
	number int32
	_      uint32 // architecture: the filter has looked at it
	_      uint64 // instruction
	args   [6]uint64
}

type response struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

type addition struct {
	id           uint64
	flags        uint32
	source, dest uint32
	_            uint32
}

const notifAddFD = 0x40182103 // SECCOMP_IOCTL_NOTIF_ADDFD

// errEnded: no process is left that has the filter.
var errEnded = errors.New("the program has ended")

func receive(listener int) (notification, error) {
	fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
	if _, err := unix.Poll(fds, -1); err != nil {
		if errors.Is(err, unix.EINTR) {
			err = unix.ENOENT
		}
		return notification{}, err
	}
	if fds[0].Revents&unix.POLLIN == 0 {
		return notification{}, errEnded
	}
	var n notification
	return n, control(listener, unix.SECCOMP_IOCTL_NOTIF_RECV, unsafe.Pointer(&n))
}

func control(fd int, request uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}

// answer finds out what the program calls and lets the rules decide.
func (f *Injector) answer(listener int, n notification) {
	r := response{id: n.id, flags: unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE}
	if c, ok := f.decode(listener, n); ok {
		f.mu.Lock()
		c.rules = slices.DeleteFunc(slices.Clone(f.rules), func(r *Rule) bool { return !r.match.fits(c) })
		f.mu.Unlock()
		v := c.Next()
		if !v.pass {
			r.flags, r.errno = 0, -int32(v.errno)
		}
		f.record(c, v)
	}
	// ENOENT: the program was killed meanwhile.
	if err := control(listener, unix.SECCOMP_IOCTL_NOTIF_SEND, unsafe.Pointer(&r)); err != nil && !errors.Is(err, unix.ENOENT) {
		f.t.Errorf("answer a notification: %v", err)
	}
}

// replace puts /dev/null in the place of one of the program's file descriptors.
func (c *Call) replace() error {
	a := addition{id: c.id, flags: unix.SECCOMP_ADDFD_FLAG_SETFD, source: uint32(c.f.null), dest: uint32(c.fd)}
	if err := control(c.listener, notifAddFD, unsafe.Pointer(&a)); err != nil {
		return fmt.Errorf("replace file descriptor %d: %w", c.fd, err)
	}
	return nil
}

// drain reads what waits on the socket of the call, in the program's place, and counts the messages.
func (c *Call) drain() (n int, err error) {
	fd, err := unix.PidfdGetfd(c.f.pidfd, c.fd, 0)
	if err != nil {
		return 0, fmt.Errorf("share file descriptor %d: %w", c.fd, err)
	}
	defer unix.Close(fd)
	for {
		_, _, err := unix.Recvfrom(fd, nil, unix.MSG_DONTWAIT)
		switch {
		case err == nil, errors.Is(err, unix.ENOBUFS):
			n++
		case errors.Is(err, unix.EAGAIN):
			return n, nil
		default:
			return n, fmt.Errorf("drain file descriptor %d: %w", c.fd, err)
		}
	}
}
