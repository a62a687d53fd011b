//go:build netns

package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// baseline is the configuration at rest. Its budget is short, so that a fight of
// seconds is over within seconds.
const baseline = `cloud: {timeout: 2s}
reconcile: {mode: enforce, shrink: true, resync_interval: 5s, change_budget: {burst: 20, per: 2s}}
`

// enis is how many there are, and rests how often all trouble is ended for a moment,
// in which the first daemon is measured.
const (
	enis  = 8
	rests = 40
)

// brief is the length below which a soak is not much more than the warm-up, so that
// three times as much growth is allowed.
const brief = 5 * time.Minute

// patience bounds the waits for what must come: the daemon asks the cloud out of turn
// once in half a minute.
const patience = 3 * time.Minute

// soak is a machine in trouble.
type soak struct {
	t           *testing.T
	rng         *rand.Rand
	cloud       *ecssim.Cloud
	cards       []*card
	here, there *netns.Namespace
	// first is as it is shipped, and lives through it all; second has the race
	// detector, and is killed again and again.
	first, second *daemon

	started time.Time
	steps   int
	pods    int // that have come and gone
	ongoing map[string]bool
	ends    []ending
	counts  map[string]int
	longest time.Duration // of a step
}

// ending is due after a step.
type ending struct {
	step int
	name string
	do   func()
}

func newSoak(t *testing.T, seed uint64) *soak {
	t.Helper()
	netns.Addr(t, "lo", world.MetadataAddress+"/32")
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	s := &soak{
		t: t, rng: rand.New(rand.NewPCG(seed, 0)), cloud: world.New(), here: netns.Current(t), there: netns.New(t),
		ongoing: map[string]bool{}, counts: map[string]int{},
	}
	ca, _ := world.Serve(t, s.cloud, world.MetadataAddress, "127.0.0.1")
	env := append(os.Environ(), "SSL_CERT_FILE="+ca, world.RaceOptions)
	for n := range enis {
		c := &card{number: n}
		s.cards = append(s.cards, c)
		s.give(c)
		s.try(c.plug(c.names()[0]))
	}
	s.first = newDaemon(t, os.Getenv(world.PlainKey), 10056, env)
	s.second = newDaemon(t, os.Getenv(world.BinaryKey), 10057, env)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the first daemon's log:\n%s\n\nof the second one's:\n%s", logTail(s.first), logTail(s.second))
		}
	})
	for _, d := range []*daemon{s.first, s.second} {
		d.configure(baseline)
		d.start()
		s.awaitUp(d)
	}
	return s
}

// try fails the test if something that must work does not.
func (s *soak) try(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("step %d: %v", s.steps, err)
	}
}

// give gives an ENI a queue number, as ModifyNetworkInterfaceAttribute does.
func (s *soak) give(c *card) {
	s.cloud.PutENI(world.ENI(c.eni(), c.mac(), 1+s.rng.IntN(offered)))
}

// present draws a NIC that is here; nil if that one is not.
func (s *soak) present() *card {
	c := s.cards[s.rng.IntN(len(s.cards))]
	if !c.plugged || c.away {
		return nil
	}
	return c
}

// ifPresent does something to a NIC that may have gone meanwhile. One that is away
// is not touched: it comes back as it went, but for being up.
func (s *soak) ifPresent(c *card, f func() error) {
	s.t.Helper()
	if c.plugged && !c.away {
		s.try(f())
	}
}

// either draws a daemon.
func (s *soak) either() *daemon { return []*daemon{s.first, s.second}[s.rng.IntN(2)] }

// restart ends the second daemon and starts it again, now and then in vain: then it is
// killed before it is up. It waits for it, as a signal before that would end it.
func (s *soak) restart(how syscall.Signal) {
	s.t.Helper()
	s.second.signal(syscall.SIGCONT)
	code := s.second.end(how)
	if how == syscall.SIGTERM && code != 0 && code != -1 { // -1: it had not yet come so far as to listen to signals
		s.t.Fatalf("the second daemon ended with %d", code)
	}
	s.second.configure(baseline) // by a broken one it would not start, and is not to
	if s.rng.IntN(2) == 0 {
		s.second.start()
		early := time.NewTimer(time.Duration(s.rng.IntN(100)) * time.Millisecond)
		<-early.C
		s.second.end(syscall.SIGKILL)
	}
	s.second.start()
	s.awaitUp(s.second)
}

