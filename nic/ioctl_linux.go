package nic

import (
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"github.com/safchain/ethtool"
	"golang.org/x/sys/unix"
)

// ioctl calls safchain/ethtool from a goroutine of its own, whose stack never
// moves.
//
// The library converts the address of a stack variable to a uintptr before it
// calls the function that makes the system call. If the stack moves in between,
// because it has to grow or because the garbage collector shrinks it, the kernel
// fills the old place and the caller reads zeros. (Seen with v0.7.0: about 1 %
// of reads at random stack depths.)
type ioctl struct {
	eth   *ethtool.Ethtool
	fd    int
	calls chan func()
	done  chan struct{}

	mu      sync.Mutex // guards what follows
	devices map[deviceKey]*device
	scratch scratch
}

// device is what is known of a device that was read before.
type device struct {
	driver     string
	ringsFixed bool // it tells the ring sizes, but cannot change them

	answers answers // of the last reading; zero if there was none that was surely of this device
	state   State   // what they say
}

// deviceKey tells one device from another.
type deviceKey struct {
	index int
	name  string
}

// maxDevices bounds what is kept of devices that have come and gone.
const maxDevices = 256

func newIoctl() (*ioctl, error) {
	c := &ioctl{calls: make(chan func()), done: make(chan struct{}), devices: map[deviceKey]*device{}}
	if err := c.openEthtool(); err != nil {
		return nil, err
	}
	if err := c.openSocket(); err != nil {
		c.eth.Close()
		return nil, err
	}
	go func() {
		growStack()
		c.work()
	}()
	return c, nil
}

func (c *ioctl) openEthtool() error {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return fmt.Errorf("open the ethtool socket: %w", err)
	}
	c.eth = e
	return nil
}

func (c *ioctl) openSocket() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("open a socket: %w", err)
	}
	c.fd = fd
	return nil
}

// lostSocket tells from the error of a call that its file descriptor is no longer
// the socket that was opened. No driver answers any of these.
func lostSocket(err error) bool {
	return errors.Is(err, unix.EBADF) || errors.Is(err, unix.ENOTSOCK) || errors.Is(err, unix.ENOTTY)
}

// close ends the goroutine; no call may follow.
func (c *ioctl) close() {
	close(c.calls)
	c.eth.Close()
	_ = unix.Close(c.fd) // nothing was written to it
}

// heldBytes is what work keeps of its stack in use. It is more than a quarter of
// what growStack makes of a new goroutine's stack, below which the runtime never
// shrinks it (runtime/stack.go, shrinkstack), and leaves more free than the
// library's deepest call needs (under 1 KiB), so that it never grows either.
const heldBytes = 16 << 10

//go:noinline
func growStack() {
	var pad [heldBytes + heldBytes/2]byte
	runtime.KeepAlive(&pad)
}

//go:noinline
func (c *ioctl) work() {
	var held [heldBytes]byte
	for f := range c.calls {
		f()
		c.done <- struct{}{}
	}
	runtime.KeepAlive(&held)
}

// do runs f on the goroutine whose stack never moves. f calls the library and
// little else.
func (c *ioctl) do(f func()) {
	c.calls <- f
	<-c.done
}

// read reads a device's driver, channels and rings, and the index that its name
// has at the end, 0 if no device has it. A setting that cannot be read has its
// error in the State. A socket that was lost is opened again; the old one is not
// closed, because its number may be another file's by now.
//
// Where the answers are those of the reading before, the index is not asked for: if
// the name is another device's by now, its settings are the same, and the event of
// the new name is on its way.
func (c *ioctl) read(n NIC) (st State, index int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	d, sure := c.device(n)
	now := c.ask(n.Name)
	if now == d.answers {
		st = d.state
		st.NIC = n
		return st, n.Index
	}
	if lostSocket(now.channelsErrno) && c.openSocket() == nil {
		now = c.ask(n.Name)
	}
	index, errno := c.readIndex(n.Name)
	if lostSocket(errno) && c.openSocket() == nil {
		index, _ = c.readIndex(n.Name)
	}
	st = now.state(n.Name)
	st.NIC, st.Driver, st.RingsFixed = n, d.driver, d.ringsFixed
	if sure && index == n.Index {
		d.answers, d.state = now, st
		c.keep(n, d)
	}
	return st, index
}

// keep remembers a device.
func (c *ioctl) keep(n NIC, d *device) {
	if len(c.devices) >= maxDevices {
		clear(c.devices)
	}
	c.devices[deviceKey{n.Index, n.Name}] = d
}

