package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// Guest is what the agent needs of the guest's NICs.
type Guest interface {
	// NICs gives the devices that could be an ENI's guest side.
	NICs(ctx context.Context) ([]nic.NIC, error)
	// Read reads one device's settings; ErrGone if it vanished. The state has the
	// device's present name.
	Read(n nic.NIC) (nic.State, error)
	// Set writes settings; the truth is what the next Read says.
	Set(n nic.NIC, changes []nic.Change) []nic.Result
	// Follow names the devices and addresses that matter from now on.
	Follow(indexes []int, macs []string)
}

// Recorder is told what happens, for metrics.
type Recorder interface {
	// Reconciled: one reconcile ended; ok is false if something could not be
	// determined.
	Reconciled(trigger string, ok bool, took time.Duration)
	// Repaired: a drift that an event announced was written and verified.
	Repaired(took time.Duration)
	// Changed: a write was tried.
	Changed(device, eni string, s nic.Setting, result ChangeResult)
	// ForeignChange: someone else changed a setting.
	ForeignChange(device, eni string, s nic.Setting)
}

// ChangeResult is what became of a write, as a new read tells it.
type ChangeResult string

// The results.
const (
	ChangeOK      ChangeResult = "ok"
	ChangeRefused ChangeResult = "refused"
)

// passes bounds how often one reconcile writes to a NIC: writing one setting
// can disturb another.
const passes = 2

// Reconciler brings the guest in line with what is wanted. `plan`, `apply` and
// the daemon all use its one Reconcile. It is for one goroutine.
type Reconciler struct {
	guest    Guest
	rules    []Rule
	policy   plan.Policy
	cloud    bool
	recorder Recorder
	clock    func() time.Time
	memory   *memory
	kernel   SourceHealth
	progress func() // called after each NIC that was dealt with
	// indexes are the interface indexes of the last look's matched NICs, by
	// address; nil while the ENIs are not known.
	indexes map[string]int
}

// Outcome is what a reconcile found.
type Outcome struct {
	Report Report
	// UnknownMACs are the addresses that no known ENI has.
	UnknownMACs []string
	// Replugged: a matched NIC is new since the look before. An ENI that was
	// detached can come back with another queue number.
	Replugged bool
	// Reverts are what someone else changed away from what was wanted, as long as
	// the setting is not contested.
	Reverts []Revert
	// RetryAt is when a write that was put off may be tried again; zero if none
	// was.
	RetryAt time.Time

	// foreign are all changes by someone else, in the order of the NICs.
	foreign []Revert
	// kernelErr is what kept the NICs from being read.
	kernelErr error
}

// Revert is a change by someone else.
type Revert struct {
	Device, ENI string
	Setting     nic.Setting
	From, To    int
}

// ReconcilerOptions configure a Reconciler.
type ReconcilerOptions struct {
	Guest    Guest
	Rules    []Rule
	Policy   plan.Policy
	Budget   Budget
	Cloud    bool // false: no cloud at all, only the rules
	Recorder Recorder
	Clock    func() time.Time
	// Since is what is known of drift from before.
	Since Since
}

// NewReconciler makes a Reconciler that remembers nothing yet.
func NewReconciler(o ReconcilerOptions) *Reconciler {
	r := &Reconciler{
		guest: o.Guest, rules: o.Rules, policy: o.Policy, cloud: o.Cloud,
		recorder: o.Recorder, clock: o.Clock, memory: newMemory(o.Budget),
		kernel:   SourceHealth{Source: string(ComponentKernel)},
		progress: func() {},
	}
	r.memory.remember(o.Since)
	return r
}

// subject is one NIC on its way through a reconcile.
type subject struct {
	pairing
	rule      Rule
	target    plan.Target
	decisions []plan.Decision
	applied   map[nic.Setting]Applied
	gone      bool // it vanished while it was written
	// overwritten are writes that others changed back before they could be verified.
	overwritten []Revert
}

// Reconcile looks at the guest, plans, writes if write is set, and reports what
// is true afterwards. It goes on past a NIC or setting that fails, and stops
// between writes when ctx ends.
func (r *Reconciler) Reconcile(ctx context.Context, view View, write bool) Outcome {
	o := Outcome{Report: newReport(view, r.clock())}
	for _, s := range nic.Settings() {
		if r.policy.Writes(s) {
			o.Report.Enforced = append(o.Report.Enforced, s)
		}
	}
	r.reconcile(ctx, view, write, &o)
	noteHealth(&r.kernel, o.kernelErr, o.Report.Time)
	o.Report.Sources = append(o.Report.Sources, r.kernel.byClock(o.Report.Time))
	o.Report.Changes = withChanges(o.changes(), nil)
	o.RetryAt = r.memory.nextRetry(r.clock())
	return o
}

