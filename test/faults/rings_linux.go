package faults

import (
	"sync"

	"golang.org/x/sys/unix"
)

// Driver is a model of a driver's rings, for NICs that have none, such as veth.
type Driver struct {
	mu    sync.Mutex
	rings Rings
}

// Rings gives a device the rings of a driver that checks and keeps what is written, as the kernel does for virtio_net.
// Only the program sees them.
func (f *Injector) Rings(device string, rings Rings) *Driver {
	d := &Driver{rings: rings}
	f.On(Match{Op: GetRings, Device: device}, func(c *Call) Verdict {
		d.mu.Lock()
		defer d.mu.Unlock()
		c.putRings(d.rings)
		return c.answer(0)
	})
	f.On(Match{Op: SetRings, Device: device}, func(c *Call) Verdict {
		if c.Netlink {
			return Pass() // the kernel knows of no rings
		}
		d.mu.Lock()
		defer d.mu.Unlock()
		want := c.rings32()
		if want.RX > d.rings.MaxRX || want.TX > d.rings.MaxTX || want.RX == 0 || want.TX == 0 {
			return Refuse(unix.EINVAL)
		}
		d.rings.RX, d.rings.TX = want.RX, want.TX
		return Refuse(0)
	})
	return d
}

// Now gives the driver's present rings.
func (d *Driver) Now() Rings {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.rings
}

// Change changes the driver's rings, as another program or the device does.
func (d *Driver) Change(change func(*Rings)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.rings)
}
