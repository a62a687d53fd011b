package agent

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// kernel is a model of a guest's NICs. It is safe for concurrent use.
type kernel struct {
	mu     sync.Mutex
	states map[int]nic.State
	// answer decides what a write returns and whether it is applied; nil
	// accepts all.
	answer  func(ch nic.Change) (err error, applied bool)
	listErr error
	writes  []string
}

func newKernel(states ...nic.State) *kernel {
	k := &kernel{states: map[int]nic.State{}}
	for _, st := range states {
		k.states[st.Index] = st
	}
	return k
}

// eth is a virtio NIC eth<index> with queues out of max and rings of ring out of
// 1024.
func eth(index, queues, most, ring int) nic.State {
	return nic.State{
		NIC:      nic.NIC{Index: index, Name: fmt.Sprintf("eth%d", index), MAC: mac(index), Parent: fmt.Sprintf("virtio%d", index)},
		Driver:   "virtio_net",
		Channels: nic.Channels{Max: nic.ChannelCounts{Combined: most}, Current: nic.ChannelCounts{Combined: queues}},
		Rings:    nic.Rings{Max: nic.RingSizes{RX: 1024, TX: 1024}, Current: nic.RingSizes{RX: ring, TX: ring}},
	}
}

func mac(index int) string { return fmt.Sprintf("00:16:3e:00:00:%02x", index) }

func (k *kernel) NICs(context.Context) ([]nic.NIC, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []nic.NIC
	for _, st := range k.states {
		list = append(list, st.NIC)
	}
	slices.SortFunc(list, func(a, b nic.NIC) int { return a.Index - b.Index })
	return list, k.listErr
}

func (k *kernel) Read(n nic.NIC) (nic.State, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	st, ok := k.states[n.Index]
	if !ok {
		return nic.State{}, &nic.Error{Device: n.Name, Op: "read", Kind: nic.ErrGone, Errno: unix.ENODEV}
	}
	return st, nil
}

func (k *kernel) Set(n nic.NIC, changes []nic.Change) []nic.Result {
	var results []nic.Result
	for _, ch := range changes {
		var err error
		applied := true
		if k.answer != nil {
			err, applied = k.answer(ch)
		}
		k.mu.Lock()
		k.writes = append(k.writes, fmt.Sprintf("%s %s %d", n.Name, ch.Setting, ch.Value))
		k.mu.Unlock()
		if applied {
			k.foreign(n.Index, ch.Setting, ch.Value)
		}
		results = append(results, nic.Result{Change: ch, Err: err})
	}
	return results
}

func (k *kernel) Follow([]int, []string) {}

// foreign changes a setting as another program would.
func (k *kernel) foreign(index int, s nic.Setting, value int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	st := k.states[index]
	switch s {
	case nic.Queues:
		st.Channels.Current.Combined = value
	case nic.RxRing:
		st.Rings.Current.RX = value
	case nic.TxRing:
		st.Rings.Current.TX = value
	}
	k.states[index] = st
}

func (k *kernel) unplug(index int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.states, index)
}

func (k *kernel) plug(st nic.State) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.states[st.Index] = st
}

// written takes the writes since the last call.
func (k *kernel) written() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.writes
	k.writes = nil
	return w
}

// tally is a Recorder that counts.
type tally struct {
	mu      sync.Mutex
	changed map[ChangeResult]int
	foreign int
	causes  []string
	repairs int
}

func (t *tally) Reconciled(trigger string, _ bool, _ time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.causes = append(t.causes, trigger)
}

// reconciles counts the reconciles so far.
func (t *tally) reconciles() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.causes)
}

func (t *tally) Repaired(time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.repairs++
}

func (t *tally) Changed(_, _ string, _ nic.Setting, result ChangeResult) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.changed == nil {
		t.changed = map[ChangeResult]int{}
	}
	t.changed[result]++
}

func (t *tally) ForeignChange(_, _ string, _ nic.Setting) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.foreign++
}

// clock is a clock that stands still unless told.
type clock struct{ now time.Time }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) Now() time.Time { return c.now }

// apiENI is an ENI for the NIC of an index, with queues from the API.
func apiENI(index, queues int) ENI {
	return ENI{ID: fmt.Sprintf("eni-%d", index), MAC: mac(index), Type: "Secondary", Status: "InUse",
		Values: []Value{{nic.Queues, queues, plan.API}}}
}

// viewOf is a fresh view of an instance with the given ENIs.
func viewOf(enis ...ENI) View {
	return View{Known: true, Enabled: true, Origin: Origin{Origin: OriginAPI},
		Desired: Desired{InstanceID: "i-1", Region: "cn-hangzhou", InstanceType: "ecs.g7.xlarge", ENIs: enis},
		Sources: []SourceHealth{{Source: "metadata", Up: true}, {Source: "api", Up: true}}}
}

// bench is a Reconciler on a model kernel.
type bench struct {
	*Reconciler
	kernel *kernel
	tally  *tally
	clock  *clock
}

func newBench(k *kernel, change func(*ReconcilerOptions)) bench {
	b := bench{kernel: k, tally: &tally{}, clock: newClock()}
	o := ReconcilerOptions{
		Guest: k, Policy: plan.Policy{Writable: nic.Settings()}, Budget: Budget{Burst: 4, Per: 10 * time.Minute},
		Cloud: true, Recorder: b.tally, Clock: b.clock.Now,
	}
	if change != nil {
		change(&o)
	}
	b.Reconciler = NewReconciler(o)
	b.memory.jitter = func() float64 { return 0 }
	return b
}

// Reconcile gives the report alone.
func (b bench) Reconcile(ctx context.Context, view View, write bool) Report {
	return b.Reconciler.Reconcile(ctx, view, write).Report
}

// reasons gives what a report says, "device setting: reason".
func reasons(r Report) []string {
	list := []string{}
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			list = append(list, fmt.Sprintf("%s %s: %s", n.Device, s.Setting, s.Reason))
		}
	}
	return list
}

// reason gives the reason of one setting.
func reason(r Report, device string, s nic.Setting) string {
	for _, n := range r.NICs {
		for _, st := range n.Settings {
			if n.Device == device && st.Setting == s {
				return st.Reason.String()
			}
		}
	}
	return "absent"
}