func (r *Reconciler) reconcile(ctx context.Context, view View, write bool, o *Outcome) {
	nics, err := r.guest.NICs(ctx)
	r.progress()
	if err != nil {
		o.noteKernel(err)
		if len(nics) == 0 {
			return
		}
	}
	pairs, missing, problems := match(nics, view.Desired.ENIs, view.Known)
	o.Report.Unmatched = append(o.Report.Unmatched, missing...)
	o.Report.ambiguous(problems)
	o.UnknownMACs = unknownMACs(pairs)
	o.Replugged = r.noteReplugged(pairs, view.Known)

	subjects, err := r.look(pairs)
	if err != nil {
		o.noteKernel(err)
	}
	r.follow(subjects, view)
	r.noteForeign(o, subjects)
	r.plan(subjects)
	for pass := 0; write && pass < passes && r.write(ctx, subjects); pass++ {
		subjects = slices.DeleteFunc(subjects, func(s *subject) bool { return s.gone })
		r.plan(subjects)
	}
	for _, s := range subjects {
		o.foreign = append(o.foreign, s.overwritten...)
	}
	r.finish(o, subjects, view)
}

// noteKernel notes that NICs, or settings of them, could not be read.
func (o *Outcome) noteKernel(err error) {
	o.kernelErr = err
	o.Report.Errors = append(o.Report.Errors, problemOf(ComponentKernel, err))
	o.Report.Determined = false
}

