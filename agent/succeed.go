package agent

import "maps"

// Succeed makes d, which has not started, go on where old, which has ended, left
// off: with what old knew of the NICs, of the cloud and of the event sources, and
// with its last report, so that a new configuration forgets no budget, no drift
// and no desired state, and logs nothing twice. What d was configured with holds.
func (d *Daemon) Succeed(old *Daemon) {
	d.first = CauseSignal
	d.o.Reconciler.succeed(old.o.Reconciler)
	d.o.Store.succeed(old.o.Store)
	d.lookups, d.missing, d.asks = old.lookups, old.missing, old.asks
	d.pace.succeed(old.pace)
	old.mu.Lock()
	defer old.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report, d.have = old.report, old.have
	d.events = maps.Clone(old.events)
}

func (r *Reconciler) succeed(old *Reconciler) {
	budget := r.memory.budget
	r.memory, r.kernel, r.indexes = old.memory, old.kernel, old.indexes
	r.memory.budget = budget
}

// succeed takes over what another Store knows, unless it is of another instance
// than the one that this Store was told.
func (s *Store) succeed(old *Store) {
	old.mu.Lock()
	defer old.mu.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.enabled || !old.known || s.instanceID != "" && s.instanceID != old.desired.InstanceID {
		return
	}
	s.desired, s.known = old.desired, true
	s.fresh, s.failed = old.fresh, old.failed
	s.problems = old.problems
	s.unsaved = true
	if s.file.Path == old.file.Path {
		s.disk, s.unsaved = old.disk, old.unsaved
	}
	s.metadata, s.api, s.instance = old.metadata, old.api, old.instance
}
