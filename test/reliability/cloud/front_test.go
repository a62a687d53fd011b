//go:build netns

package cloud

import (
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/enitune/enitune/test/netns"
)

// front is an address at which a part of the cloud is found, and what goes wrong
// there. All of its methods are safe for concurrent use.
type front struct {
	t       *testing.T
	ns      *netns.Namespace
	address string // IP address and port
	server  *http.Server
	queue   chan net.Conn // accepted, for the server
	ended   chan struct{}
	wg      sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while connections are refused
	conns    map[net.Conn]struct{}
	raw      func(net.Conn)
	wrap     wrapper
	requests int // and connections that got no further
}

// wrapper answers a request in place of next, or has next answer it.
type wrapper func(w http.ResponseWriter, r *http.Request, next http.Handler)

// newFront serves handler at an address in the namespace, with TLS if there is a
// configuration for it, until the test ends.
func newFront(t *testing.T, ns *netns.Namespace, address string, handler http.Handler, config *tls.Config) *front {
	t.Helper()
	f := &front{t: t, ns: ns, address: address, queue: make(chan net.Conn), ended: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	f.server = &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, handler) }),
		TLSConfig:         config,
		ReadHeaderTimeout: patience,
		ErrorLog:          log.New(io.Discard, "", 0), // broken connections are the point
	}
	f.wg.Go(func() {
		if config != nil {
			_ = f.server.ServeTLS(handedOver{f}, "", "")
		} else {
			_ = f.server.Serve(handedOver{f})
		}
	})
	f.up()
	t.Cleanup(func() {
		close(f.ended)
		f.down()
		_ = f.server.Close()
		f.wg.Wait()
	})
	return f
}

func (f *front) serve(w http.ResponseWriter, r *http.Request, next http.Handler) {
	f.mu.Lock()
	wrap := f.wrap
	f.requests++
	f.mu.Unlock()
	if wrap != nil {
		wrap(w, r, next)
		return
	}
	next.ServeHTTP(w, r)
}

// up accepts connections.
func (f *front) up() {
	var l net.Listener
	var err error
	f.ns.Do(func() { l, err = net.Listen("tcp", f.address) })
	if err != nil {
		f.t.Errorf("listen on %s: %v", f.address, err)
		return
	}
	f.mu.Lock()
	f.listener = l
	f.mu.Unlock()
	f.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.take(c)
		}
	})
}

// take hands a connection to the server, or to what stands in its place.
func (f *front) take(c net.Conn) {
	f.mu.Lock()
	raw := f.raw
	f.conns[c] = struct{}{}
	if raw != nil {
		f.requests++
	}
	f.mu.Unlock()
	if raw != nil {
		f.wg.Go(func() {
			raw(c)
			_ = c.Close()
		})
		return
	}
	select {
	case f.queue <- c:
	case <-f.ended:
		_ = c.Close()
	}
}

// down refuses connections and resets those there are.
func (f *front) down() {
	f.mu.Lock()
	l := f.listener
	f.listener = nil
	f.mu.Unlock()
	if l != nil {
		_ = l.Close()
	}
	f.reset()
}

// reset resets all connections.
func (f *front) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.conns {
		if t, ok := c.(*net.TCPConn); ok {
			_ = t.SetLinger(0)
		}
		_ = c.Close()
		delete(f.conns, c)
	}
}

// answer has all requests answered by wrap; nil ends that. A connection that is
// kept alive does not outlive it.
func (f *front) answer(wrap wrapper) {
	f.mu.Lock()
	f.wrap = wrap
	f.mu.Unlock()
	f.reset()
}

// connect has all connections served by raw; nil ends that.
func (f *front) connect(raw func(net.Conn)) {
	f.mu.Lock()
	f.raw = raw
	f.mu.Unlock()
	f.reset()
}

// heal ends what goes wrong.
func (f *front) heal() {
	f.mu.Lock()
	f.raw, f.wrap = nil, nil
	up := f.listener != nil
	f.mu.Unlock()
	f.reset()
	if !up {
		f.up()
	}
}

// count is how many requests came so far.
func (f *front) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests
}

// handedOver is the listener of a front's server.
type handedOver struct{ f *front }

func (l handedOver) Accept() (net.Conn, error) {
	select {
	case c := <-l.f.queue:
		return c, nil
	case <-l.f.ended:
		return nil, net.ErrClosed
	}
}

func (l handedOver) Close() error { return nil }

func (l handedOver) Addr() net.Addr { return &net.TCPAddr{} }

// Ways to serve a connection.

// silent takes what comes and answers nothing.
func silent(c net.Conn) { _, _ = io.Copy(io.Discard, c) }

// sends answers with a text, whatever comes.
func sends(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.ReadAtLeast(c, make([]byte, 1), 1)
		_, _ = io.WriteString(c, text)
	}
}

// drips sends a text, and then a byte every so often.
func drips(text string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.ReadAtLeast(c, make([]byte, 1), 1)
		_, err := io.WriteString(c, text)
		for tick := time.NewTicker(100 * time.Millisecond); err == nil; <-tick.C {
			_, err = io.WriteString(c, "x")
		}
	}
}

// floods sends a text, and then another one without end.
func floods(text, more string) func(net.Conn) {
	return func(c net.Conn) {
		_, _ = io.ReadAtLeast(c, make([]byte, 1), 1)
		_, err := io.WriteString(c, text)
		for err == nil {
			_, err = io.WriteString(c, more)
		}
	}
}

// Ways to answer a request.

// says answers with a status, a content type and a body.
func says(status int, contentType, body string) wrapper {
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		if contentType != "" {
			w.Header().Set("Content-Type", contentType)
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// trickles answers with a byte every so often.
func trickles(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/json")
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := io.WriteString(w, " ")
		if err != nil || http.NewResponseController(w).Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

// pours answers with a body that has no end.
func pours(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	w.Header().Set("Content-Type", "application/json")
	chunk := make([]byte, 64<<10)
	for i := range chunk {
		chunk[i] = ' '
	}
	for r.Context().Err() == nil {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
}
