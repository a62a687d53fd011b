package nic

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// Kinds of kernel refusals, for errors.Is. They are kept apart because they
// ask for different remedies.
var (
	// ErrGone: the device is not there any more (ENODEV, ENXIO), or its name
	// now belongs to another device.
	ErrGone = errors.New("device is gone")
	// ErrUnsupported: the driver has no such operation (EOPNOTSUPP; ENOENT from
	// virtio_net for rings of a device that cannot reset a queue).
	ErrUnsupported = errors.New("not supported by the driver")
	// ErrDenied: the caller may not do this (EPERM, EACCES).
	ErrDenied = errors.New("not permitted")
	// ErrBusy: not now; the same call may succeed later (EBUSY, EAGAIN, EINTR,
	// ENOBUFS, ENOMEM; EMFILE and ENFILE without a descriptor for a socket; EBADF,
	// ENOTSOCK and ENOTTY of a socket that was lost).
	ErrBusy = errors.New("busy")
	// ErrInvalid: the driver or the kernel rejects the value (EINVAL, ERANGE
	// and everything that is not one of the others).
	ErrInvalid = errors.New("refused")
	// ErrNonsense: what the driver tells cannot be true.
	ErrNonsense = errors.New("the driver tells nonsense")
)

// Error is a failed operation on a device. errors.Is matches its Kind and the
// errno.
type Error struct {
	Device string     // name of the device at the time of the call; "" for none in particular
	Op     string     // what was tried, "set channels"
	Kind   error      // one of the Err values of this package
	Errno  unix.Errno // the kernel's answer; 0 where there is none
	Detail string     // more of the kernel's words; "" if it gave none
}

func (e *Error) Error() string {
	s := e.Op + ": " + e.Reason()
	if e.Device != "" {
		s = e.Device + ": " + s
	}
	return s
}

// Reason is the kernel's answer in its own words, without device and
// operation: "Device or resource busy (EBUSY)".
func (e *Error) Reason() string {
	s := e.Kind.Error()
	if e.Errno != 0 {
		s = fmt.Sprintf("%s (%s)", e.Errno.Error(), unix.ErrnoName(e.Errno))
	}
	if e.Detail != "" {
		s += ": " + e.Detail
	}
	return s
}

// Unwrap makes errors.Is work for the kind and the errno.
func (e *Error) Unwrap() []error {
	if e.Errno == 0 {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Errno}
}

// newError classifies err, which comes from a system call on the device.
func newError(device, op string, err error) *Error {
	var errno unix.Errno
	if !errors.As(err, &errno) {
		return &Error{Device: device, Op: op, Kind: ErrInvalid, Detail: err.Error()}
	}
	return errnoError(device, op, errno)
}

// errnoError does the same of an errno.
func errnoError(device, op string, errno unix.Errno) *Error {
	e := &Error{Device: device, Op: op, Kind: kindOf(errno), Errno: errno}
	if errno == unix.EPERM || errno == unix.EACCES {
		e.Detail = "it needs CAP_NET_ADMIN, run as root"
	}
	return e
}

func kindOf(errno unix.Errno) error {
	switch errno {
	case unix.ENODEV, unix.ENXIO:
		return ErrGone
	case unix.EOPNOTSUPP, unix.ENOSYS, unix.ENOENT:
		return ErrUnsupported
	case unix.EPERM, unix.EACCES:
		return ErrDenied
	case unix.EBUSY, unix.EAGAIN, unix.EINTR, unix.ENOBUFS, unix.ENOMEM, unix.EMFILE, unix.ENFILE,
		unix.EBADF, unix.ENOTSOCK, unix.ENOTTY: // a lost socket, which the next read opens again
		return ErrBusy
	default:
		return ErrInvalid
	}
}
