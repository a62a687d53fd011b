// Package conntrack stands in for github.com/mwitkow/go-conntrack, by a replace
// directive in the go.mod of enitune. prometheus/common/config imports that one for
// its HTTP clients, which enitune does not use; with it come golang.org/x/net/trace
// and html/template, whose use of reflection keeps the linker from leaving out any
// exported method of any type: a quarter of the binary. A build without the
// replacement works as well and is larger by that much.
package conntrack

import (
	"context"
	"net"
)

type dial func(ctx context.Context, network, addr string) (net.Conn, error)

// Option changes a dial function.
type Option func(*dial)

// DialWithTracing would trace connections; here it changes nothing.
func DialWithTracing() Option { return func(*dial) {} }

// DialWithName would name what is traced; here it changes nothing.
func DialWithName(string) Option { return func(*dial) {} }

// DialWithDialContextFunc sets what dials.
func DialWithDialContextFunc(f func(context.Context, string, string) (net.Conn, error)) Option {
	return func(d *dial) { *d = f }
}

// NewDialContextFunc gives the dial function of the options, the standard library's
// by default.
func NewDialContextFunc(options ...Option) func(context.Context, string, string) (net.Conn, error) {
	d := dial((&net.Dialer{}).DialContext)
	for _, o := range options {
		o(&d)
	}
	return d
}
