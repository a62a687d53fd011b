package agent

import (
	"errors"
	"io/fs"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
)

// Problem is something that went wrong in a component.
type Problem struct {
	Component Component `json:"component"`
	Message   string    `json:"message"`
	// Class is the kind of failure in one word of a bounded set, see Classes.
	Class string `json:"class"`
}

// The classes that are neither those of the cloud's failures (eni.Class) nor of
// the kernel's.
const (
	ClassUnasked   = "unasked"   // the API, while it is not known what to ask for
	ClassDuplicate = "duplicate" // an address is not of one NIC and one ENI
	ClassUnusable  = "unusable"  // a state file that is broken, or not of this machine
	ClassMissing   = "missing"   // no desired state is cached
	ClassOther     = "other"
)

// The classes that only the kernel's failures have.
const (
	classGone = "gone"
	classBusy = "busy"
)

// kernelKind is a class of the kernel's failures.
type kernelKind struct {
	kind  error
	class string
}

// kernelKinds are named like those of the cloud where they mean the same.
func kernelKinds() []kernelKind {
	return []kernelKind{
		{nic.ErrGone, classGone},
		{nic.ErrUnsupported, eni.ClassUnsupported.String()},
		{nic.ErrDenied, eni.ClassDenied.String()},
		{nic.ErrBusy, classBusy},
		{nic.ErrInvalid, eni.ClassInvalid.String()},
	}
}

// Classes lists every class of a Problem and of a SourceHealth.
func Classes() []string {
	var list []string
	for _, c := range eni.Classes() {
		list = append(list, c.String())
	}
	return append(list, ClassUnasked, ClassDuplicate, ClassUnusable, ClassMissing, classGone, classBusy, ClassOther)
}

// errUnasked is why the API was not asked.
var errUnasked = errors.New("not asked: the instance id and region are not known; see the metadata service, or set cloud.instance_id and cloud.region")

// classOf tells the class of a failure; "" for none.
func classOf(err error) string {
	var cloud *eni.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &cloud):
		return cloud.Class.String()
	case errors.Is(err, errUnasked):
		return ClassUnasked
	case errors.Is(err, errNotReturned):
		return eni.ClassNotFound.String()
	case errors.Is(err, ErrStateUnusable):
		return ClassUnusable
	}
	for _, k := range kernelKinds() {
		if errors.Is(err, k.kind) {
			return k.class
		}
	}
	if errors.Is(err, fs.ErrPermission) {
		return eni.ClassDenied.String()
	}
	return ClassOther
}

// problemOf is a failure as a problem of a component.
func problemOf(c Component, err error) Problem {
	return Problem{Component: c, Message: err.Error(), Class: classOf(err)}
}