// awaitUp waits until a daemon answers.
func (s *soak) awaitUp(d *daemon) {
	s.t.Helper()
	s.await("a daemon that was started answers", func() (bool, string) {
		if alive, how := d.alive(); !alive {
			s.t.Fatalf("step %d: a daemon ended as it started: %s\n%s", s.steps, how, logTail(d))
		}
		_, _, err := d.get("/healthz", "")
		return err == nil, fmt.Sprint(err)
	})
}

// command runs enitune beside the daemons. Its outcome is as the trouble has it; if it
// has not ended by then, end kills it.
func (s *soak) command(d *daemon, args ...string) (end func()) {
	s.t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(s.t.Context())
	cmd := d.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	s.try(cmd.Start())
	return func() {
		cancel()
		err := cmd.Wait()
		if text := out.String(); strings.Contains(text, "DATA RACE") || strings.Contains(text, "goroutine ") {
			s.t.Fatalf("enitune %v: %v\n%s", args, err, text)
		}
	}
}

// step makes some trouble, and ends what is over.
func (s *soak) step(all []trouble) {
	s.t.Helper()
	s.steps++
	s.endUntil(s.steps)
	total := 0
	for _, tr := range all {
		total += tr.weight
	}
	n := s.rng.IntN(total)
	at := slices.IndexFunc(all, func(tr trouble) bool { n -= tr.weight; return n < 0 })
	tr := all[at]
	lasts := 1 + s.rng.IntN(20) // steps
	if tr.once && s.ongoing[tr.name] {
		return
	}
	s.counts[tr.name]++
	if end := tr.begin(s); end != nil {
		s.ongoing[tr.name] = true
		s.ends = append(s.ends, ending{s.steps + lasts, tr.name, end})
	}
	for _, d := range []*daemon{s.first, s.second} {
		if alive, how := d.alive(); !alive {
			s.t.Fatalf("step %d, %s: a daemon has ended: %s\n%s", s.steps, tr.name, how, logTail(d))
		}
	}
}

// endUntil ends what is due by a step, in the order in which it began.
func (s *soak) endUntil(step int) {
	var rest []ending
	for _, e := range s.ends {
		if e.step > step {
			rest = append(rest, e)
			continue
		}
		e.do()
		s.ongoing[e.name] = false
	}
	s.ends = rest
}

// rest ends all trouble.
func (s *soak) rest() {
	const never = 1 << 60
	s.endUntil(never)
	s.cloud.ResetRequests()
}

// await asks again and again until check is content.
func (s *soak) await(what string, check func() (ok bool, state string)) {
	s.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		ok, state := check()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not within %v: %s; last: %s", patience, what, state)
		}
	}
}

func TestTheDaemonConvergesAndLeaksNothingAfterRandomTrouble(t *testing.T) {
	chosen := *seed
	if chosen == 0 {
		chosen = rand.Uint64()
	}
	t.Logf("seed %d, %v of trouble: make soak DURATION=%v SEED=%d", chosen, *duration, *duration, chosen)
	s := newSoak(t, chosen)
	s.started = time.Now()
	s.await("the first daemon's first report", func() (bool, string) { _, ok := s.first.report(); return ok, "" })
	samples := s.trouble(*duration)
	s.rest()
	t.Logf("%d steps, of which the longest took %v", s.steps, s.longest.Round(time.Millisecond))
	s.converged()
	samples = append(samples, s.measure(s.first))
	var text bytes.Buffer
	table(&text, samples)
	t.Logf("the daemon that lived through it:\n%s", &text)
	for _, name := range slices.Sorted(maps.Keys(s.counts)) {
		t.Logf("%6d × %s", s.counts[name], name)
	}
	s.judge(samples)
}

