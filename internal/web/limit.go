package web

import (
	"container/list"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"sync"
)

// limitListener bounds the connections that are open at a time. One more takes
// the place of the one that has been idle, or slow with its request, for longest:
// clients that open connections and say nothing keep nobody else out, as they do
// where a new one has to wait. While all are being answered, a new one is closed.
type limitListener struct {
	net.Listener
	most int

	mu    sync.Mutex
	conns *list.List // of *limitedConn, the longest without an answer first
}

func newLimitListener(l net.Listener, most int) *limitListener {
	return &limitListener{Listener: l, most: most, conns: list.New()}
}

// limitedConn is one of the connections.
type limitedConn struct {
	net.Conn
	of      *limitListener
	place   *list.Element // nil once it is closed
	answers int           // being made for it
}

// Accept implements net.Listener.
func (l *limitListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &limitedConn{Conn: conn, of: l}
		evicted, ok := l.admit(c)
		if evicted != nil {
			_ = evicted.Close()
		}
		if ok {
			return c, nil
		}
		_ = conn.Close()
	}
}

// admit gives a connection a place, and names the one that has to make room.
func (l *limitListener) admit(c *limitedConn) (evicted *limitedConn, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.conns.Len() >= l.most {
		if evicted = l.unanswered(); evicted == nil {
			return nil, false
		}
		l.remove(evicted)
	}
	c.place = l.conns.PushBack(c)
	return evicted, true
}

// unanswered is the connection that has been without an answer for longest; nil
// if all are being answered.
func (l *limitListener) unanswered() *limitedConn {
	for e := l.conns.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*limitedConn); c.answers == 0 {
			return c
		}
	}
	return nil
}

func (l *limitListener) remove(c *limitedConn) {
	if c.place != nil {
		l.conns.Remove(c.place)
		c.place = nil
	}
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.of.mu.Lock()
	c.of.remove(c)
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// answer notes that an answer begins, until done.
func (c *limitedConn) answer() (done func()) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.answers++
	return func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.answers--
		if c.place != nil {
			c.of.conns.MoveToBack(c.place)
		}
	}
}

type connKey struct{}

// withConn is an http.Server's ConnContext: it lets answering find the connection
// of a request.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	if c, ok := conn.(*limitedConn); ok {
		return context.WithValue(ctx, connKey{}, c)
	}
	return ctx
}

// answering keeps a connection from being closed for another one while it is
// answered.
func answering(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*limitedConn); ok {
			defer c.answer()()
		}
		next.ServeHTTP(w, r)
	})
}
