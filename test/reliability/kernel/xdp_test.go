//go:build netns

package kernel

import (
	"encoding/binary"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// xdpKey is the environment variable with the file descriptor of a loaded XDP program, or why there is none. It is loaded
// before the tests enter their user namespace, in which the kernel does not let anyone load programs.
const xdpKey = "ENITUNE_TEST_XDP"

// loadXDP loads the program, and keeps it open for the tests.
func loadXDP() (closeIt func()) {
	if os.Getenv(xdpKey) != "" {
		return func() {}
	}
	fd, err := xdpPass()
	if err != nil {
		_ = os.Setenv(xdpKey, err.Error())
		return func() {}
	}
	// The process in the namespaces inherits it.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFD, 0); err != nil {
		panic(err)
	}
	_ = os.Setenv(xdpKey, strconv.Itoa(fd))
	return func() { _ = unix.Close(fd) }
}

// xdpPass loads the XDP program that lets every packet pass.
func xdpPass() (fd int, err error) {
	const xdpPassAction = 2
	program := make([]byte, 16)
	program[0] = unix.BPF_ALU64 | unix.BPF_MOV | unix.BPF_K // r0 = 2
	binary.NativeEndian.PutUint32(program[4:], xdpPassAction)
	program[8] = unix.BPF_JMP | unix.BPF_EXIT
	license := append([]byte("Apache-2.0"), 0)
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(&program[0])
	pin.Pin(&license[0])
	// The start of union bpf_attr for BPF_PROG_LOAD (include/uapi/linux/bpf.h).
	attr := struct {
		kind, count    uint32
		insns, license uint64
		rest           [12]uint64
	}{kind: unix.BPF_PROG_TYPE_XDP, count: 2, insns: uint64(uintptr(unsafe.Pointer(&program[0]))), license: uint64(uintptr(unsafe.Pointer(&license[0])))}
	r, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return 0, fmt.Errorf("load an XDP program: %w", errno)
	}
	return int(r), nil
}

// attach attaches the program to a device, or takes it away.
func attach(t *testing.T, device string, on bool) {
	t.Helper()
	fd, err := strconv.Atoi(os.Getenv(xdpKey))
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(os.Getenv(xdpKey))
		}
		t.Skip(os.Getenv(xdpKey))
	}
	if !on {
		fd = -1
	}
	const driverMode = 1 << 2 // XDP_FLAGS_DRV_MODE
	if err := netlink.LinkSetXdpFdWithFlags(link(t, device), fd, driverMode); err != nil {
		t.Fatalf("attach the XDP program to %s: %v", device, err)
	}
}

func TestAnXDPProgramOnTheNICIsNoHindrance(t *testing.T) {
	h := newHost(t)
	d := h.start(none)
	d.ready()
	attach(t, "eth1", true)
	netns.SetChannels(t, "eth1", 1)
	d.Await("eth1 queues: 1 -> 4")
	d.converges()
	if xdp := link(t, "eth1").Attrs().Xdp; xdp == nil || !xdp.Attached {
		t.Error("the program is gone")
	}
}

// TestAnXDPProgramForWhichTheKernelRefusesQueuesIsTold has the program on the other end, whose one queue must not be sent
// to by more.
func TestAnXDPProgramForWhichTheKernelRefusesQueuesIsTold(t *testing.T) {
	h := newHost(t)
	attach(t, "eth1-peer", true)
	d := h.start(none)
	d.Await(`eth1 queues: 1, should be 4; the kernel refused: invalid argument \(EINVAL\)`)
	r := d.report()
	if got := world.Setting(r, "eth1", nic.Queues); got.Reason != plan.KernelRefused || !got.Drift {
		t.Errorf("%+v", got)
	}
	if got := netns.Channels(t, "eth2"); got != wanted {
		t.Errorf("eth2 has %d channels", got)
	}
	if n := len(d.f.Writes("eth1")); n > 2 {
		t.Errorf("%d writes", n)
	}
	attach(t, "eth1-peer", false)
	netns.SetChannels(t, "eth1", 2) // a change is worth another try
	d.Await("eth1 queues: 2 -> 4")
	d.converges()
	if strings.Contains(d.get("/metrics"), `reason="kernel_refused"`) {
		t.Error("the refusal's series is still there")
	}
}
