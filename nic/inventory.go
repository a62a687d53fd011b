package nic

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Inventory knows the NICs that could be an ENI's guest side, at a cost that
// follows those NICs and not the machine's other devices: all links are read at
// the start, and again only after events were lost; a change of one device
// re-reads that device.
//
// With virtual devices looked at (tests and demonstrations: veth pairs standing
// for ENIs), a device is followed once Follow names it or its address; other
// devices that come and go cause at most a rate-limited second look.
type Inventory struct {
	links   lister
	virtual bool

	mu       sync.Mutex
	nics     map[int]NIC
	dirty    map[int]struct{} // to be read again
	all      bool             // everything is to be read again
	watching bool             // events keep the inventory fresh
	macs     map[[6]byte]struct{}
	relook   *rate.Limiter
}

// lister is what an Inventory needs of a Handle.
type lister interface {
	List(ctx context.Context, virtual bool) ([]NIC, error)
	ByIndex(index int) (NIC, error)
}

// Looks at devices of unknown address, and full dumps after lost events, come
// in a burst of at most relookBurst and then once in relookEvery. Sooner looks
// wait for the next regular one.
const (
	relookBurst = 3
	relookEvery = 5 * time.Second
)

// NewInventory makes an inventory that has read nothing yet. virtual adds
// devices without hardware.
func NewInventory(links lister, virtual bool) *Inventory {
	return &Inventory{
		links:   links,
		virtual: virtual,
		nics:    map[int]NIC{},
		dirty:   map[int]struct{}{},
		all:     true,
		relook:  rate.NewLimiter(rate.Every(relookEvery), relookBurst),
	}
}

// NICs brings the inventory up to date and gives its devices by rising index.
// Without a running watcher every call reads all links. If some could not be
// read, what was known of them is given beside the error.
func (v *Inventory) NICs(ctx context.Context) ([]NIC, error) {
	v.mu.Lock()
	all := v.all || !v.watching
	dirty := v.dirty
	v.all, v.dirty = false, map[int]struct{}{}
	v.mu.Unlock()

	var err error
	if all {
		err = v.readAll(ctx)
	} else {
		err = v.readSome(dirty)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if err != nil && all {
		v.all = true // what was due is still due
	}
	nics := make([]NIC, 0, len(v.nics))
	for _, n := range v.nics {
		nics = append(nics, n)
	}
	slices.SortFunc(nics, func(a, b NIC) int { return a.Index - b.Index })
	return nics, err
}

func (v *Inventory) readAll(ctx context.Context) error {
	list, err := v.links.List(ctx, v.virtual)
	if err != nil {
		return err
	}
	nics := make(map[int]NIC, len(list))
	for _, n := range list {
		nics[n.Index] = n
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.nics = nics
	return nil
}

func (v *Inventory) readSome(dirty map[int]struct{}) (failed error) {
	for index := range dirty {
		n, err := v.links.ByIndex(index)
		gone := errors.Is(err, ErrGone)
		v.mu.Lock()
		switch {
		case err != nil && !gone:
			v.dirty[index] = struct{}{}
			failed = errors.Join(failed, err)
		case gone, stacked(n.Kind), !v.virtual && !n.Physical():
			delete(v.nics, index)
		default:
			v.nics[index] = n
		}
		v.mu.Unlock()
	}
	return failed
}

// Follow says which virtual devices matter: those of the given indexes, and any
// with one of the given hardware addresses that appears later. The others are
// forgotten. Physical devices always matter.
func (v *Inventory) Follow(indexes []int, macs []string) {
	if !v.virtual {
		return
	}
	known := make(map[[6]byte]struct{}, len(macs))
	for _, m := range macs {
		if b, ok := macBytes(m); ok {
			known[b] = struct{}{}
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.macs = known
	for index, n := range v.nics {
		if !n.Physical() && !slices.Contains(indexes, index) {
			delete(v.nics, index)
		}
	}
}

// Invalidate makes the next NICs read all links.
func (v *Inventory) Invalidate() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = true
}

// setWatching tells whether link events arrive; as they begin to, whatever was
// read before may be old.
func (v *Inventory) setWatching(on bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.watching = on
	v.all = true
}

// lost notes that events were lost. It tells whether to look at once; if not,
// the next NICs looks all the same.
func (v *Inventory) lost() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.all = true
	return v.relook.Allow()
}

// observe notes a link event and tells whether it is worth a look at once.
func (v *Inventory) observe(l link) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, followed := v.nics[l.index]
	_, awaited := v.macs[l.mac]
	switch {
	case !followed && !candidate(l, v.virtual):
		return false
	case l.family != 0:
		return false
	case followed, awaited, l.kind == "":
		v.dirty[l.index] = struct{}{}
		return true
	case v.all:
		return false // all are read at the next look, which is already due
	default:
		v.all = true
		return v.relook.Allow()
	}
}

// follows tells whether a device is in the inventory.
func (v *Inventory) follows(index int) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, ok := v.nics[index]
	return ok
}
