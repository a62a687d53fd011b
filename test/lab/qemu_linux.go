package lab

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// kernelArgs is what every guest's kernel command line has. A panic ends QEMU, which -no-reboot keeps from starting again.
const kernelArgs = "console=ttyS0 quiet panic=-1 mitigations=off"

// kernelArgs is the guest's kernel command line. A system on a disk leaves the NICs the names that the kernel gave.
func (o Options) kernelArgs() string {
	if o.Disk != nil {
		return kernelArgs + " net.ifnames=0"
	}
	return kernelArgs
}

// machine is a running QEMU.
type machine struct {
	cmd     *exec.Cmd
	console *console
	port    net.Conn // to the guest's init process
	monitor net.Conn
	ended   chan struct{} // closed when QEMU has ended
}

// startMachine starts QEMU with a guest of the given kernel and initramfs, its NICs at the tap devices.
func startMachine(image, initramfs string, o Options, taps map[string]string) (*machine, error) {
	qemu, err := lookTool("qemu-system-x86_64")
	if err != nil {
		return nil, err
	}
	m := &machine{console: new(console), ended: make(chan struct{})}
	var portFile, monitorFile *os.File
	if m.port, portFile, err = socketPair(); err != nil {
		return nil, err
	}
	defer portFile.Close()
	if m.monitor, monitorFile, err = socketPair(); err != nil {
		m.port.Close()
		return nil, err
	}
	defer monitorFile.Close()
	// The first of ExtraFiles is descriptor 3.
	m.cmd = exec.Command(qemu, qemuArgs(image, initramfs, o, taps, 3, 4)...)
	m.cmd.ExtraFiles = []*os.File{portFile, monitorFile}
	m.cmd.Stdout, m.cmd.Stderr = m.console, m.console
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}

	started := make(chan error)
	go func() {
		defer close(m.ended)
		// QEMU dies with this process, for which the thread that starts it has to live as long as it does.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := m.cmd.Start()
		started <- err
		if err == nil {
			if err := m.cmd.Wait(); err != nil {
				fmt.Fprintf(m.console, "\nQEMU ended: %v\n", err)
			}
		}
	}()
	if err := <-started; err != nil {
		m.port.Close()
		m.monitor.Close()
		return nil, fmt.Errorf("start QEMU: %w", err)
	}
	return m, nil
}

// kill ends QEMU at once, as pulling the plug would, and waits until it is gone.
func (m *machine) kill() {
	_ = m.cmd.Process.Kill()
	<-m.ended
	m.port.Close()
	m.monitor.Close()
}

// qemuArgs is QEMU's command line.
func qemuArgs(image, initramfs string, o Options, taps map[string]string, portFD, monitorFD int) []string {
	args := []string{
		"-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
		// The old PC: its PCI slots take hot-plugged devices through ACPI.
		"-machine", "pc", "-accel", acceleration(), "-cpu", "max",
		"-smp", strconv.Itoa(o.CPUs), "-m", strconv.Itoa(o.MemoryMB),
		"-kernel", image, "-initrd", initramfs, "-append", o.kernelArgs(),
		"-serial", "stdio",
		"-chardev", fmt.Sprintf("socket,id=port,fd=%d", portFD),
		"-device", "virtio-serial-pci", "-device", "virtserialport,chardev=port",
		"-chardev", fmt.Sprintf("socket,id=monitor,fd=%d", monitorFD),
		"-mon", "chardev=monitor,mode=control",
	}
	if o.UUID != "" {
		args = append(args, "-uuid", o.UUID)
	}
	if o.Serial != "" {
		args = append(args, "-smbios", "type=1,serial="+strings.ReplaceAll(o.Serial, ",", ",,"))
	}
	if o.Disk != nil {
		args = append(args, o.Disk.qemuArgs()...)
	}
	for i, d := range o.Drives {
		args = append(args, d.qemuArgs(i)...)
	}
	for _, n := range o.NICs {
		args = append(args,
			"-netdev", fmt.Sprintf("tap,id=%s,ifname=%s,script=no,downscript=no,queues=%d", n.netdev(), taps[n.ID], n.Queues),
			"-device", fmt.Sprintf("virtio-net-pci,id=%s,netdev=%s,mac=%s,mq=%s,vectors=%d,rx_queue_size=%d,queue_reset=%s,romfile=",
				n.ID, n.netdev(), n.MAC, onOff(n.Queues > 1), n.vectors(), n.RxRing, onOff(!n.NoQueueReset)))
	}
	return args
}

// acceleration is how QEMU runs the guest's code.
func acceleration() string {
	accel := cmp.Or(os.Getenv("ENITUNE_LAB_ACCEL"), "tcg")
	if accel == "tcg" {
		// One host thread for all of the guest's CPUs: with several, QEMU 7.2 now
		// and then runs a breakpoint that the guest's kernel has just patched out
		// of its own code (Oops: int3). It is no slower here.
		return "tcg,thread=single"
	}
	return accel
}

// netdev is the id of QEMU's end of n's tap.
func (n NIC) netdev() string { return "tap-" + n.ID }

// vectors is the number of interrupts of n: one for each queue, the control queue and changes of configuration.
func (n NIC) vectors() int { return 2*n.Queues + 2 }

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

// socketPair returns the two ends of a stream: one to use here, one to hand to a child.
func socketPair() (net.Conn, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	own, child := os.NewFile(uintptr(fds[0]), "own"), os.NewFile(uintptr(fds[1]), "child")
	defer own.Close() // net.FileConn duplicates it
	conn, err := net.FileConn(own)
	if err != nil {
		child.Close()
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	return conn, child, nil
}

// console collects what the guest's kernel and QEMU print.
type console struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (c *console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.Write(p)
}

func (c *console) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.buf.String()
}
