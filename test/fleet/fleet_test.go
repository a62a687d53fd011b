package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

// small is a fleet of a fortieth of the size, under a fortieth of the limit.
func small() options { return options{instances: 2500, limit: 20, seed: 1, newPace: agentPace} }

// bounds are what must hold of a scenario; zero is no bound.
type bounds struct {
	median, all time.Duration // until half of the instances, and all, have what they lacked
	calls       float64       // an instance
	busiest     int
	refused     float64 // an instance
	used        float64 // of the limit
	tools       float64 // of the other tools' calls, refused
	hour        float64 // of the limit, asked for in the busiest hour but the first
}

func TestFleetGetsThroughItsAccountsLimit(t *testing.T) {
	want := map[string]bounds{
		"steady minute":         {calls: 4.5, busiest: 6, refused: 0.02, used: 0.4},
		"first-day minute":      {all: 2 * time.Minute, calls: 5.5, busiest: 7, refused: 1e-9, hour: 0.8},
		"rollout minute":        {median: 80 * time.Minute, all: 10 * time.Hour, refused: 7, tools: 0.25},
		"rollout strict":        {median: 8 * time.Hour, all: day, refused: 10, tools: 0.4},
		"restart minute":        {median: 80 * time.Minute, all: 10 * time.Hour, refused: 7, tools: 0.25},
		"restart strict":        {median: 8 * time.Hour, all: day, refused: 10, tools: 0.4},
		"daemons minute":        {median: 90 * time.Minute, all: 10 * time.Hour, refused: 3.5, tools: 0.25},
		"daemons strict":        {median: 8 * time.Hour, all: day, refused: 6, tools: 0.4},
		"outage minute":         {median: 40 * time.Minute, all: 4 * time.Hour, refused: 0.1, tools: 0.05},
		"outage strict":         {median: 2 * time.Hour, all: 12 * time.Hour, refused: 0.5, tools: 0.1},
		"blackhole minute":      {median: 40 * time.Minute, all: 4 * time.Hour, refused: 0.1, tools: 0.05},
		"restart-outage minute": {median: 2 * time.Hour, all: 16 * time.Hour, refused: 1.5, tools: 0.15},
		"restart-outage strict": {median: 8 * time.Hour, all: day, refused: 4, tools: 0.4},
		"in-outage minute":      {calls: 0.5, refused: 0.05, used: 0.8},
		"metadata minute":       {calls: 0.5, refused: 0.05, used: 0.8},
		"crowded minute":        {calls: 5, refused: 1.5, tools: 0.3},
		"denied minute":         {calls: 14, refused: 8, used: 0.6},
	}
	for _, sc := range scenarios() {
		for _, r := range sc.readings {
			name := sc.name + " " + r.String()
			b, ok := want[name]
			delete(want, name)
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				if !ok {
					t.Fatal("no bounds for it")
				}
				check(t, simulate(small(), sc, r), b)
			})
		}
	}
	for name := range want {
		t.Errorf("there is no scenario %q", name)
	}
}

func check(t *testing.T, m *measurement, b bounds) {
	t.Helper()
	for percent, most := range map[int]time.Duration{50: b.median, 100: b.all} {
		if got, ok := m.after(percent); most > 0 && (!ok || got > most) {
			t.Errorf("%d %% of %d instances have what they lacked after %v (%v), want %v", percent, m.awaited, got, ok, most)
		}
	}
	if b.hour > 0 {
		if got := busiestHour(m) / float64(60*small().limit); got > b.hour {
			t.Errorf("%.2f of the limit is asked for in an hour, want at most %.2f", got, b.hour)
		}
	}
	for what, v := range map[string][2]float64{
		"calls an instance":    {m.perInstance(), b.calls},
		"calls of the busiest": {float64(m.busiest), float64(b.busiest)},
		"refused an instance":  {float64(m.refused) / float64(m.instances), b.refused},
		"share of the limit":   {m.taken(small().limit), b.used},
		"tools' calls refused": {m.toolsRefused(), b.tools},
	} {
		if got, most := v[0], v[1]; most > 0 && got > most {
			t.Errorf("%s: %.2f, want at most %.2f", what, got, most)
		}
	}
}

// busiestHour is the most describes in any hour but the first.
func busiestHour(m *measurement) float64 {
	most := 0
	for hour := range slices.Chunk(m.perMinute[describeENIs][60:], 60) {
		total := 0
		for _, n := range hour {
			total += n
		}
		most = max(most, total)
	}
	return float64(most)
}

// The comparison shows that the simulation can tell, and why the agent's backoff is
// no usual one.
func TestUsualBackoffLocksAFleetOutWhereRefusedCallsCount(t *testing.T) {
	t.Parallel()
	o := small()
	o.newPace = usualPace
	for _, sc := range scenarios() {
		if sc.name != "restart" {
			continue
		}
		sc.watch = 3 * time.Hour
		m := simulate(o, sc, strict)
		if len(m.arrivals) > m.awaited/100 || m.toolsRefused() < 0.99 {
			t.Errorf("%d of %d instances got an answer, %.0f %% of the other tools' calls were refused", len(m.arrivals), m.awaited, 100*m.toolsRefused())
		}
	}
}

func TestQuotaCountsByTheMinute(t *testing.T) {
	for r, want := range map[reading]string{byMinute: "++-- ++", strict: "++-- -- ++"} {
		q := newQuota(2, r)
		var got strings.Builder
		ask := func(at time.Duration) {
			if q.allow(at) {
				got.WriteByte('+')
			} else {
				got.WriteByte('-')
			}
		}
		for range 4 {
			ask(55 * time.Second)
		}
		got.WriteByte(' ')
		ask(65 * time.Second)
		ask(65 * time.Second)
		if r == strict {
			got.WriteByte(' ')
			ask(126 * time.Second)
			ask(126 * time.Second)
		}
		if got.String() != want {
			t.Errorf("%v: %s, want %s", r, got.String(), want)
		}
	}
}

func TestFleetPrintsALineForEachScenario(t *testing.T) {
	var out bytes.Buffer
	if err := run([]string{"-instances", "100", "-limit", "20", "-scenario", "steady,outage"}, &out); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(out.String(), "\n"); got != 5 {
		t.Errorf("%d lines, want 5:\n%s", got, out.String())
	}
	for _, args := range []string{"-scenario nothing", "-backoff other", "-limit 1", "-instances 0"} {
		if err := run(strings.Fields(args), &out); err == nil {
			t.Errorf("%s is accepted", args)
		}
	}
}
