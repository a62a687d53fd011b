package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/internal/web"
	"github.com/enitune/enitune/metrics"
	"github.com/enitune/enitune/nic"
)

// daemonAttempts is 1 because the daemon's own schedule tries again.
const daemonAttempts = 1

// hardStop is when the daemon ends after SIGTERM whatever it is waiting for: a
// system call on a NIC cannot be interrupted.
const hardStop = 950 * time.Millisecond

func (a *app) runCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: keep the NICs in line and export metrics",
		Long: `run keeps the NICs in line until it gets SIGTERM or SIGINT, and serves /metrics,
/healthz, /readyz and /status. SIGHUP and "enitune refresh" read the desired
state anew.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config(cmd)
			if err != nil {
				return err
			}
			log, err := a.logger()
			if err != nil {
				return err
			}
			return runDaemon(cmd.Context(), cfg, a.profile, log)
		},
	}
}

func runDaemon(ctx context.Context, cfg config.Config, profile string, log *slog.Logger) error {
	context.AfterFunc(ctx, func() {
		time.AfterFunc(hardStop, func() { os.Exit(0) })
	})
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	var d *agent.Daemon
	tell := tellSystemd(log)
	m := metrics.New(func() (agent.Report, bool) { return d.Report() }, build())
	p, err := assemble(cfg, profile, m, log, daemonAttempts)
	if err != nil {
		return err
	}
	defer p.handle.Close()
	d = agent.NewDaemon(agent.DaemonOptions{
		Reconciler: p.reconciler, Recorder: m, Store: p.store, Cloud: p.cloud,
		Watchers: map[agent.Cause]agent.Watcher{
			agent.CauseLink:    nic.NewLinkWatcher(p.inventory),
			agent.CauseEthtool: nic.NewEthtoolWatcher(p.inventory),
		},
		Invalidate:      p.inventory.Invalidate,
		ResyncInterval:  time.Duration(cfg.Reconcile.ResyncInterval),
		RefreshInterval: time.Duration(cfg.Cloud.RefreshInterval),
		Clock:           time.Now, Log: log,
		Reported: func(r agent.Report) { m.Keep(r); tell(r) },
	})
	server, err := newServer(cfg.Web, d, m, log)
	if err != nil {
		return err
	}
	log.Info("enitune starts", "version", build().Version, "mode", cfg.Reconcile.Mode.String(), "listen", addresses(server))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return server.Run(ctx) })
	g.Go(func() error { return d.Run(ctx) })
	g.Go(func() error { return onHangup(ctx, hangup, log, d.Refresh) })
	err = g.Wait()
	log.Info("enitune ends; the NICs stay as they are")
	return err
}

// newServer opens the daemon's web side.
func newServer(cfg config.Web, d *agent.Daemon, m *metrics.Metrics, log *slog.Logger) (*web.Server, error) {
	reg, err := m.Registry(true)
	if err != nil {
		return nil, err
	}
	inherited, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take over the sockets passed by systemd: %w", err)
	}
	return web.New(web.Options{
		Listen: cfg.Listen, Inherited: inherited, ConfigFile: cfg.ConfigFile, SocketPath: socketPath(),
		Metrics: metricsHandler(reg), Log: log, Refresh: d.Refresh,
		Status: func() ([]byte, error) {
			r, ok := d.Report()
			if !ok {
				return nil, errors.New("no report yet: the first reconcile has not ended")
			}
			return json.Marshal(r)
		},
	})
}

func metricsHandler(reg *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

// onHangup calls f for each SIGHUP.
func onHangup(ctx context.Context, hangup <-chan os.Signal, log *slog.Logger, f func()) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			log.Info("SIGHUP: reading the desired state anew")
			f()
		}
	}
}

// tellSystemd reports readiness with the first report, and a status line with
// each one that says something new.
func tellSystemd(log *slog.Logger) func(agent.Report) {
	var last string
	return func(r agent.Report) {
		state := "STATUS=" + headline(r)
		if last == "" {
			state = daemon.SdNotifyReady + "\n" + state
		}
		if state == last {
			return
		}
		last = "STATUS=" + headline(r)
		if _, err := daemon.SdNotify(false, state); err != nil {
			log.Warn("cannot tell systemd", "error", err)
		}
	}
}

func addresses(s *web.Server) []string {
	var list []string
	for _, addr := range s.Addrs() {
		list = append(list, addr.String())
	}
	return list
}
