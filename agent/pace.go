package agent

import (
	"context"
	"errors"
	"time"

	"github.com/enitune/enitune/eni"
)

// Pace decides when the cloud is read next. The queue number of an ENI can only
// change while its instance is stopped or it is detached, so that a few reads a day
// are enough; and all instances of an account share its limits with the account's
// other tools, so that a failure is a reason to make room. test/fleet simulates what
// becomes of these numbers in a fleet.
//
// A Pace is for one goroutine.
type Pace struct {
	interval time.Duration
	boot     string
	random   func() float64 // uniform in [0,1)
	window   time.Duration  // of the last failure; zero after a success
	stretch  float64        // of the interval, 1 to mostStretch
	regular  bool           // the next read is one of those that follow each other at the interval
	asked    bool           // a read was asked for, and none has succeeded since
	read     bool           // a read has succeeded since the start
}

// NewPace makes the pace of an instance that starts. interval is the time between
// two reads where all is well, boot the boot id or "" if it is not known, random
// uniform in [0,1).
func NewPace(interval time.Duration, boot string, random func() float64) *Pace {
	return &Pace{interval: interval, boot: boot, random: random, stretch: 1}
}

// While a failure lasts, each pause is a random time from a quarter of a window to
// the whole of it, and the window doubles, from its least to its most. So the
// cloud is read again at the latest about twice as long after the failure began as
// the failure lasts. The random part spreads a fleet that failed at once; with
// pauses down to zero, a fleet ends later and makes more calls.
const (
	leastWindow          = 2 * time.Second
	leastThrottledWindow = 2 * time.Minute  // calls are counted by the minute
	leastConfirmedWindow = 30 * time.Minute // an outage of an hour costs a fleet three calls for one
	mostUnknownWindow    = 15 * time.Minute
	mostWindow           = 2 * time.Hour
	// mostThrottledWindow is long enough for the calls of 100,000 instances to fit
	// into a tenth of the account's limit: they must not come faster than what is left
	// of it, as refused calls may count too.
	mostThrottledWindow = 24 * time.Hour
)

// mostStretch bounds how much longer than configured the interval gets where even
// regular reads are refused for the number of calls.
const mostStretch = 4

// need says what hangs on the next read.
type need int

const (
	_ need = iota
	// needUnknown: no desired state is known, or not of every ENI, so that a NIC
	// stands as the driver made it.
	needUnknown
	// needUnconfirmed: what is known was read in another boot, since which an ENI
	// can have been changed, or something has happened that the cloud may know of.
	needUnconfirmed
	// needConfirmed: it was read in this boot.
	needConfirmed
)

// failure is a kind of failed read, by what kind of pause it calls for.
type failure int

const (
	_ failure = iota
	// failureNone: the read succeeded, whole.
	failureNone
	// failureUnreachable: nobody answered, or one who could not. It passes by itself.
	failureUnreachable
	// failureRefused: the cloud refuses, or does not tell all, until somebody changes
	// something: a permission, a key, the configuration.
	failureRefused
	// failureThrottled: the account makes too many calls; perhaps this fleet does.
	failureThrottled
)

// windows gives the least and the most of a failure's window.
func (p *Pace) windows(f failure, n need) (least, most time.Duration) {
	least, most = leastWindow, p.interval
	switch f {
	case failureNone, failureRefused: // what is refused for good is asked for at last as often as all is
	case failureUnreachable:
		most = min(mostWindow, p.interval)
		if n == needUnknown {
			most = min(mostUnknownWindow, p.interval)
		}
	case failureThrottled:
		least, most = leastThrottledWindow, max(mostThrottledWindow, p.interval)
	}
	if n == needConfirmed {
		least = leastConfirmedWindow
	}
	return min(least, p.interval), most
}

// Asked tells that the read that comes next was asked for out of turn: something has
// happened, so that the failures before it mean little.
func (p *Pace) Asked() { p.window, p.regular, p.asked = 0, false, true }