// forget makes the next reading of a device one that does not rely on the last.
func (c *ioctl) forget(n NIC) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.devices, deviceKey{n.Index, n.Name})
}

// device gives what is known of a device: what was remembered, or what is asked for
// now. sure is false if that could not be found out now.
func (c *ioctl) device(n NIC) (d *device, sure bool) {
	if d, ok := c.devices[deviceKey{n.Index, n.Name}]; ok {
		return d, true
	}
	driver, errno := c.readDriver(n.Name)
	if errno != 0 {
		return &device{}, false
	}
	d = &device{driver: driver}
	if driver != "virtio_net" || n.Bus != "virtio" {
		return d, true
	}
	reset, sure := virtioRingReset(n.Parent)
	d.ringsFixed = !reset
	return d, sure
}

// index gives the interface index of a name.
func (c *ioctl) index(device string) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	index, errno := c.readIndex(device)
	if errno != 0 {
		return 0, errno
	}
	return index, nil
}

func writeError(device, op string, err error) error {
	if err == nil {
		return nil
	}
	return newError(device, op, err)
}

// doAgain is do for what can fail because the library's socket was lost: then that
// is opened again, and f called once more.
func (c *ioctl) doAgain(f func() error) (err error) {
	c.do(func() { err = f() })
	if lostSocket(err) && c.openEthtool() == nil {
		c.do(func() { err = f() })
	}
	return err
}

// setChannels requests what change makes of the current channels; what
// ChannelCounts does not carry is sent as it was read, and nothing is sent if it
// would change nothing. If the kernel refuses, the request is returned beside
// the error.
func (c *ioctl) setChannels(device string, change func(Channels) ChannelCounts) (refused request, err error) {
	err = c.doAgain(func() (err error) {
		var raw ethtool.Channels
		if raw, err = c.eth.GetChannels(device); err != nil {
			return err
		}
		now := toChannels(raw)
		want := change(now)
		if want == now.Current {
			return nil
		}
		raw.RxCount, raw.TxCount, raw.CombinedCount = uint32(want.RX), uint32(want.TX), uint32(want.Combined)
		if _, err = c.eth.SetChannels(device, raw); err != nil {
			refused = want.request(now.Max)
		}
		return err
	})
	return refused, writeError(device, SetChannels.String(), err)
}

// setRings requests what change makes of the current ring sizes; mini and jumbo
// rings are sent as they were read, and nothing is sent if it would change
// nothing. If the kernel refuses, the request is returned beside the error.
func (c *ioctl) setRings(device string, change func(RingSizes) RingSizes) (refused request, err error) {
	err = c.doAgain(func() (err error) {
		var raw ethtool.Ring
		if raw, err = c.eth.GetRing(device); err != nil {
			return err
		}
		now := toRings(raw).Current
		want := change(now)
		if want == now {
			return nil
		}
		raw.RxPending, raw.TxPending = uint32(want.RX), uint32(want.TX)
		if _, err = c.eth.SetRing(device, raw); err != nil {
			refused = want.request()
		}
		return err
	})
	return refused, writeError(device, SetRings.String(), err)
}

func toChannels(raw ethtool.Channels) Channels {
	return Channels{
		Max:     ChannelCounts{int(raw.MaxRx), int(raw.MaxTx), int(raw.MaxOther), int(raw.MaxCombined)},
		Current: ChannelCounts{int(raw.RxCount), int(raw.TxCount), int(raw.OtherCount), int(raw.CombinedCount)},
	}
}

func toRings(raw ethtool.Ring) Rings {
	return Rings{
		Max:     RingSizes{int(raw.RxMaxPending), int(raw.TxMaxPending)},
		Current: RingSizes{int(raw.RxPending), int(raw.TxPending)},
	}
}

// permAddr is for kernels before 5.6, whose link messages do not carry the
// permanent address; "" where the device has none.
func (c *ioctl) permAddr(device string) string {
	var addr string
	var err error
	c.do(func() { addr, err = c.eth.PermAddr(device) })
	if err != nil {
		return ""
	}
	return normalizePermAddr(addr)
}

// normalizePermAddr pads the bytes of the library's address, which it prints
// without leading zeros ("0:16:3e:0:1:2"); "" for anything else.
func normalizePermAddr(addr string) string {
	parts := strings.Split(addr, ":")
	if len(parts) != 6 {
		return ""
	}
	for i, p := range parts {
		b, err := strconv.ParseUint(p, 16, 8)
		if err != nil {
			return ""
		}
		parts[i] = fmt.Sprintf("%02x", b)
	}
	return strings.Join(parts, ":")
}
