package lab

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestBadOptionsAreRefusedWithTheFieldAndWhatIsAllowed(t *testing.T) {
	for _, tt := range []struct {
		name string
		nics []NIC
		want string
	}{
		{"an ID that QEMU does not take", []NIC{{ID: "eni 1"}}, `NIC "eni 1": the ID must be a letter followed by letters, digits, '.', '_' and '-'`},
		{"an ID used twice", []NIC{{ID: "a"}, {ID: "a"}}, "NIC a: the ID is used twice"},
		{"too many queues", []NIC{{Queues: 257}}, "NIC nic0: 257 queues, want 1 to 256"},
		{"negative queues", []NIC{{Queues: -1}}, "NIC nic0: -1 queues, want 1 to 256"},
		{"a ring of an odd size", []NIC{{RxRing: 1000}}, "NIC nic0: rx ring of 1000, want a power of two from 256 to 1024"},
		{"a ring that QEMU does not offer", []NIC{{RxRing: 2048}}, "NIC nic0: rx ring of 2048, want a power of two from 256 to 1024"},
		{"no MAC", []NIC{{MAC: "nope"}}, "NIC nic0: MAC: address nope: invalid MAC address"},
		{"an address without length", []NIC{{GuestAddr: "10.0.0.1"}}, `NIC nic0: address: netip.ParsePrefix("10.0.0.1"): no '/'`},
		{"an empty host address", []NIC{{HostAddrs: []string{""}}}, `NIC nic0: address: netip.ParsePrefix(""): no '/'`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Options{NICs: tt.nics}.withDefaults()
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestQEMUIsToldOfTheGuest(t *testing.T) {
	o, err := Options{
		CPUs: 4, UUID: "01234567-89ab-cdef-0123-456789abcdef", Serial: "a,b",
		NICs: []NIC{{ID: "eni-1", Queues: 4, RxRing: 512, NoQueueReset: true}, {}},
	}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("ENITUNE_LAB_ACCEL", "")
	got := strings.Join(qemuArgs("vmlinuz", "initramfs", o, map[string]string{"eni-1": "lab0", "nic1": "lab1"}, 3, 4), "\n")
	want := `-nodefaults
-no-user-config
-no-reboot
-display
none
-machine
pc
-accel
tcg,thread=single
-cpu
max
-smp
4
-m
512
-kernel
vmlinuz
-initrd
initramfs
-append
console=ttyS0 quiet panic=-1 mitigations=off
-serial
stdio
-chardev
socket,id=port,fd=3
-device
virtio-serial-pci
-device
virtserialport,chardev=port
-chardev
socket,id=monitor,fd=4
-mon
chardev=monitor,mode=control
-uuid
01234567-89ab-cdef-0123-456789abcdef
-smbios
type=1,serial=a,,b
-netdev
tap,id=tap-eni-1,ifname=lab0,script=no,downscript=no,queues=4
-device
virtio-net-pci,id=eni-1,netdev=tap-eni-1,mac=00:16:3e:00:00:00,mq=on,vectors=10,rx_queue_size=512,queue_reset=off,romfile=
-netdev
tap,id=tap-nic1,ifname=lab1,script=no,downscript=no,queues=1
-device
virtio-net-pci,id=nic1,netdev=tap-nic1,mac=00:16:3e:00:00:01,mq=off,vectors=4,rx_queue_size=1024,queue_reset=on,romfile=`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
}

func TestADiskAddsItsDriveAndKeepsTheKernelsDeviceNames(t *testing.T) {
	o, err := Options{Disk: &Disk{file: "/d/disk.qcow2"}}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	got := strings.Join(qemuArgs("vmlinuz", "initramfs", o, nil, 3, 4), "\n")
	for _, want := range []string{
		"-append\nconsole=ttyS0 quiet panic=-1 mitigations=off net.ifnames=0\n",
		"-drive\nid=disk,if=none,format=qcow2,cache=writeback,discard=unmap,file=/d/disk.qcow2\n-device\nvirtio-blk-pci,drive=disk",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

func TestNetworkdIsToldOfAddressAndRoutes(t *testing.T) {
	n, err := NIC{MAC: "00:16:3E:00:00:07", HostAddrs: []string{"100.100.100.200/32", "10.99.0.1/24"}, GuestAddr: "10.99.0.2/24"}.withDefaults(0)
	if err != nil {
		t.Fatal(err)
	}
	want := `[Match]
MACAddress=00:16:3e:00:00:07

[Network]
Address=10.99.0.2/24
LinkLocalAddressing=no
IPv6AcceptRA=no

[Route]
Destination=100.100.100.200/32
Scope=link

[Route]
Destination=10.99.0.1/32
Scope=link
`
	if diff := cmp.Diff(want, n.network()); diff != "" {
		t.Errorf("network (-want +got):\n%s", diff)
	}
}

func TestAMissingDiskIsNamedWithTheRemedy(t *testing.T) {
	if _, err := lookTool("qemu-img"); err != nil {
		t.Skip(err)
	}
	_, err := newOverlay(t.Context(), filepath.Join(t.TempDir(), "debian.qcow2"), t.TempDir())
	var missing *missingError
	if !errors.As(err, &missing) || !strings.HasSuffix(err.Error(), "; type: test/lab/setup.sh") {
		t.Errorf("got %v, want what is missing and the remedy", err)
	}
}

func TestAnArchiveHasTheBytesOfTheNewcFormat(t *testing.T) {
	var buf bytes.Buffer
	a := newArchive(&buf)
	a.file("/d/f", 0o640, []byte("hello"))
	a.symlink("d/l", "f")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	const zeros = "00000000"
	owner := zeros + zeros + "00000001" + zeros // uid, gid, nlink, mtime
	devices := zeros + zeros + zeros + zeros
	want := "070701" + "00000001" + "000041ed" + owner + zeros + devices + "00000002" + zeros + "d\x00" +
		"070701" + "00000002" + "000081a0" + owner + "00000005" + devices + "00000004" + zeros + "d/f\x00" + "\x00\x00" +
		"hello\x00\x00\x00" +
		"070701" + "00000003" + "0000a1ff" + owner + "00000001" + devices + "00000004" + zeros + "d/l\x00" + "\x00\x00" +
		"f\x00\x00\x00" +
		"070701" + "00000004" + zeros + owner + zeros + devices + "0000000b" + zeros + "TRAILER!!!\x00" + "\x00\x00\x00"
	if diff := cmp.Diff(want, buf.String()); diff != "" {
		t.Errorf("archive (-want +got):\n%s", diff)
	}
}

func TestAMissingKernelIsNamedWithTheRemedy(t *testing.T) {
	dir := t.TempDir()
	_, err := findKernel(dir, "6.1")
	want := "no kernel 6.1 in " + dir + "/6.1/boot; type: test/lab/setup.sh, or unpack a kernel package there (dpkg -x)"
	var missing *missingError
	if !errors.As(err, &missing) || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestAnUnpackedKernelPackageIsFound(t *testing.T) {
	for _, lib := range []string{"lib", "usr/lib"} {
		dir := t.TempDir()
		modules := filepath.Join(dir, "9.9", lib, "modules", "9.9-test")
		for file, content := range map[string]string{
			filepath.Join(dir, "9.9", "boot", "vmlinuz-9.9-test"):     "",
			filepath.Join(modules, "modules.builtin"):                 "kernel/drivers/virtio/virtio_pci.ko\n",
			filepath.Join(modules, "kernel", "x", "virtio-rng.ko"):    "not a module",
			filepath.Join(modules, "kernel", "x", "other.ko.unknown"): "",
		} {
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		k, err := findKernel(dir, "9.9")
		if err != nil {
			t.Fatal(err)
		}
		if k.release != "9.9-test" {
			t.Errorf("release %q", k.release)
		}
		if loaded, err := k.load(t.Context(), "virtio-pci"); err != nil || len(loaded) != 0 {
			t.Errorf("what is built in: %v, %v, want nothing to load", loaded, err)
		}
		if _, err := k.load(t.Context(), "absent"); err == nil || err.Error() != "kernel 9.9-test has no module absent" {
			t.Errorf("a module that is not there: %v", err)
		}
		if _, err := k.load(t.Context(), "virtio_rng"); err == nil || !strings.Contains(err.Error(), "/virtio-rng.ko: ") {
			t.Errorf("a broken module: %v", err)
		}
	}
}

func TestWaitLineGoesOnBehindTheLastMatch(t *testing.T) {
	p := newProc(nil, []string{"cmd"})
	p.write(1, []byte("a 1\nb\na"))
	p.write(2, []byte("a 2\n"))
	p.write(1, []byte(" 3\r\na 4"))
	p.end(0, nil)
	re := regexp.MustCompile("^a")
	for _, want := range []string{"a 1", "a 2", "a 3", "a 4"} {
		got, err := p.WaitLine(t.Context(), re)
		if err != nil || got != want {
			t.Errorf("got %q, %v, want %q", got, err, want)
		}
	}
	_, err := p.WaitLine(t.Context(), re)
	want := `["cmd"] in the guest ended with code 0 and without a line like "^a"; it wrote:` + "\na 1\nb\na 2\na 3\na 4"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestWaitEndsWithItsContext(t *testing.T) {
	p := newProc(nil, []string{"cmd"})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if code, err := p.Wait(ctx); code != -1 || !errors.Is(err, context.Canceled) {
		t.Errorf("got %d, %v, want -1 and context.Canceled", code, err)
	}
	if _, err := p.WaitLine(ctx, regexp.MustCompile("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// fakeQEMU answers each command that arrives on conn with the next of answers.
func fakeQEMU(conn net.Conn, answers ...string) {
	defer conn.Close()
	buf := make([]byte, 4096)
	for _, answer := range answers {
		if _, err := conn.Read(buf); err != nil {
			return
		}
		if _, err := conn.Write([]byte(answer + "\n")); err != nil {
			return
		}
	}
}

func TestTheMonitorMatchesRepliesAndEvents(t *testing.T) {
	own, other := net.Pipe()
	m := newMonitor(own)
	go fakeQEMU(other,
		`{"QMP":{}}`+"\n"+`{"return":{},"id":1}`,
		`{"event":"DEVICE_DELETED","data":{"device":"other"}}`+"\n"+`{"event":"DEVICE_DELETED","data":{"device":"eni-1"}}`+"\n"+`{"return":{},"id":2}`,
		`{"error":{"class":"DeviceNotFound","desc":"Device 'x' not found"},"id":3}`)
	go m.run()
	defer func() { <-m.closed }()

	if err := m.execute(t.Context(), "qmp_capabilities", nil); err != nil {
		t.Error(err)
	}
	wait := m.expect("DEVICE_DELETED", "eni-1")
	if err := m.execute(t.Context(), "device_del", map[string]any{"id": "eni-1"}); err != nil {
		t.Error(err)
	}
	if err := wait(t.Context()); err != nil {
		t.Error(err)
	}
	err := m.execute(t.Context(), "device_del", map[string]any{"id": "x"})
	if want := "QEMU device_del: DeviceNotFound: Device 'x' not found"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
	if err := m.expect("DEVICE_DELETED", "y")(t.Context()); !errors.Is(err, errMonitorClosed) {
		t.Errorf("got %v, want %v", err, errMonitorClosed)
	}
}
