package ecssim

import (
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxLog is how many requests the log keeps; the oldest go first.
const maxLog = 10_000

// Request is one entry of the request log.
type Request struct {
	Time   time.Time `json:"time"`
	Target Target    `json:"target"`
	Method string    `json:"method"`
	Path   string    `json:"path"`
	// Action and Params are those of the ECS API, without signature and
	// security token; the metadata service has none.
	Action string            `json:"action,omitempty"`
	Params map[string]string `json:"params,omitempty"`
	// Status is the HTTP status of the answer, 0 if there was none.
	Status int `json:"status"`
	// Code is the error code of the answer, "" for success.
	Code string `json:"code,omitempty"`
}

// Requests returns the request log, oldest first.
func (c *Cloud) Requests() []Request {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]Request{}, c.log...)
}

// ResetRequests empties the request log.
func (c *Cloud) ResetRequests() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.log = nil
}

// reply is an answer that is complete before its first byte is sent.
type reply struct {
	status      int
	code        string
	contentType string
	body        []byte
}

// call is a request on its way through the faults to its answer.
type call struct {
	entry  Request           // for the log, without time, status and code
	match  string            // what faults are matched with
	answer func() reply      // the true answer
	fail   func(Fault) reply // the answer that a fault puts in its place
}

// serve answers a request, with the fault that hits it, and logs it.
func (c *Cloud) serve(w http.ResponseWriter, r *http.Request, in call) {
	in.entry.Time = c.opts.Clock()
	fault, changed := c.takeFault(in.entry.Target, in.match)
	if !pause(r.Context(), fault.Delay) {
		c.abort(in.entry)
	}
	if fault.Processed && (fault.Hang || fault.Drop || fault.replaces()) {
		in.answer()
	}
	if fault.Hang {
		select {
		case <-r.Context().Done():
		case <-changed:
		}
	}
	if fault.Hang || fault.Drop {
		c.abort(in.entry)
	}
	answer := in.answer
	if fault.replaces() {
		answer = func() reply { return in.fail(fault) }
	}
	rep := answer()
	in.entry.Status, in.entry.Code = rep.status, rep.code
	c.record(in.entry)
	rep.send(w, fault.DropAfter)
}

// abort logs a request that gets no answer and closes its connection.
func (c *Cloud) abort(entry Request) {
	c.record(entry)
	panic(http.ErrAbortHandler)
}

func (c *Cloud) record(entry Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.log) >= maxLog {
		c.log = slices.Delete(c.log, 0, len(c.log)-maxLog+1)
	}
	c.log = append(c.log, entry)
}

// send writes the reply; with dropAfter only so many bytes of its body, and
// then it closes the connection.
func (rep reply) send(w http.ResponseWriter, dropAfter int) {
	h := w.Header()
	h.Set("Content-Type", rep.contentType)
	h.Set("Content-Length", strconv.Itoa(len(rep.body)))
	w.WriteHeader(rep.status)
	if dropAfter == 0 || dropAfter >= len(rep.body) {
		w.Write(rep.body) // the client may have gone away; there is nobody to tell
		return
	}
	w.Write(rep.body[:dropAfter])
	http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
