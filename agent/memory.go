package agent

import (
	"math/rand/v2"
	"time"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// Budget bounds the writes to one NIC: at most Burst in any span of Per. Fast
// repeated channel changes have hung guests.
type Budget struct {
	Burst int
	Per   time.Duration
}

// contestedAfter is how many times within Budget.Per someone else must have
// changed a setting back before it is left alone.
const contestedAfter = 3

// A refused write is tried again after refusedFirst, doubling to refusedMost,
// with jitter. A busy device is worth a sooner try.
const (
	refusedFirst = 30 * time.Second
	busyFirst    = time.Second
	refusedMost  = time.Hour
)

// memory is what the agent remembers of its NICs between reconciles, by the
// address that identifies them, so that a rename or a new index loses nothing.
type memory struct {
	budget Budget
	jitter func() float64 // uniform in [0,1)
	nics   map[string]*nicMemory
}

type nicMemory struct {
	index    int  // interface index at the last look; another one is another device
	xdp      bool // an XDP program was attached at the last look
	lastSeen time.Time
	writes   []time.Time
	settings map[nic.Setting]*settingMemory
}

type settingMemory struct {
	seen       nic.Reading // at the end of the last reconcile
	known      bool        // seen is valid
	verified   bool        // seen was as wanted
	reverts    []time.Time // someone else changed it away from what was wanted
	refusal    refusal
	lackingMax int       // the maximum at which the driver had no operation to write it; 0 if it has one
	driftSince time.Time // zero while there is none
}

// refusal is a write that did not come true.
type refusal struct {
	words  string // "" for none
	value  int    // what was written
	max    int    // the NIC's maximum at the time
	tries  int
	notYet time.Time // no new try before this
}

func newMemory(b Budget) *memory {
	return &memory{budget: b, jitter: rand.Float64, nics: map[string]*nicMemory{}}
}

func (m *memory) nic(id string) *nicMemory {
	n := m.nics[id]
	if n == nil {
		n = &nicMemory{settings: map[nic.Setting]*settingMemory{}}
		m.nics[id] = n
	}
	return n
}

func (n *nicMemory) setting(s nic.Setting) *settingMemory {
	sm := n.settings[s]
	if sm == nil {
		sm = &settingMemory{}
		n.settings[s] = sm
	}
	return sm
}

// foreign is a change that someone else made.
type foreign struct {
	setting  nic.Setting
	from, to int
	// revert: what was changed was as wanted, and not yet contested.
	revert bool
}

// observe takes the first look of a reconcile at a NIC and gives what someone
// else changed since the last one.
func (m *memory) observe(st nic.State, now time.Time) (changed []foreign) {
	n := m.nic(st.ID())
	if n.index != st.Index { // hot-plugged again: a new device with its own start
		n.index = st.Index
		for _, sm := range n.settings {
			sm.known, sm.verified, sm.refusal, sm.lackingMax = false, false, refusal{}, 0
			sm.reverts = nil
		}
	}
	if n.xdp && !st.XDP { // what was refused for its sake may be taken now
		for _, sm := range n.settings {
			sm.refusal = refusal{}
		}
	}
	n.xdp, n.lastSeen = st.XDP, now
	for _, s := range nic.Settings() {
		r := st.Reading(s)
		sm := n.setting(s)
		if r.Err != nil || !sm.known || r == sm.seen {
			continue
		}
		if r.Current != sm.seen.Current || r.Highest != sm.seen.Highest {
			f := foreign{setting: s, from: sm.seen.Current, to: r.Current}
			if sm.verified {
				sm.reverts = append(within(sm.reverts, now, m.budget.Per), now)
				f.revert = len(sm.reverts) <= contestedAfter
			}
			changed = append(changed, f)
			sm.refusal = refusal{}
		}
		sm.seen, sm.verified = r, false
	}
	return changed
}

// budgetLeft is how many writes a NIC may still take.
func (m *memory) budgetLeft(id string, now time.Time) int {
	n := m.nic(id)
	n.writes = within(n.writes, now, m.budget.Per)
	return m.budget.Burst - len(n.writes)
}

// recall gives the planner what bears on writing a setting.
func (m *memory) recall(id string, s nic.Setting, wanted plan.Wanted, r nic.Reading, now time.Time) plan.Memory {
	sm := m.nic(id).setting(s)
	sm.reverts = within(sm.reverts, now, m.budget.Per)
	mem := plan.Memory{Contested: len(sm.reverts) >= contestedAfter, Unsupported: r.Max > 0 && sm.lackingMax == r.Max}
	f := sm.refusal
	if f.words != "" && f.value == min(wanted.Value, r.Max) && f.max == r.Max {
		mem.Retry = f.words
		if now.Before(f.notYet) {
			mem.Refused = f.words
		}
	}
	return mem
}

// spend notes one kernel write operation.
func (m *memory) spend(id string, now time.Time) {
	n := m.nic(id)
	n.writes = append(n.writes, now)
}

// refused notes that a write did not come true, and when to try again.
func (m *memory) refused(id string, value, maximum int, s nic.Setting, words string, busy bool, now time.Time) {
	f := &m.nic(id).setting(s).refusal
	if f.value != value || f.max != maximum {
		f.tries = 0
	}
	wait := refusedFirst
	if busy {
		wait = busyFirst
	}
	for range min(f.tries, 20) {
		wait = min(2*wait, refusedMost)
	}
	wait += time.Duration(m.jitter() * float64(wait) / 4)
	*f = refusal{words: words, value: value, max: maximum, tries: f.tries + 1, notYet: now.Add(wait)}
}

// overwritten takes a write that the kernel accepted and that was not to be seen
// at the next read. If others have changed the setting of late it was they, quicker
// than the read: it counts as one more change of theirs. Else it tells false.
func (m *memory) overwritten(id string, s nic.Setting, now time.Time) bool {
	sm := m.nic(id).setting(s)
	sm.reverts = within(sm.reverts, now, m.budget.Per)
	if len(sm.reverts) == 0 {
		return false
	}
	sm.reverts = append(sm.reverts, now)
	return true
}

// unsupported notes that the driver has no operation to write a setting; that
// holds for as long as the device lives with the same maximum.
func (m *memory) unsupported(id string, s nic.Setting, maximum int) {
	m.nic(id).setting(s).lackingMax = maximum
}

// settle ends a reconcile: what is seen now is the ground for the next one. It
// gives the time since which the setting drifts; while it is not determined what
// is wanted, an earlier time is not forgotten.
func (m *memory) settle(id string, d plan.Decision, r nic.Reading, determined bool, now time.Time) (driftSince time.Time) {
	sm := m.nic(id).setting(d.Setting)
	if r.Err == nil {
		sm.seen, sm.known = r, true
		sm.verified = d.Reason == plan.InSync || d.Reason == plan.DeviceMax && d.Action == plan.Report
	}
	if d.Reason == plan.InSync {
		sm.refusal = refusal{}
	}
	switch {
	case !d.Drift && !determined:
		return time.Time{}
	case !d.Drift:
		sm.driftSince = time.Time{}
	case sm.driftSince.IsZero():
		sm.driftSince = now
	default:
		if sm.driftSince = byClock(sm.driftSince, now); wallTime(sm.driftSince).After(wallTime(now)) {
			sm.driftSince = now // from a file, by a clock that was ahead
		}
	}
	return sm.driftSince
}

// nextRetry is the earliest time at which a refused, contested or held setting
// may be written again; zero if there is none.
func (m *memory) nextRetry(now time.Time) (at time.Time) {
	earlier := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, n := range m.nics {
		if len(n.writes) >= m.budget.Burst {
			earlier(n.writes[0].Add(m.budget.Per))
		}
		for _, sm := range n.settings {
			if sm.refusal.words != "" {
				earlier(sm.refusal.notYet)
			}
			if k := len(sm.reverts) - contestedAfter; k >= 0 {
				earlier(sm.reverts[k].Add(m.budget.Per))
			}
		}
	}
	return at
}

// expire forgets NICs that have not been seen for as long as their budget
// reaches back, so that unplugging and plugging in does not renew it.
func (m *memory) expire(now time.Time) {
	for id, n := range m.nics {
		if now.Sub(n.lastSeen) > m.budget.Per {
			delete(m.nics, id)
		}
	}
}

// within keeps the times that are not older than span. Times in the future, of
// a clock set back, count as now.
func within(times []time.Time, now time.Time, span time.Duration) []time.Time {
	keep := times[:0]
	for _, t := range times {
		if t.After(now) {
			t = now
		}
		if now.Sub(t) < span {
			keep = append(keep, t)
		}
	}
	return keep
}
