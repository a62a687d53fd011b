// Package web is the daemon's HTTP side: the metrics, the report and the health
// of the agent, over TCP with optional TLS and basic authentication, and over a
// Unix socket for the local status command.
package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/enitune/enitune/internal/webconfig"
)

// The limits keep slow or hostile clients from holding the agent's memory.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 10 * time.Second
	writeTimeout      = 10 * time.Second
	reloadTimeout     = 30 * time.Second // the same on the Unix socket, where a reload is waited for
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10
	maxConnections    = 256 // per listener
	// shutdownGrace is how long Run waits for answers under way when its
	// context ends; the daemon promises to end within a second.
	shutdownGrace = 500 * time.Millisecond
	// lastRequests is how long a listener that ends is given to read the requests
	// of connections that it has accepted; net/http drops them afterwards.
	lastRequests = 250 * time.Millisecond
	// maxStreams are the requests at a time on one HTTP/2 connection.
	maxStreams = 16
)

// Options are what New needs.
type Options struct {
	// Listen are TCP addresses, host:port. Without any there is no TCP listener.
	Listen []string
	// Inherited are listeners of systemd's socket activation. If there are any
	// they are used in place of Listen. The Server closes them.
	Inherited []net.Listener
	// ConfigFile is a Prometheus web configuration (TLS, basic authentication)
	// that holds for all but the Unix socket, or "".
	ConfigFile string
	// SocketPath is a Unix socket that every local user may read, without TLS
	// or authentication, or "" for none. Its folder must exist. One that can't
	// be made is logged and left out, unless another daemon serves it.
	SocketPath string
	// Page serves /.
	Page http.Handler
	// Metrics serves /metrics, uncompressed.
	Metrics http.Handler
	// Status returns the JSON document of /status, and why the agent is not
	// ready, or nil. The document may be nil where there is none yet.
	Status func() (body []byte, ready error)
	// Profiles tells whether the profiles below /debug/pprof/ are served; nil for
	// never.
	Profiles func() bool
	// Refresh asks for the desired state to be read anew, without waiting for
	// it; nil for a server that has none to ask. Only the Unix socket offers it
	// and Reload, and only to root and the server's own user.
	Refresh func()
	// Reload reads the configuration anew, and returns when it is in force, with
	// a line that says what changed, or why it is refused; nil for a server that
	// cannot.
	Reload func(ctx context.Context) (string, error)
	// Served is called when a connection rests after an answer, or is closed; it may
	// be nil.
	Served func()
	// Log receives what happens; nil discards it.
	Log *slog.Logger
}

// Server holds open listeners until Run has served them.
type Server struct {
	o   Options
	log *slog.Logger

	mu        sync.Mutex
	endpoints []*endpoint
	start     func(*endpoint) // serves an endpoint; nil while Run is not serving
	closed    bool            // Run has ended
}

// endpoint is one listener with a server of its own: the toolkit's Serve
// changes the server that it is given, so two listeners can't share one.
type endpoint struct {
	kind     kind
	address  string       // of Options.Listen
	open     net.Listener // as it was opened
	listener net.Listener // the same, with a bound on its connections
	server   *http.Server
	config   webconfig.Config // none on the Unix socket
	ended    chan struct{}    // closed when no answer is under way any more
	stop     chan struct{}    // closed when it is to end before the others
}

// kind is where a listener comes from. The zero value is invalid.
type kind int

const (
	kindTCP       kind = iota + 1 // Options.Listen
	kindInherited                 // Options.Inherited
	kindUnix                      // Options.SocketPath
)

// New opens the listeners, so that an address in use is one error before
// anything else starts. Errors wrap those of the system, such as
// syscall.EADDRINUSE, or ErrServed; then nothing is left open but what was
// inherited.
func New(o Options) (*Server, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Served == nil {
		o.Served = func() {}
	}
	s := &Server{o: o, log: o.Log}
	config, err := webconfig.Read(o.ConfigFile)
	if err != nil {
		return nil, err
	}
	for _, l := range o.Inherited {
		s.endpoints = append(s.endpoints, s.endpoint(kindInherited, l, config))
	}
	c, err := s.Prepare(o.Listen, o.ConfigFile)
	if err != nil {
		return nil, err
	}
	c.Commit()
	if o.SocketPath == "" {
		return s, nil
	}
	l, err := listenUnix(o.SocketPath)
	switch {
	case errors.Is(err, ErrServed):
		if len(o.Inherited) == 0 {
			s.closeListeners()
		}
		return nil, err
	case err != nil:
		o.Log.Warn("the status socket is left out", "error", err)
	default:
		s.endpoints = append(s.endpoints, s.endpoint(kindUnix, l, webconfig.Config{}))
	}
	return s, nil
}

