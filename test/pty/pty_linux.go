// Package pty gives tests a pseudo-terminal.
package pty

import (
	"fmt"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// Open gives both ends of a new pseudo-terminal, the person's and the program's,
// until the test ends. It needs /dev/ptmx.
func Open(t testing.TB) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	// Of the file's own calls, only SyscallConn leaves it in the mode in which
	// Close ends a Read.
	conn, err := person.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var n int
	var failure error
	if err := conn.Control(func(fd uintptr) {
		if failure = unix.IoctlSetPointerInt(int(fd), unix.TIOCSPTLCK, 0); failure == nil {
			n, failure = unix.IoctlGetInt(int(fd), unix.TIOCGPTN)
		}
	}); err != nil || failure != nil {
		t.Fatal(err, failure)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}
