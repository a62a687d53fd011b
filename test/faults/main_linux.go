package faults

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// targetKey is the environment variable that tells a test binary to become another program under a filter.
const targetKey = "ENITUNE_TEST_FAULTS_TARGET"

// target is its value.
type target struct {
	Path string // of the program
	FD   int    // the socket to the supervisor
}

// Main returns at once, unless Under started this process: then the process becomes the program under test, and does not
// return. It is called first in TestMain.
func Main() {
	text, ok := os.LookupEnv(targetKey)
	if !ok {
		return
	}
	err := become(text)
	fmt.Fprintln(os.Stderr, "faults:", err)
	os.Exit(1)
}

// become puts the filter into place, hands its listener to the supervisor, and executes the program.
func become(text string) error {
	var to target
	if err := json.Unmarshal([]byte(text), &to); err != nil {
		return fmt.Errorf("read %s: %w", targetKey, err)
	}
	env := slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, targetKey+"=") })
	unix.CloseOnExec(to.FD)
	runtime.LockOSThread() // the filter is the thread's, and the program inherits the thread's that executes it
	listener, err := installFilter()
	if err != nil {
		return err
	}
	// From here on no call may be one that the filter asks for: nobody answers yet.
	hello := binary.NativeEndian.AppendUint32(nil, uint32(os.Getpid()))
	hello = binary.NativeEndian.AppendUint32(hello, uint32(listener))
	if _, err := unix.Write(to.FD, hello); err != nil {
		return fmt.Errorf("tell the supervisor: %w", err)
	}
	if n, err := unix.Read(to.FD, hello[:1]); n != 1 {
		return fmt.Errorf("wait for the supervisor: it is gone (%v)", err)
	}
	return fmt.Errorf("execute %s: %w", to.Path, syscall.Exec(to.Path, os.Args, env))
}

// installFilter gives the file descriptor on which the supervisor is asked.
func installFilter() (int, error) {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, fmt.Errorf("give up new privileges, which a filter needs: %w", err)
	}
	program := filter()
	fprog := unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
	// While the supervisor is at work only a deadly signal ends the call: another one would make it start again, and be
	// seen twice.
	flags := uintptr(unix.SECCOMP_FILTER_FLAG_NEW_LISTENER | unix.SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV)
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(&fprog)))
	if errno != 0 {
		return 0, fmt.Errorf("install the seccomp filter (needs Linux 5.19): %w", errno)
	}
	return int(fd), nil
}

// Places in struct seccomp_data (include/uapi/linux/seccomp.h); args are 64 bits wide, their low half first.
const (
	offsetNumber = 0
	offsetArch   = 4
	offsetArg1   = 16 + 8
)

// filter is the classic BPF program that picks the system calls to ask for: ioctl SIOCETHTOOL, and sending and receiving
// on any socket, because a filter cannot tell which are netlink's.
func filter() []unix.SockFilter {
	load := func(offset uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, K: offset}
	}
	equal := func(k uint32, yes, no uint8) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: k, Jt: yes, Jf: no}
	}
	end := func(action uint32) unix.SockFilter {
		return unix.SockFilter{Code: unix.BPF_RET | unix.BPF_K, K: action}
	}
	return []unix.SockFilter{
		load(offsetArch),
		equal(arch, 0, 8), // another architecture's numbers mean something else
		load(offsetNumber),
		equal(unix.SYS_SENDTO, 7, 0),
		equal(unix.SYS_SENDMSG, 6, 0),
		equal(unix.SYS_RECVFROM, 5, 0),
		equal(unix.SYS_RECVMSG, 4, 0),
		equal(unix.SYS_IOCTL, 0, 2),
		load(offsetArg1),
		equal(unix.SIOCETHTOOL, 1, 0),
		end(unix.SECCOMP_RET_ALLOW),
		end(unix.SECCOMP_RET_USER_NOTIF),
	}
}
