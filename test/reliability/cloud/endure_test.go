//go:build netns

package cloud

import (
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/world"
)

// fault is something that goes wrong with a source, so that nothing can be
// learned of the ENIs. end is for what heal does not undo; it may be nil.
type fault struct {
	name   string
	begin  func(h *host)
	end    func(h *host)
	source agent.Component
	class  string
	says   string // a regular expression that the message matches
	more   string // of the section cloud of the configuration
}

// endureEach has each fault endured by an instance of its own.
func endureEach(t *testing.T, faults []fault) {
	t.Parallel()
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			newHost(t, f.more).endure(f)
		})
	}
}

// most requests and connections that one attempt to read the cloud may cost
// (where no answer is paged), and the shortest time from one to the next.
const (
	mostRequests  = 12
	leastInterval = 250 * time.Millisecond
)

// endure injects a fault twice: into a guest that knows nothing, and into one that
// knows what its ENIs were given.
func (h *host) endure(f fault) {
	h.t.Helper()
	f.begin(h)
	r, code := h.apply()
	if !h.tells(r, f) {
		h.t.Errorf("apply tells of %s: %+v\nwant class %s, %s", f.source, source(r, f.source), f.class, f.says)
	}
	if code != agent.ExitError || h.channels() != 1 || h.state() != "" {
		h.t.Errorf("apply that knows nothing: exit %d, %d channels, state %q", code, h.channels(), h.state())
	}
	h.heal(f)

	h.start(os.Getenv(world.PlainKey))
	h.awaitChannels(good)
	h.await("the state is known", func(r agent.Report) bool { return r.InSync })
	known := h.state()

	f.begin(h)
	began, before := time.Now(), h.asked()
	h.refresh()
	h.await("the fault is told: "+f.class+", "+f.says, func(r agent.Report) bool {
		return h.tells(r, f) && (f.source != agent.ComponentAPI || r.Desired.Stale)
	})
	if up := h.metric(`enitune_source_up{source="` + string(f.source) + `"}`); up != 0 {
		h.t.Errorf("enitune_source_up is %v", up)
	}
	h.setChannels(1)
	h.awaitChannels(good)
	r = h.await("the repair is told", func(r agent.Report) bool { return queues(r).Current == good })
	if q := queues(r); q.Desired != good || q.Drift {
		h.t.Errorf("during the fault: %+v", q)
	}
	if now := h.state(); now != known {
		h.t.Errorf("the state on disk became\n%s\nfrom\n%s", now, known)
	}
	attempts := 8 + time.Since(began)/leastInterval
	if asked := h.asked() - before; asked > int(attempts)*mostRequests {
		h.t.Errorf("%d requests within %v", asked, time.Since(began))
	}

	h.heal(f)
	h.await("it recovers by itself", func(r agent.Report) bool { return r.InSync && r.Desired.Origin == agent.OriginAPI && !r.Desired.Stale })
	if h.channels() != good {
		h.t.Errorf("%d channels after the fault", h.channels())
	}
}

// tells checks whether a report tells the fault, as the health of its source and
// among the errors.
func (h *host) tells(r agent.Report, f fault) bool {
	s := source(r, f.source)
	return !s.Up && s.Class == f.class && regexp.MustCompile(f.says).MatchString(s.Error) &&
		slices.Contains(r.Errors, agent.Problem{Component: f.source, Message: s.Error, Class: s.Class})
}

// heal ends a fault.
func (h *host) heal(f fault) {
	h.t.Helper()
	if f.end != nil {
		f.end(h)
	}
	h.metadata.heal()
	h.ecs.heal()
	h.names.tell(answersA(ecsAddress))
	h.cloud.ClearFaults()
}

// asked counts the requests to the whole cloud, and those that did not reach it.
func (h *host) asked() int {
	return h.metadata.count() + h.ecs.count() + int(h.metric("enitune_api_requests_total{"))
}