func (s *Server) endpoint(k kind, open net.Listener, config webconfig.Config) *endpoint {
	handler, limited := newHandler(s.o), open
	if k == kindUnix {
		handler, limited = newSocketHandler(s.o), peerListener{open}
	}
	e := &endpoint{
		kind: k, open: open, listener: newLimitListener(limited, maxConnections),
		config: config, stop: make(chan struct{}), ended: make(chan struct{}),
		server: &http.Server{
			Handler: answering(compress(handler)),
			ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
				return withPeer(withConn(ctx, conn), conn)
			},
			ConnState: func(_ net.Conn, state http.ConnState) {
				if state == http.StateIdle || state == http.StateClosed {
					s.o.Served()
				}
			},
			ReadHeaderTimeout: readHeaderTimeout,
			ReadTimeout:       readTimeout,
			WriteTimeout:      writeTimeout,
			IdleTimeout:       idleTimeout,
			MaxHeaderBytes:    maxHeaderBytes,
			HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
			// What a client does wrong, such as speaking HTTP to TLS, is no
			// concern of the operator's by default.
			ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		},
	}
	// Any local user may open the Unix socket: idle connections are not to take
	// the place of root's.
	e.server.SetKeepAlivesEnabled(k != kindUnix)
	if k == kindUnix {
		e.server.WriteTimeout = reloadTimeout
	}
	return e
}

// Addrs are the addresses of the listeners, the Unix socket's last.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]net.Addr, len(s.endpoints))
	for i, e := range s.endpoints {
		addrs[i] = e.listener.Addr()
	}
	return addrs
}

// Run serves until ctx ends, and then returns nil: answers under way get half a
// second to finish, then every connection is closed. It returns an error when a
// listener fails. Run may be called once.
func (s *Server) Run(ctx context.Context) error {
	defer s.closeListeners()
	group, ctx := errgroup.WithContext(ctx)
	s.mu.Lock()
	s.start = func(e *endpoint) {
		group.Go(func() error { return e.serve(s.log) })
		group.Go(func() error {
			defer close(e.ended)
			select {
			case <-ctx.Done():
			case <-e.stop: // its listener is closed
				select {
				case <-ctx.Done():
				case <-time.After(lastRequests):
				}
			}
			return e.shutdown()
		})
	}
	for _, e := range s.endpoints {
		s.start(e)
	}
	s.mu.Unlock()
	group.Go(func() error { // keeps Run waiting where there is no listener at all
		<-ctx.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.start = nil
		return nil
	})
	return group.Wait()
}

// closeListeners also ends those that Run has not come to serve. A second close
// of a listener is harmless.
func (s *Server) closeListeners() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	for _, e := range s.endpoints {
		_ = e.listener.Close()
	}
}

// serve answers requests until shutdown.
func (e *endpoint) serve(log *slog.Logger) error {
	addr := e.listener.Addr()
	var err error
	if e.config.Path == "" {
		log.Info("serving", "network", addr.Network(), "address", addr.String())
		err = e.server.Serve(e.listener)
	} else {
		err = e.serveConfigured(log)
	}
	select {
	case <-e.stop: // closed by a change
		return nil
	default:
	}
	if err == nil || errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("web: serving %s: %w", addr, err)
}

// serveConfigured serves under the web configuration as it was found valid.
func (e *endpoint) serveConfigured(log *slog.Logger) error {
	frozen, err := e.config.Freeze()
	if err != nil {
		return err
	}
	defer frozen.Close()
	path := frozen.Name()
	err = toolkit.Serve(e.listener, e.server, &toolkit.FlagConfig{WebConfigFile: &path}, log)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		<-e.ended // until then requests are answered by what the file says
	}
	return err
}

// shutdown ends serve: gracefully, or at once for the clients that are not
// served within shutdownGrace. That some were cut off is no error.
func (e *endpoint) shutdown() error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	err := e.server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = e.server.Close()
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("web: closing %s: %w", e.listener.Addr(), err)
	}
	return nil
}
