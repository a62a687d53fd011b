package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"golang.org/x/sync/errgroup"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/internal/footprint"
	"github.com/enitune/enitune/internal/page"
	"github.com/enitune/enitune/internal/plain"
	"github.com/enitune/enitune/internal/web"
	"github.com/enitune/enitune/metrics"
	"github.com/enitune/enitune/nic"
)

// service is the running daemon: what outlives a reload, and the generation that
// the configuration in force has made.
type service struct {
	path    string // of the configuration file
	load    func() (config.Config, error)
	profile string
	log     *slog.Logger
	metrics *metrics.Metrics
	systemd *systemd
	memory  *footprint.Keeper
	server  *web.Server

	reloads sync.Mutex // one reload at a time
	next    chan *generation

	mu      sync.Mutex
	current *generation
	pending *generation // handed over, and not in force as long as current has not ended
	refused error       // why the last reload changed nothing
}

// generation is the agent under one configuration. A reload builds another one
// whole before it ends the one that runs.
type generation struct {
	cfg      config.Config
	parts    *parts
	daemon   *agent.Daemon
	reported chan struct{} // closed with the first report
	takeOver func()        // called when it comes in force in place of another one
}

func newService(path string, load func() (config.Config, error), profile string, log *slog.Logger) (*service, error) {
	s := &service{path: path, load: load, profile: profile, log: log, systemd: newSystemd(log), memory: footprint.NewKeeper(), next: make(chan *generation)}
	s.metrics = metrics.New(s.report, build())
	cfg, err := load()
	if err != nil {
		return nil, err
	}
	footprint.Profile(cfg.Web.Pprof)
	if s.current, err = s.generation(cfg, nil); err != nil {
		return nil, err
	}
	if s.server, err = s.newServer(cfg.Web); err != nil {
		s.current.parts.handle.Close()
		return nil, err
	}
	s.metrics.ConfigLoaded(true, time.Now())
	return s, nil
}

// generation builds an agent that has not started. cloud is the one to go on with,
// or nil.
func (s *service) generation(cfg config.Config, cloud *agent.Cloud) (*generation, error) {
	p, err := assemble(cfg, s.profile, cloud, s.metrics, s.log, daemonAttempts)
	if err != nil {
		return nil, err
	}
	g := &generation{cfg: cfg, parts: p, reported: make(chan struct{})}
	first := sync.OnceFunc(func() { close(g.reported) })
	g.daemon = agent.NewDaemon(agent.DaemonOptions{
		Reconciler: p.reconciler, Recorder: s.metrics, Store: p.store, Cloud: p.cloud,
		Watchers: map[agent.Cause]agent.Watcher{
			agent.CauseLink:    nic.NewLinkWatcher(p.inventory),
			agent.CauseEthtool: nic.NewEthtoolWatcher(p.inventory),
		},
		Invalidate: p.inventory.Invalidate,
		SinceFile:  p.sinceFile, Since: p.since,
		StartsFile:      agent.StartsFile{Path: filepath.Join(cfg.StateDir, "starts.json")},
		ResyncInterval:  time.Duration(cfg.Reconcile.ResyncInterval),
		RefreshInterval: time.Duration(cfg.Cloud.RefreshInterval),
		Clock:           time.Now, Log: s.log,
		Reported: func(r agent.Report) {
			s.metrics.Keep(r)
			s.tell(r)
			first()
			s.memory.Worked()
		},
		Alive: s.systemd.alive, AliveEvery: s.systemd.every(),
	})
	return g, nil
}

// newServer opens the daemon's web side.
func (s *service) newServer(cfg config.Web) (*web.Server, error) {
	inherited, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take over the sockets passed by systemd: %w", err)
	}
	return web.New(web.Options{
		Listen: cfg.Listen, Inherited: inherited, ConfigFile: cfg.ConfigFile, SocketPath: socketPath(),
		Page:    page.New(s.report, page.Options{Version: build().Version}),
		Metrics: s.metrics.Handler(s.log), Log: s.log,
		Profiles: func() bool { return s.generationInForce().cfg.Web.Pprof },
		Refresh:  func() { s.generationInForce().daemon.Refresh() },
		Reload:   s.reload,
		Served:   s.memory.Worked,
		Status: func() ([]byte, error) {
			r, ok := s.report()
			if !ok {
				return nil, errors.New("no report yet: the first reconcile has not ended")
			}
			text, err := json.Marshal(r)
			return plain.JSON(text), err
		},
	})
}

// run serves and keeps the NICs in line until ctx ends.
func (s *service) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.server.Run(ctx) })
	g.Go(func() error { return s.runGenerations(ctx) })
	g.Go(func() error {
		return s.memory.Run(ctx, func(err error) { s.log.Debug("memory is not given back", "error", err) })
	})
	return g.Wait()
}

// runGenerations runs one generation after the other until ctx ends.
func (s *service) runGenerations(ctx context.Context) error {
	for current := s.generationInForce(); ; {
		next, err := runUntil(ctx, current, s.next)
		if err != nil || next == nil {
			return err
		}
		next.daemon.Succeed(current.daemon)
		next.takeOver()
		footprint.Profile(next.cfg.Web.Pprof)
		s.mu.Lock()
		s.current, s.pending, s.refused = next, nil, nil
		s.mu.Unlock()
		s.metrics.ConfigLoaded(true, time.Now())
		current = next
	}
}

// runUntil runs a generation until ctx ends or another one is to follow it.
func runUntil(ctx context.Context, g *generation, following <-chan *generation) (next *generation, err error) {
	defer g.parts.handle.Close()
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return g.daemon.Run(ctx) })
	group.Go(func() error {
		select {
		case <-ctx.Done():
		case next = <-following:
			stop()
		}
		return nil
	})
	err = group.Wait()
	return next, err
}

func (s *service) generationInForce() *generation {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// report is the last report, with what was wrong with the configuration that
// was refused last.
func (s *service) report() (agent.Report, bool) {
	s.mu.Lock()
	current, refused := s.current, s.refused
	s.mu.Unlock()
	if current == nil {
		return agent.Report{}, false
	}
	r, ok := current.daemon.Report()
	if refused != nil {
		r.Errors = slices.Clone(r.Errors)
		for line := range strings.Lines(refused.Error()) {
			r.Errors = append(r.Errors, agent.Problem{Component: agent.ComponentConfig, Class: eni.ClassInvalid.String(), Message: strings.TrimSpace(line)})
		}
	}
	return r, ok
}

// tell gives systemd its status line.
func (s *service) tell(r agent.Report) {
	s.mu.Lock()
	refused := s.refused
	s.mu.Unlock()
	status := statusLine(r)
	if refused != nil {
		status += "; the configuration on disk is refused, an older one is in force"
	}
	s.systemd.says(status)
}