// First gives the pause before the first read, of a daemon that was started so many
// times within startsWithin: none, unless it starts over and over and has a desired
// state of this boot to go on with.
func (p *Pace) First(starts int, known Desired) time.Duration {
	if starts <= mostStarts || p.need(known) != needConfirmed {
		return 0
	}
	return min(leastConfirmedWindow/4+time.Duration(p.random()*float64(leastConfirmedWindow*3/4)), p.interval)
}

// Read makes the next read. A regular one relies on more of what is known.
func (p *Pace) Read(ctx context.Context, c *Cloud, known Desired) FetchResult {
	if p.read && !p.asked {
		return c.Refresh(ctx, known)
	}
	return c.Fetch(ctx, known)
}

// Next gives the pause after a read that gave res. known is the desired state in
// force after it, zero if there is none.
func (p *Pace) Next(res FetchResult, known Desired) time.Duration {
	f := failureOf(res)
	if f == failureNone {
		return p.succeeded()
	}
	if f == failureThrottled && p.regular {
		p.stretch = min(mostStretch, 2*p.stretch)
	}
	p.regular = false
	least, most := p.windows(f, p.need(known))
	p.window = min(max(least, 2*p.window), most)
	if f == failureRefused && p.window == most {
		return p.aboutInterval()
	}
	pause := p.window/4 + time.Duration(p.random()*float64(p.window*3/4))
	return max(pause, min(retryAfter(res.APIErr), mostThrottledWindow))
}

// retryAfter is how long the cloud told to wait; 0 if it did not.
func retryAfter(err error) time.Duration {
	if cloud, ok := errors.AsType[*eni.Error](err); ok {
		return cloud.RetryAfter
	}
	return 0
}

// succeeded gives the pause after a success. The first one after a start or a failure
// is any part of the interval, since a fleet may have started or recovered at once.
func (p *Pace) succeeded() time.Duration {
	regular := p.regular
	p.window, p.regular, p.asked, p.read = 0, true, false, true
	if !regular {
		return time.Duration(float64(p.interval) * (0.1 + p.random()))
	}
	p.stretch = max(1, 0.9*p.stretch)
	return time.Duration(float64(p.aboutInterval()) * p.stretch)
}

// aboutInterval is the interval give or take a tenth.
func (p *Pace) aboutInterval() time.Duration {
	return time.Duration(float64(p.interval) * (0.9 + 0.2*p.random()))
}

// succeed goes on where another pace left off.
func (p *Pace) succeed(old *Pace) {
	p.window, p.stretch, p.asked = old.window, old.stretch, old.asked
}

func (p *Pace) need(known Desired) need {
	switch {
	case known.InstanceID == "" || known.lacks():
		return needUnknown
	case p.asked || p.boot == "" || known.Boot != p.boot:
		return needUnconfirmed
	default:
		return needConfirmed
	}
}

// failureOf sorts the outcome of a read.
func failureOf(res FetchResult) failure {
	switch {
	case res.Throttled:
		return failureThrottled
	case res.APIErr == nil && !res.Incomplete:
		return failureNone
	case res.APIErr == nil:
		return failureRefused
	}
	cloud, ok := errors.AsType[*eni.Error](res.APIErr)
	if !ok || cloud.HTTPStatus == 0 {
		return failureUnreachable // such as for want of credentials, which makes no call
	}
	switch cloud.Class {
	case eni.ClassThrottled:
		return failureThrottled
	case eni.ClassDenied, eni.ClassCredentials, eni.ClassNotFound, eni.ClassInvalid, eni.ClassState, eni.ClassQuota, eni.ClassUnsupported:
		return failureRefused
	case eni.ClassRetry, eni.ClassServer, eni.ClassNetwork, eni.ClassMalformed, eni.ClassCanceled:
		return failureUnreachable
	default:
		return failureUnreachable
	}
}
