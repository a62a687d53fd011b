package ecssim

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Target says which part of the cloud a request goes to.
type Target string

// The targets of requests and faults.
const (
	TargetECS      Target = "ecs"      // the RPC endpoint
	TargetMetadata Target = "metadata" // the metadata service, without its token
	TargetToken    Target = "token"    // PUT /latest/api/token
)

// Fault makes matching requests go wrong. Of several matching faults the
// first one acts. Delay comes first; then, with Processed, the request is carried
// out; then one of Hang, Drop, RawBody, Code, HTTPStatus (in this order) takes
// the place of the answer; with none of them the request is answered as ever.
// DropAfter cuts short what is answered.
type Fault struct {
	Target Target
	// Match is the action (ECS) or the path below /latest/ (metadata) that is
	// hit. A trailing * matches any rest, "" matches everything.
	Match string
	// Remaining is how many requests are hit; 0 means all until cleared.
	Remaining int
	// HTTPStatus of the answer; 0 means the status documented for Code, or
	// 200 with RawBody.
	HTTPStatus int
	// Code and Message make an error document of the ECS API.
	Code, Message string
	// RawBody is sent as it is.
	RawBody string
	// Delay is waited for first; it ends early when the client goes away.
	Delay time.Duration
	// Processed carries the request out before Hang, Drop, RawBody, Code or
	// HTTPStatus take the place of its answer: the client does not learn that
	// the change was made.
	Processed bool
	// Drop closes the connection without an answer.
	Drop bool
	// DropAfter closes the connection after so many bytes of the answer's
	// body, which was announced with its full length; 0 means not at all.
	DropAfter int
	// Hang answers nothing until the client goes away or the faults change;
	// then the connection is closed.
	Hang bool
}

// Validate reports what no fault can mean.
func (f Fault) Validate() error {
	switch f.Target {
	case TargetECS, TargetMetadata, TargetToken:
	default:
		return fmt.Errorf("fault: target %q: allowed are ecs, metadata, token", f.Target)
	}
	if f.Remaining < 0 || f.Delay < 0 || f.DropAfter < 0 {
		return fmt.Errorf("fault on %s: remaining, delay and drop_after must not be negative", f.Target)
	}
	if f.HTTPStatus != 0 && (f.HTTPStatus < 200 || f.HTTPStatus > 599) {
		return fmt.Errorf("fault on %s: http_status %d: allowed are 200 to 599", f.Target, f.HTTPStatus)
	}
	return nil
}

// matches says whether the fault hits a request; name is its action or path.
func (f Fault) matches(target Target, name string) bool {
	if f.Target != target {
		return false
	}
	if prefix, open := strings.CutSuffix(f.Match, "*"); open || f.Match == "" {
		return strings.HasPrefix(name, prefix)
	}
	return f.Match == name
}

// replaces says whether the fault takes the place of the answer.
func (f Fault) replaces() bool {
	return f.RawBody != "" || f.Code != "" || f.HTTPStatus != 0
}

// SetFaults replaces all faults. It panics on one that Validate refuses.
func (c *Cloud) SetFaults(faults ...Fault) {
	for _, f := range faults {
		if err := f.Validate(); err != nil {
			panic("ecssim: " + err.Error())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.faults = slices.Clone(faults)
	close(c.faultsChanged)
	c.faultsChanged = make(chan struct{})
}

// ClearFaults ends all faults.
func (c *Cloud) ClearFaults() { c.SetFaults() }

// Faults returns the faults still in force, with what remains of them.
func (c *Cloud) Faults() []Fault {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.faults)
}

// takeFault returns the fault that hits a request, counting it, and a channel
// that is closed when the faults change.
func (c *Cloud) takeFault(target Target, name string) (Fault, <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(c.faults, func(f Fault) bool { return f.matches(target, name) })
	if i < 0 {
		return Fault{}, c.faultsChanged
	}
	f := c.faults[i]
	switch f.Remaining {
	case 0:
	case 1:
		c.faults = slices.Delete(c.faults, i, i+1)
	default:
		c.faults[i].Remaining--
	}
	return f, c.faultsChanged
}

// pause waits for d; false if the request ended first.
func pause(ctx context.Context, d time.Duration) bool {
	if d == 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// injected renders a fault of the ECS endpoint.
func (c *Cloud) injected(region string, f Fault) reply {
	if f.RawBody != "" || f.Code == "" {
		return plainFault(f)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return errorReply(c.requestID(), region, f.HTTPStatus, &apiError{code: code(f.Code), message: f.Message})
}

// plainFault renders a fault without an error document.
func plainFault(f Fault) reply {
	status := cmp.Or(f.HTTPStatus, http.StatusOK)
	r := reply{status: status, code: f.Code, contentType: "text/plain; charset=utf-8", body: []byte(f.RawBody)}
	if f.RawBody == "" {
		r = page(status)
		r.code = f.Code
	}
	return r
}
