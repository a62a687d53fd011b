package nic

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sys/unix"
)

// Handle reads and writes the NICs of the network namespace in which it was
// opened. It is safe for use by one goroutine at a time.
type Handle struct{ ioctl *ioctl }

// Open opens the sockets that a Handle needs.
func Open() (*Handle, error) {
	ioctl, err := newIoctl()
	if err != nil {
		return nil, err
	}
	return &Handle{ioctl: ioctl}, nil
}

// Close closes the sockets.
func (h *Handle) Close() { h.ioctl.close() }

// List reads all devices once and gives those that could be an ENI's guest
// side: the physical ones, and with virtual also veth, dummy, tun and the like.
func (h *Handle) List(ctx context.Context, virtual bool) ([]NIC, error) {
	nics, err := h.dumpLinks(ctx, func(l link) bool { return candidate(l, virtual) })
	return slices.DeleteFunc(nics, func(n NIC) bool { return !virtual && !n.Physical() }), err
}

// ByIndex reads one device; an error that is ErrGone if it is not there.
func (h *Handle) ByIndex(index int) (NIC, error) {
	l, err := linkByIndex(index)
	if err != nil {
		return NIC{}, err
	}
	return h.toNIC(l), nil
}

// Read reads the settings of a device. Settings that cannot be read carry their
// error in the State; Read itself fails only if the device is not there (ErrGone),
// or cannot be told from others. A device that was renamed is read by its new name,
// which the State then has.
func (h *Handle) Read(n NIC) (State, error) {
	st, index := h.ioctl.read(n)
	if index != n.Index {
		now, err := h.same(n, "read")
		if err != nil {
			return State{}, err
		}
		if st, index = h.ioctl.read(now); index != n.Index {
			return State{}, &Error{Device: n.Name, Op: "read", Kind: ErrGone, Detail: "its name changes all the time"}
		}
	}
	return st, nil
}

// Result is the kernel's answer to one Change.
type Result struct {
	Change
	Err error // an *Error; nil if the kernel accepted the change
}

// Set writes the changes to a device: rings first, then channels, settings that
// share a kernel operation in one call. One refused setting does not keep the
// others from being written. What is true afterwards, only a new Read tells:
// drivers have returned an error and applied the change all the same.
//
// The device is found by its index; if it has another hardware address by now,
// nothing is written and every result is ErrGone.
func (h *Handle) Set(n NIC, changes []Change) []Result {
	defer h.ioctl.forget(n) // what is read next is to be this device's, whatever it says
	now, err := h.same(n, "write")
	if err != nil {
		return allFailed(changes, err)
	}
	var results []Result
	for _, op := range Operations() {
		if group := ofOperation(changes, op); len(group) > 0 {
			results = append(results, h.setTogether(now, op, group)...)
		}
	}
	return results
}

// same reads a device anew, by its index; ErrGone if it is not there, or has
// another hardware address and so is another one. Where that takes a descriptor and
// there is none left, its name and index have to do.
func (h *Handle) same(n NIC, op string) (NIC, error) {
	now, err := h.ByIndex(n.Index)
	if errors.Is(err, unix.EMFILE) || errors.Is(err, unix.ENFILE) {
		if index, err := h.ioctl.index(n.Name); err == nil && index == n.Index {
			return n, nil
		}
	}
	if err == nil && now.ID() != n.ID() {
		err = &Error{Device: n.Name, Op: op, Kind: ErrGone,
			Detail: fmt.Sprintf("interface %d is now %s with address %s", n.Index, now.Name, now.ID())}
	}
	return now, err
}

// setTogether writes settings that share an operation in one call, and one by
// one if the kernel refuses them together.
func (h *Handle) setTogether(n NIC, op Operation, group []Change) []Result {
	refused, err := h.setOnce(n.Name, op, group)
	if index, _ := h.ioctl.index(n.Name); index != n.Index {
		// It was renamed meanwhile: the call, which is by name, may have found no
		// device, or another.
		if n, err = h.same(n, op.String()); err != nil {
			return allFailed(group, err)
		}
		refused, err = h.setOnce(n.Name, op, group)
	}
	if len(group) > 1 && err != nil && !errors.Is(err, ErrGone) && !errors.Is(err, ErrDenied) {
		var results []Result
		for _, ch := range group {
			results = append(results, h.setTogether(n, op, []Change{ch})...)
		}
		return results
	}
	var kernel *Error
	if errors.As(err, &kernel) && errors.Is(err, ErrInvalid) && refused.command != 0 {
		kernel.Detail = cmp.Or(explain(n.Index, refused), explainXDP(n))
	}
	return allFailed(group, err)
}

func (h *Handle) setOnce(device string, op Operation, group []Change) (refused request, err error) {
	switch op {
	case SetRings:
		return h.ioctl.setRings(device, func(want RingSizes) RingSizes {
			for _, ch := range group {
				want = ch.rings(want)
			}
			return want
		})
	case SetChannels:
		return h.ioctl.setChannels(device, group[0].channels)
	default:
		return request{}, &Error{Device: device, Op: op.String(), Kind: ErrUnsupported}
	}
}

func ofOperation(changes []Change, op Operation) []Change {
	var group []Change
	for _, ch := range changes {
		if ch.Setting.Operation() == op {
			group = append(group, ch)
		}
	}
	return group
}

// allFailed gives every change the same outcome; nil err means success.
func allFailed(changes []Change, err error) []Result {
	results := make([]Result, len(changes))
	for i, ch := range changes {
		results[i] = Result{ch, err}
	}
	return results
}
