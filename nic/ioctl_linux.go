package nic

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"

	"github.com/safchain/ethtool"
)

// ioctl calls safchain/ethtool with room on the stack.
//
// The library converts the address of a stack variable to a uintptr before it
// calls the function that makes the system call. If that call has to grow the
// goroutine's stack, the variable moves and the kernel fills the old place: the
// caller reads zeros. (Seen with v0.7.0: about 1 % of reads at random stack
// depths.) So every call is made with enough free stack below it.
type ioctl struct {
	eth *ethtool.Ethtool
}

func newIoctl() (*ioctl, error) {
	e, err := ethtool.NewEthtool()
	if err != nil {
		return nil, fmt.Errorf("open the ethtool socket: %w", err)
	}
	return &ioctl{e}, nil
}

func (c *ioctl) close() { c.eth.Close() }

// roomBytes is more than the library's deepest call needs (under 1 KiB for the
// calls used here).
const roomBytes = 8 << 10

// withRoom calls f with at least roomBytes of free stack that the runtime will
// not take back meanwhile: growStack makes the stack larger than both frames
// together, and holdStack keeps more than a quarter of it in use, below which
// the runtime never shrinks a stack.
func withRoom(f func()) {
	growStack()
	holdStack(f)
}

//go:noinline
func growStack() {
	var pad [2 * roomBytes]byte
	runtime.KeepAlive(&pad)
}

//go:noinline
func holdStack(f func()) {
	var pad [roomBytes]byte
	f()
	runtime.KeepAlive(&pad)
}

func (c *ioctl) driver(device string) (info ethtool.DrvInfo, err error) {
	withRoom(func() { info, err = c.eth.DriverInfo(device) })
	if err != nil {
		return info, newError(device, "read driver", err)
	}
	return info, nil
}

func (c *ioctl) channels(device string) (Channels, error) {
	raw, err := c.rawChannels(device)
	if err != nil {
		return Channels{}, newError(device, "read channels", err)
	}
	return toChannels(raw), nil
}

func (c *ioctl) rawChannels(device string) (raw ethtool.Channels, err error) {
	withRoom(func() { raw, err = c.eth.GetChannels(device) })
	return raw, err
}

func (c *ioctl) rings(device string) (Rings, error) {
	raw, err := c.rawRings(device)
	if err != nil {
		return Rings{}, newError(device, "read rings", err)
	}
	return toRings(raw), nil
}

func (c *ioctl) rawRings(device string) (raw ethtool.Ring, err error) {
	withRoom(func() { raw, err = c.eth.GetRing(device) })
	return raw, err
}

// setChannels requests what change makes of the current channels; what
// ChannelCounts does not carry is sent as it was read. If the kernel refuses, the
// request is returned beside the error.
func (c *ioctl) setChannels(device string, change func(Channels) ChannelCounts) (request, error) {
	raw, err := c.rawChannels(device)
	if err != nil {
		return request{}, newError(device, SetChannels.String(), err)
	}
	now := toChannels(raw)
	want := change(now)
	raw.RxCount, raw.TxCount, raw.CombinedCount = uint32(want.RX), uint32(want.TX), uint32(want.Combined)
	withRoom(func() { _, err = c.eth.SetChannels(device, raw) })
	if err != nil {
		return want.request(now.Max), newError(device, SetChannels.String(), err)
	}
	return request{}, nil
}

// setRings requests what change makes of the current ring sizes; mini and jumbo
// rings are sent as they were read.
func (c *ioctl) setRings(device string, change func(RingSizes) RingSizes) (request, error) {
	raw, err := c.rawRings(device)
	if err != nil {
		return request{}, newError(device, SetRings.String(), err)
	}
	want := change(toRings(raw).Current)
	raw.RxPending, raw.TxPending = uint32(want.RX), uint32(want.TX)
	withRoom(func() { _, err = c.eth.SetRing(device, raw) })
	if err != nil {
		return want.request(), newError(device, SetRings.String(), err)
	}
	return request{}, nil
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
	withRoom(func() { addr, err = c.eth.PermAddr(device) })
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