// trouble makes trouble for a time, with rests in which the first daemon is measured.
func (s *soak) trouble(span time.Duration) (samples []sample) {
	s.t.Helper()
	all := troubles()
	pause := time.NewTimer(0)
	defer pause.Stop()
	for rested := s.started; time.Since(s.started) < span; {
		<-pause.C
		begun := time.Now()
		s.step(all)
		s.longest = max(s.longest, time.Since(begun))
		pause.Reset(time.Duration(s.rng.IntN(40)) * time.Millisecond)
		if time.Since(rested) > span/rests {
			s.rest()
			samples = append(samples, s.measure(s.first))
			rested = time.Now()
		}
	}
	return samples
}

// converged proves that the first daemon, alone, brings every NIC to what its ENI
// says, that it heals what is changed afterwards, and that its state file is whole.
func (s *soak) converged() {
	s.t.Helper()
	if code := s.second.end(syscall.SIGTERM); code != 0 && code != -1 {
		s.t.Errorf("the second daemon ended with %d", code)
	}
	s.first.configure(baseline)
	s.first.signal(syscall.SIGHUP)
	s.inSync("the trouble is over")
	for _, c := range s.cards {
		s.try(setChannels(c.name, 1+(s.want(c)%offered)))
	}
	s.inSync("each NIC was changed")
	out, err := s.first.command(s.t.Context(), "plan", "--offline", "-o", "json").Output()
	var r agent.Report
	if err := json.Unmarshal(out, &r); err != nil {
		s.t.Fatalf("plan --offline: %v\n%s", err, out)
	}
	if err != nil || !r.InSync || r.Desired.Origin != agent.OriginCache || len(r.NICs) != enis {
		s.t.Errorf("by the state file alone: %v, %s", err, out)
	}
	litter, err := os.ReadDir(s.first.stateDir())
	s.try(err)
	for _, f := range litter {
		if !slices.Contains([]string{"state.json", "drift.json", "starts.json", "state.lock"}, f.Name()) {
			s.t.Errorf("%s was left in the state folder", filepath.Join(s.first.stateDir(), f.Name()))
		}
	}
}

// want is the queue number of a NIC's ENI.
func (s *soak) want(c *card) int {
	s.t.Helper()
	e, err := s.cloud.ENI(c.eni())
	s.try(err)
	return *e.QueueNumber
}

// inSync waits until the first daemon says that all is well, and checks its word.
func (s *soak) inSync(when string) {
	s.t.Helper()
	s.await(when+": all NICs are as their ENIs say", func() (bool, string) {
		r, ok := s.first.report()
		wrong := ""
		for _, c := range s.cards {
			if got, want := channels(s.t, c.name), s.want(c); got != want {
				wrong += fmt.Sprintf("%s has %d channels, want %d; ", c.name, got, want)
			}
		}
		return ok && r.InSync && !r.Desired.Stale && len(r.NICs) == enis && len(r.Unmatched) == 0 && wrong == "",
			fmt.Sprintf("%sin sync %t, stale %t, %d NICs, unmatched %v, errors %v", wrong, r.InSync, r.Desired.Stale, len(r.NICs), r.Unmatched, r.Errors)
	})
}

// judge fails the test if a figure has grown steadily.
func (s *soak) judge(samples []sample) {
	s.t.Helper()
	slack := 1.0
	if *duration < brief {
		slack = 3
	}
	for _, f := range figures() {
		allowed := slack * f.allowed
		list := make([]float64, len(samples))
		for i, sm := range samples {
			list[i] = f.of(sm)
		}
		leak, by := leaks(list, allowed)
		s.t.Logf("%-16s grew by %.0f, of %.0f allowed", f.name, by, allowed)
		if leak {
			s.t.Errorf("%s leaks: it grew steadily by %.0f, more than %.0f", f.name, by, allowed)
		}
	}
}
