package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/internal/webconfig"
)

// Change is another set of TCP listeners: open, and not yet in force. Either
// Commit or Discard ends it.
type Change struct {
	server *Server
	listen []string    // the addresses wanted
	next   []*endpoint // all that the server is to have
	fresh  []*endpoint // of these, the new ones
	gone   []*endpoint // of the present ones, those that end
}

// Prepare opens what the server lacks for serving the addresses of listen under
// the web configuration configFile, and changes nothing of what it serves. An
// address that stays is not closed in between, and neither is one that the new
// ones overlap with, such as :10056 and localhost:10056. Inherited listeners
// take the place of listen. Errors are those of New.
func (s *Server) Prepare(listen []string, configFile string) (*Change, error) {
	config, err := webconfig.Read(configFile)
	if err != nil {
		return nil, err
	}
	if config.Warning != "" {
		s.log.Warn(config.Warning, "component", "config")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.unprotected(config); err != nil {
		return nil, err
	}
	if len(s.o.Inherited) > 0 {
		listen = nil
	}
	c := &Change{server: s, listen: listen}
	for _, address := range listen {
		if err := c.want(address, config); err != nil {
			c.Discard()
			return nil, err
		}
	}
	for _, e := range s.endpoints {
		switch {
		case slices.Contains(c.next, e):
		case e.kind == kindInherited && e.config != config:
			if err := c.replace(e, config); err != nil {
				c.Discard()
				return nil, err
			}
		case e.kind == kindTCP:
			c.gone = append(c.gone, e)
		default:
			c.next = append(c.next, e)
		}
	}
	return c, nil
}

// unprotected refuses a web configuration that takes TLS and passwords away without
// saying so: a file that is being written at this moment may hold nothing yet.
func (s *Server) unprotected(next webconfig.Config) error {
	for _, e := range s.endpoints {
		if next.Path != "" && !next.Protects && e.config.Path == next.Path && e.config.Protects {
			return fmt.Errorf("web.config_file: %s asks for neither TLS nor a password, and what is in force does; to serve without them set web.config_file to \"\"", next.Path)
		}
	}
	return nil
}

// want has an address served: by the endpoint that does so already, or by a new
// one.
func (c *Change) want(address string, config webconfig.Config) error {
	for _, e := range c.server.endpoints {
		switch {
		case e.kind != kindTCP || e.address != address:
		case slices.Contains(c.next, e):
			return nil
		case e.config == config:
			c.next = append(c.next, e)
			return nil
		default:
			return c.replace(e, config)
		}
	}
	l, err := c.open(address)
	if err != nil {
		return listenError(address, err)
	}
	c.add(kindTCP, address, l, config)
	return nil
}

func (c *Change) add(k kind, address string, l net.Listener, config webconfig.Config) {
	e := c.server.endpoint(k, l, config)
	e.address = address
	c.next, c.fresh = append(c.next, e), append(c.fresh, e)
}

// replace serves an endpoint's socket under another web configuration: its
// socket is duplicated, so that it goes on listening when the old one is closed.
func (c *Change) replace(e *endpoint, config webconfig.Config) error {
	filer, ok := e.open.(interface{ File() (*os.File, error) })
	if !ok {
		return fmt.Errorf("web.config_file: the socket at %s cannot change its web configuration; restart the daemon", e.open.Addr())
	}
	f, err := filer.File()
	if err != nil {
		return fmt.Errorf("web.listen: %s: duplicate the socket: %w", e.open.Addr(), err)
	}
	defer f.Close()
	l, err := net.FileListener(f)
	if err != nil {
		return fmt.Errorf("web.listen: %s: duplicate the socket: %w", e.open.Addr(), err)
	}
	if e.kind == kindInherited {
		c.gone = append(c.gone, e)
	}
	c.add(e.kind, e.address, l, config)
	return nil
}

// open opens a TCP address. Where a socket that is going away is in the way, as
// that of :10056 is of localhost:10056, the two share the port for a moment.
func (c *Change) open(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if !errors.Is(err, syscall.EADDRINUSE) {
		return l, err
	}
	var going []syscall.Conn
	for _, e := range slices.Concat(c.server.endpoints, c.fresh) {
		conn, ok := e.open.(syscall.Conn)
		if !ok || e.kind != kindTCP || !samePort(e.open.Addr(), address) {
			continue
		}
		if slices.Contains(c.listen, e.address) && overlap(e.open.Addr(), address) {
			return nil, fmt.Errorf("it overlaps with %s, which is in the list, too; keep one of the two", e.address)
		}
		going = append(going, conn)
	}
	if len(going) == 0 {
		return nil, err
	}
	for _, conn := range going {
		if sharePort(conn, true) != nil {
			return nil, err
		}
		// Closed soon, or listening on alone: it is not to be joined by others.
		defer func() { _ = sharePort(conn, false) }()
	}
	shared := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error { return setReusePort(raw, 1) }}
	if l, err = shared.Listen(context.Background(), "tcp", address); err != nil {
		return nil, err
	}
	return l, sharePort(l.(*net.TCPListener), false)
}

func samePort(have net.Addr, address string) bool {
	want, err := net.ResolveTCPAddr("tcp", address)
	tcp, ok := have.(*net.TCPAddr)
	return ok && err == nil && tcp.Port == want.Port
}

// overlap tells whether two addresses of one port can take the same connections:
// they are the same, or one of them is for all.
func overlap(have net.Addr, address string) bool {
	want, err := net.ResolveTCPAddr("tcp", address)
	tcp, ok := have.(*net.TCPAddr)
	if !ok || err != nil {
		return false
	}
	return len(want.IP) == 0 || want.IP.IsUnspecified() || tcp.IP.IsUnspecified() || want.IP.Equal(tcp.IP)
}

// sharePort lets another socket of this user take the port of conn, or no longer.
func sharePort(conn syscall.Conn, share bool) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	value := 0
	if share {
		value = 1
	}
	return setReusePort(raw, value)
}

func setReusePort(raw syscall.RawConn, value int) error {
	var err error
	if controlErr := raw.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, value) }); controlErr != nil {
		return controlErr
	}
	return err
}

// Commit puts the change in force. Answers under way on listeners that end get
// half a second to finish.
func (c *Change) Commit() {
	s := c.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		c.Discard()
		return
	}
	s.endpoints = c.next
	// The old ones first: a socket that was duplicated must not be accepted from
	// under both configurations.
	for _, e := range c.gone {
		close(e.stop)
		_ = e.open.Close()
	}
	for _, e := range c.fresh {
		if s.start != nil {
			s.start(e)
		}
	}
}

// Any tells whether there is anything to change.
func (c *Change) Any() bool { return len(c.fresh) > 0 || len(c.gone) > 0 }

// Discard closes what Prepare opened.
func (c *Change) Discard() {
	for _, e := range c.fresh {
		_ = e.open.Close()
	}
}
