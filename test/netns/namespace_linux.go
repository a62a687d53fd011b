package netns

import (
	"fmt"
	"os"
	"runtime"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Namespace is a network namespace, such as one of several instances in a test.
type Namespace struct{ file *os.File }

// New makes a namespace with nothing but lo, which is up. It ends with the test,
// or with the last process and socket in it.
func New(t testing.TB) *Namespace {
	t.Helper()
	before := Current(t)
	var n *Namespace
	before.Do(func() { // comes back from the new one
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Fatalf("make a network namespace: %v", err)
		}
		n = Current(t)
		Up(t, "lo")
	})
	return n
}

// Current is the namespace that the calling thread is in.
func Current(t testing.TB) *Namespace {
	t.Helper()
	file, err := open()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = file.Close() })
	return &Namespace{file: file}
}

// FD is the namespace as a file descriptor.
func (n *Namespace) FD() int { return int(n.file.Fd()) }

// Do calls f in the namespace. What f opens, and each process that it starts, stays
// there; a goroutine that it starts does not. It is to end what it defers in itself.
func (n *Namespace) Do(f func()) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	back, err := open()
	if err != nil {
		panic(err)
	}
	defer back.Close()
	enter(n.file)
	defer enter(back) // also if f ends the test
	f()
}

// open opens the calling thread's namespace.
func open() (*os.File, error) { return os.Open("/proc/thread-self/ns/net") }

// enter moves the calling thread. A thread that cannot be moved back must run
// nothing more, so that this is the end of the tests.
func enter(file *os.File) {
	if err := unix.Setns(int(file.Fd()), unix.CLONE_NEWNET); err != nil {
		panic(fmt.Errorf("enter a network namespace: %w", err))
	}
}

// cleanup calls f in the present namespace when the test ends: another one can
// have links of the same name and index.
func cleanup(t testing.TB, f func()) {
	t.Helper()
	here := Current(t) // closed after the cleanup, which is called first
	t.Cleanup(func() { here.Do(f) })
}

// Delete removes a link, as unplugging does.
func Delete(t testing.TB, link string) {
	t.Helper()
	l, err := netlink.LinkByName(link)
	if err != nil {
		t.Fatalf("find %s: %v", link, err)
	}
	if err := netlink.LinkDel(l); err != nil {
		t.Fatalf("remove %s: %v", link, err)
	}
}
