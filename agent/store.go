package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"
)

// Store holds the last good desired state, in memory and on disk, and how the
// attempts to renew it went. It is safe for concurrent use.
type Store struct {
	file       StateFile
	enabled    bool
	instanceID string
	maxAge     time.Duration
	clock      func() time.Time

	mu       sync.Mutex
	desired  Desired
	known    bool
	instance Instance  // as the last attempt knew it
	problems []Problem // of the last attempt
	disk     []Problem // of the state file
	unsaved  bool      // what is known could not be written to it
	fresh    bool      // the last attempt succeeded
	failed   bool      // the last attempt failed
	metadata SourceHealth
	api      SourceHealth
}

// StoreOptions configure a Store.
type StoreOptions struct {
	File StateFile
	// Enabled is false where the cloud is switched off.
	Enabled bool
	// InstanceID is the operator's word on which instance this is; "" for none.
	InstanceID string
	// RefreshInterval is how often the cloud is read; a state that is more than
	// half as old again is stale.
	RefreshInterval time.Duration
	Clock           func() time.Time
}

// NewStore makes an empty Store.
func NewStore(o StoreOptions) *Store {
	return &Store{
		file: o.File, enabled: o.Enabled, instanceID: o.InstanceID, maxAge: o.RefreshInterval * 3 / 2, clock: o.Clock,
		metadata: SourceHealth{Source: string(ComponentMetadata)},
		api:      SourceHealth{Source: string(ComponentAPI)},
	}
}

// LoadCache takes the desired state from the disk, if there is one that is to be
// used.
func (s *Store) LoadCache() {
	if !s.enabled {
		return
	}
	d, err := s.file.Load()
	if err == nil && s.instanceID != "" && d.InstanceID != s.instanceID {
		err = fmt.Errorf("%w: %s: it is of instance %s, and cloud.instance_id is %s", ErrStateUnusable, s.file.Path, d.InstanceID, s.instanceID)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		s.disk = []Problem{problemOf(ComponentState, err)}
	default:
		s.desired, s.known = d, true
	}
}

// Update takes the outcome of one attempt to read the cloud. A failure changes
// nothing of what is known, unless the instance turns out to be another one. A
// success is also written to disk if save is set; a disk that is slow to take it
// keeps nobody from the View. Update and Save are for one goroutine.
func (s *Store) Update(res FetchResult, save bool) {
	if s.take(res) && save {
		s.Save()
	}
}

// Save writes what is known to disk, and tells whether that worked.
func (s *Store) Save() (ok bool) {
	var problems []Problem
	err := s.file.Save(s.Desired())
	if err != nil {
		problems = []Problem{problemOf(ComponentState, err)}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disk, s.unsaved = problems, err != nil
	return err == nil
}

// Unsaved tells whether something is known that could not be written to disk.
func (s *Store) Unsaved() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.unsaved
}

// take notes the outcome of an attempt, and tells whether it succeeded.
func (s *Store) take(res FetchResult) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock()
	s.problems = res.Problems
	if res.Instance.ID != "" {
		s.instance = res.Instance
	}
	noteHealth(&s.metadata, res.MetadataErr, now)
	noteHealth(&s.api, res.APIErr, now)
	if s.known && res.InstanceID != "" && res.InstanceID != s.desired.InstanceID {
		s.problems = append(s.problems, Problem{Component: ComponentState, Class: ClassUnusable, Message: fmt.Sprintf(
			"%s is of instance %s, this is %s (a disk made from an image?); not used, it is written anew when the API answers",
			s.file.Path, s.desired.InstanceID, res.InstanceID)})
		s.desired, s.known, s.unsaved = Desired{}, false, false
	}
	s.fresh, s.failed = res.APIErr == nil, res.APIErr != nil
	if s.failed {
		return false
	}
	s.desired, s.known = res.Desired, true
	return true
}

func noteHealth(h *SourceHealth, err error, now time.Time) {
	h.Up, h.Error, h.LastAttempt = err == nil, "", now
	h.Class = classOf(err)
	if err != nil {
		h.Error = err.Error()
		return
	}
	h.LastSuccess = now
}

// Desired is the last good desired state; zero if none is known.
func (s *Store) Desired() Desired {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.desired
}

// View is what a reconcile is to work by.
func (s *Store) View() View {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := View{Desired: s.desired, Known: s.known, Enabled: s.enabled, Origin: Origin{Origin: OriginNone}, Instance: s.instance}
	if s.known {
		v.Instance = Instance{ID: s.desired.InstanceID, Region: s.desired.Region, Type: s.desired.InstanceType}
	}
	if !s.enabled {
		return v
	}
	now := s.clock()
	for _, h := range []SourceHealth{s.metadata, s.api} {
		if h.Up || h.Error != "" { // it was asked
			v.Sources = append(v.Sources, h.byClock(now))
		}
		if h.Error != "" {
			v.Errors = append(v.Errors, Problem{Component: Component(h.Source), Message: h.Error, Class: h.Class})
		}
	}
	v.Errors = append(append(v.Errors, s.problems...), s.disk...)
	if s.known {
		v.Origin = Origin{Origin: OriginCache, FetchedAt: byClock(s.desired.FetchedAt, now).UTC()}
		age := now.Sub(s.desired.FetchedAt)
		v.Origin.Stale = s.failed || age > s.maxAge || age < 0 // of the future: nobody knows how old it is
		if s.fresh {
			v.Origin.Origin = OriginAPI
		}
	}
	return v
}