// look reads the settings of every NIC that is to be reported. NICs that vanish
// meanwhile are left out.
func (r *Reconciler) look(pairs []pairing) ([]*subject, error) {
	var subjects []*subject
	var failed error
	for _, p := range pairs {
		rule, explicit := matchRule(r.rules, p.nic, p.eni)
		if !p.nic.Physical() && p.knows != plan.ENIMatched && p.knows != plan.ENIAmbiguous && !(explicit && !r.cloud) {
			continue // a virtual device that nobody asked for
		}
		st, err := r.guest.Read(p.nic)
		r.progress()
		if errors.Is(err, nic.ErrGone) {
			continue
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		p.nic = st.NIC
		s := &subject{pairing: p, rule: rule, applied: map[nic.Setting]Applied{}}
		s.target = plan.Target{State: st, ENI: p.knows, Excluded: !rule.Manage}
		subjects = append(subjects, s)
	}
	return subjects, failed
}

// follow tells the guest which devices matter: those reported, and any that
// appears with the address of a known ENI.
func (r *Reconciler) follow(subjects []*subject, view View) {
	var indexes []int
	var macs []string
	for _, s := range subjects {
		indexes = append(indexes, s.nic.Index)
	}
	for _, e := range view.Desired.ENIs {
		macs = append(macs, e.MAC)
	}
	r.guest.Follow(indexes, macs)
}

// noteReplugged tells whether there are matched NICs that were not there at the
// look before.
func (r *Reconciler) noteReplugged(pairs []pairing, known bool) (replugged bool) {
	if !known {
		r.indexes = nil
		return false
	}
	now := map[string]int{}
	for _, p := range pairs {
		if p.knows != plan.ENIMatched {
			continue
		}
		now[p.nic.ID()] = p.nic.Index
		if r.indexes != nil && r.indexes[p.nic.ID()] != p.nic.Index {
			replugged = true
		}
	}
	r.indexes = now
	return replugged
}

// noteForeign records what someone else changed since the last reconcile.
func (r *Reconciler) noteForeign(o *Outcome, subjects []*subject) {
	now := r.clock()
	for _, s := range subjects {
		if s.knows == plan.ENIUnknown || s.target.Excluded {
			continue
		}
		for _, f := range r.memory.observe(s.target.State, now) {
			r.recorder.ForeignChange(s.nic.Name, s.eni.ID, f.setting)
			change := Revert{s.nic.Name, s.eni.ID, f.setting, f.from, f.to}
			o.foreign = append(o.foreign, change)
			if f.revert {
				o.Reverts = append(o.Reverts, change)
			}
		}
	}
	r.memory.expire(now)
}

// plan decides every subject's settings from its state and the memory.
func (r *Reconciler) plan(subjects []*subject) {
	now := r.clock()
	targets := make([]plan.Target, len(subjects))
	for i, s := range subjects {
		s.target.Budget = r.memory.budgetLeft(s.nic.ID(), now)
		s.target.Items = nil
		for _, setting := range nic.Settings() {
			reading := s.target.State.Reading(setting)
			item := plan.Item{Setting: setting}
			if s.knows == plan.ENIMatched || s.knows == plan.ENIUndetermined {
				item.Wanted = resolve(s.rule, s.eni, setting, reading)
				item.Memory = r.memory.recall(s.nic.ID(), setting, item.Wanted, reading, now)
			}
			s.target.Items = append(s.target.Items, item)
		}
		targets[i] = s.target
	}
	for i, decisions := range plan.Diff(r.policy, targets) {
		subjects[i].decisions = decisions
	}
}

// write carries out what was decided and reads the NICs again. It tells whether
// it tried anything.
func (r *Reconciler) write(ctx context.Context, subjects []*subject) (wrote bool) {
	for _, s := range subjects {
		if ctx.Err() != nil {
			return wrote
		}
		if changes := changesOf(s.decisions); len(changes) > 0 {
			wrote = true
			r.writeOne(s, changes)
			r.progress()
		}
	}
	return wrote
}

func changesOf(decisions []plan.Decision) []nic.Change {
	var changes []nic.Change
	for _, d := range decisions {
		if d.Action == plan.Set {
			changes = append(changes, d.Change)
		}
	}
	return changes
}

// writeOne writes to one NIC and judges each change by what a new read says.
func (r *Reconciler) writeOne(s *subject, changes []nic.Change) {
	id, now := s.nic.ID(), r.clock()
	var spent []nic.Operation
	for _, ch := range changes {
		if op := ch.Setting.Operation(); !slices.Contains(spent, op) {
			spent = append(spent, op)
			r.memory.spend(id, now)
		}
	}
	before := s.target.State
	results := r.guest.Set(s.nic, changes)
	after, err := r.guest.Read(s.nic)
	if err != nil {
		s.gone = true // the next look tells
		return
	}
	s.nic, s.target.State = after.NIC, after
	for _, res := range results {
		r.judge(s, res, before.Reading(res.Setting), after.Reading(res.Setting))
	}
}

// judge notes what became of one change.
func (r *Reconciler) judge(s *subject, res nic.Result, before, after nic.Reading) {
	from := before.Current
	if from >= res.Value {
		from = before.Highest
	}
	verified := after.Err == nil && after.Current >= res.Value && (res.RaiseOnly || after.Highest <= res.Value)
	if verified {
		r.recorder.Changed(s.nic.Name, s.eni.ID, res.Setting, ChangeOK)
		if a, ok := s.applied[res.Setting]; ok {
			from = a.From
		}
		s.applied[res.Setting] = Applied{From: from, To: res.Value}
		return
	}
	if errors.Is(res.Err, nic.ErrUnsupported) {
		r.memory.unsupported(s.nic.ID(), res.Setting, before.Max)
		return
	}
	if res.Err == nil && after.Err == nil && r.memory.overwritten(s.nic.ID(), res.Setting, r.clock()) {
		r.recorder.Changed(s.nic.Name, s.eni.ID, res.Setting, ChangeRefused)
		r.recorder.ForeignChange(s.nic.Name, s.eni.ID, res.Setting)
		s.overwritten = append(s.overwritten, Revert{s.nic.Name, s.eni.ID, res.Setting, res.Value, after.Current})
		return
	}
	// The driver ignores it, or another program was quicker: that one may be done.
	words, busy := fmt.Sprintf("accepted %d and still has %d", res.Value, after.Current), res.Err == nil
	if after.Err != nil {
		words = fmt.Sprintf("accepted %d, but then: %v", res.Value, after.Err)
	}
	var kernel *nic.Error
	if errors.As(res.Err, &kernel) {
		words, busy = kernel.Reason(), errors.Is(kernel, nic.ErrBusy)
	}
	r.recorder.Changed(s.nic.Name, s.eni.ID, res.Setting, ChangeRefused)
	r.memory.refused(s.nic.ID(), res.Value, before.Max, res.Setting, words, busy, r.clock())
}
