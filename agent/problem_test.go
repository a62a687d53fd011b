package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
)

func TestEveryFailureHasAClass(t *testing.T) {
	for want, err := range map[string]error{
		"":            nil,
		"denied":      fmt.Errorf("read: %w", &eni.Error{Class: eni.ClassDenied}),
		"credentials": &eni.Error{Class: eni.ClassCredentials},
		"unasked":     errUnasked,
		"unusable":    fmt.Errorf("%w: damaged", ErrStateUnusable),
		"gone":        &nic.Error{Kind: nic.ErrGone, Errno: unix.ENODEV},
		"unsupported": fmt.Errorf("ethtool events: %w", &nic.Error{Kind: nic.ErrUnsupported}),
		"busy":        errors.Join(errors.New("another"), &nic.Error{Kind: nic.ErrBusy}),
		"other":       errors.New("of a kind that nobody thought of"),
	} {
		got := classOf(err)
		if got != want {
			t.Errorf("%v has class %q, want %q", err, got, want)
		}
		if got != "" && !slices.Contains(Classes(), got) {
			t.Errorf("class %q is not listed", got)
		}
	}
	if got := classOf(&fs.PathError{Op: "open", Path: "state.json", Err: unix.EACCES}); got != "denied" {
		t.Errorf("a file that may not be opened has class %q", got)
	}
}

func TestEveryKindOfKernelFailureHasItsClass(t *testing.T) {
	for _, k := range kernelKinds() {
		if !slices.Contains(Classes(), k.class) {
			t.Errorf("class %q is not listed", k.class)
		}
		if got := classOf(&nic.Error{Kind: k.kind}); got != k.class {
			t.Errorf("%v has class %q, want %q", k.kind, got, k.class)
		}
	}
}

// A missing permission is seen in the report however it comes to light.
func TestWhyAnENIIsNotKnownKeepsItsClass(t *testing.T) {
	denied := fmt.Errorf("asked: %w", &eni.Error{Class: eni.ClassDenied, Code: "Forbidden.RAM"})
	byID, byType := fetch{}, fetch{}
	byID.keep(eni.MetadataInterface{ENI: "eni-1", MAC: mac(1)}, denied)
	byType.describeOne(eni.NetworkInterface{ID: "eni-1", MAC: mac(1)}, nil, denied)
	for name, f := range map[string]fetch{"asked for by its id": byID, "its type's queue number": byType} {
		if got := f.desired.ENIs[0]; got.UnresolvedClass != "denied" || got.Unresolved == "" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	byType.complain("not known: %w", denied)
	if got := byType.res.Problems; len(got) != 1 || got[0].Class != "denied" {
		t.Errorf("%+v", got)
	}
}
