package agent

import (
	"errors"
	"testing"
	"time"

	"github.com/enitune/enitune/eni"
)

// steady is a Pace whose random numbers are all alike.
func steady(random float64) *Pace {
	return NewPace(6*time.Hour, "boot", func() float64 { return random })
}

// The outcomes of a read.
var (
	good       = FetchResult{}
	incomplete = FetchResult{Incomplete: true}
)

func failed(c eni.Class, status int) FetchResult {
	return FetchResult{APIErr: &eni.Error{Class: c, HTTPStatus: status}, Throttled: c == eni.ClassThrottled}
}

// What is known after it.
func knownIn(boot string) Desired { return Desired{InstanceID: "i-1", Boot: boot} }

func unresolved() Desired {
	d := knownIn("boot")
	d.ENIs = []ENI{{ID: "eni-1", Unresolved: "not known"}}
	return d
}

func TestRegularReadsComeAtTheInterval(t *testing.T) {
	for _, tt := range []struct{ random, first, later float64 }{{0, 0.6, 5.4}, {0.5, 3.6, 6}, {1, 6.6, 6.6}} {
		p := steady(tt.random)
		for n, want := range []float64{tt.first, tt.later, tt.later} {
			if got := p.Next(good, knownIn("boot")).Hours(); got < want-0.001 || got > want+0.001 {
				t.Errorf("read %d with %v: %v h, want %v", n+1, tt.random, got, want)
			}
		}
	}
}

func TestReadsAreSpreadOverTheIntervalAfterAFailureAndWhenAskedFor(t *testing.T) {
	for name, disturb := range map[string]func(p *Pace){
		"failure": func(p *Pace) { p.Next(failed(eni.ClassServer, 500), knownIn("boot")) },
		"asked":   func(p *Pace) { p.Asked() },
	} {
		p := steady(0)
		p.Next(good, knownIn("boot"))
		disturb(p)
		if got := p.Next(good, knownIn("boot")); got > time.Hour {
			t.Errorf("%s: a fleet to which this happened at once comes again at once, from %v on", name, got)
		}
	}
}

func TestBackoffFollowsTheFailureAndTheNeed(t *testing.T) {
	network, server := failed(eni.ClassNetwork, 0), failed(eni.ClassServer, 503)
	denied, noKeys, badKeys := failed(eni.ClassDenied, 403), failed(eni.ClassCredentials, 0), failed(eni.ClassCredentials, 400)
	throttled := failed(eni.ClassThrottled, 400)
	const h = time.Hour
	for name, tt := range map[string]struct {
		res         FetchResult
		known       Desired
		first, last time.Duration // the longest pauses
	}{
		"nothing known, no network":      {network, Desired{}, 2 * time.Second, 15 * time.Minute},
		"nothing known, outage":          {server, Desired{}, 2 * time.Second, 15 * time.Minute},
		"nothing known, no credentials":  {noKeys, Desired{}, 2 * time.Second, 15 * time.Minute},
		"nothing known, not asked":       {FetchResult{APIErr: errUnasked}, Desired{}, 2 * time.Second, 15 * time.Minute},
		"nothing known, denied":          {denied, Desired{}, 2 * time.Second, 6*h + 36*time.Minute},
		"nothing known, bad credentials": {badKeys, Desired{}, 2 * time.Second, 6*h + 36*time.Minute},
		"nothing known, throttled":       {throttled, Desired{}, 2 * time.Minute, 24 * h},
		"an ENI unknown, throttled":      {throttled, unresolved(), 2 * time.Minute, 24 * h},
		"an ENI unknown, incomplete":     {incomplete, unresolved(), 2 * time.Second, 6*h + 36*time.Minute},
		"after a boot, no network":       {network, knownIn("earlier"), 2 * time.Second, 2 * h},
		"after a boot, throttled":        {throttled, knownIn("earlier"), 2 * time.Minute, 24 * h},
		"known, no network":              {network, knownIn("boot"), 30 * time.Minute, 2 * h},
		"known, denied":                  {denied, knownIn("boot"), 30 * time.Minute, 6*h + 36*time.Minute},
		"known, incomplete":              {incomplete, knownIn("boot"), 30 * time.Minute, 6*h + 36*time.Minute},
		"known, throttled":               {throttled, knownIn("boot"), 30 * time.Minute, 24 * h},
	} {
		p := steady(1)
		first := p.Next(tt.res, tt.known)
		if second := p.Next(tt.res, tt.known); second != 2*first {
			t.Errorf("%s: pauses of at most %v and %v, want them to double", name, first, second)
		}
		var last time.Duration
		for range 20 {
			last = p.Next(tt.res, tt.known)
		}
		if first != tt.first || last != tt.last {
			t.Errorf("%s: pauses of at most %v to %v, want %v to %v", name, first, last, tt.first, tt.last)
		}
		shortest := steady(0)
		if got := shortest.Next(tt.res, tt.known); got < tt.first/4 {
			t.Errorf("%s: a pause of %v, want at least %v", name, got, tt.first/4)
		}
	}
}

func TestBackoffNeverExceedsAShortInterval(t *testing.T) {
	for _, res := range []FetchResult{failed(eni.ClassNetwork, 0), failed(eni.ClassServer, 500)} {
		p := NewPace(time.Minute, "boot", func() float64 { return 1 })
		for range 20 {
			if got := p.Next(res, knownIn("boot")); got > time.Minute {
				t.Fatalf("%v between reads at an interval of a minute", got)
			}
		}
	}
}

func TestBackoffGoesOnWhereAnOutageTurnsIntoThrottling(t *testing.T) {
	p := steady(1)
	var outage time.Duration
	for range 15 {
		outage = p.Next(failed(eni.ClassServer, 500), Desired{})
	}
	if got := p.Next(failed(eni.ClassThrottled, 400), Desired{}); got != 2*outage {
		t.Errorf("the first throttled pause is %v after %v", got, outage)
	}
	p.Asked()
	if got := p.Next(failed(eni.ClassThrottled, 400), Desired{}); got != leastThrottledWindow {
		t.Errorf("after something asked: %v, want %v", got, leastThrottledWindow)
	}
	p.Next(good, knownIn("boot"))
	if got := p.Next(failed(eni.ClassThrottled, 400), knownIn("earlier")); got != leastThrottledWindow {
		t.Errorf("after a success: %v, want %v", got, leastThrottledWindow)
	}
}

func TestIntervalStretchesWhileRegularReadsAreThrottled(t *testing.T) {
	p := steady(0.5)
	regular := func() (pause time.Duration) {
		for range 2 { // the first one after a failure is no regular one
			pause = p.Next(good, knownIn("boot"))
		}
		return pause
	}
	before := regular()
	for range 10 {
		p.Next(failed(eni.ClassThrottled, 400), knownIn("boot"))
		regular()
	}
	p.Next(failed(eni.ClassThrottled, 400), knownIn("boot"))
	if got := regular(); got < 3*before || got > mostStretch*before {
		t.Errorf("%v between reads that are throttled time and again, want %d times %v or a little less", got, mostStretch, before)
	}
	var after time.Duration
	for range 20 {
		after = p.Next(good, knownIn("boot"))
	}
	if after != before {
		t.Errorf("%v between reads long after, want %v", after, before)
	}
	fleet := steady(0.5)
	for range 10 { // as a start of many at once
		fleet.Next(failed(eni.ClassThrottled, 400), Desired{})
	}
	fleet.Next(good, knownIn("boot"))
	if got := fleet.Next(good, knownIn("boot")); got != before {
		t.Errorf("%v between reads after a throttled start, want %v", got, before)
	}
}

func TestBackoffWaitsAsLongAsTheCloudTells(t *testing.T) {
	p := steady(0)
	told := FetchResult{APIErr: &eni.Error{Class: eni.ClassThrottled, HTTPStatus: 429, RetryAfter: 10 * time.Minute}, Throttled: true}
	if got := p.Next(told, Desired{}); got != 10*time.Minute {
		t.Errorf("%v, want 10m", got)
	}
	told.APIErr = &eni.Error{Class: eni.ClassServer, HTTPStatus: 503, RetryAfter: 1000 * time.Hour}
	if got := p.Next(told, Desired{}); got > 24*time.Hour {
		t.Errorf("%v, want a day at the most", got)
	}
}

func TestWhatIsNoAnswerOfTheCloudPassesByItself(t *testing.T) {
	for _, res := range []FetchResult{{APIErr: errors.New("other")}, failed(eni.ClassMalformed, 200), failed(eni.ClassRetry, 409)} {
		if got := failureOf(res); got != failureUnreachable {
			t.Errorf("%v: kind %d", res.APIErr, got)
		}
	}
}
