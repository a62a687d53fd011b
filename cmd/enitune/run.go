package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/internal/doctor"
	"github.com/enitune/enitune/internal/footprint"
	"github.com/enitune/enitune/internal/logging"
	"github.com/enitune/enitune/internal/web"
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
/healthz, /readyz and /status. SIGHUP and "enitune reload" read the configuration
and the desired state anew, "enitune refresh" the desired state alone.`,
		Example: `  systemctl enable --now enitune    # the usual way
  enitune run --log-level debug     # in the foreground, to look at it`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			// Without it the death of whatever reads the log would be the daemon's.
			signal.Ignore(syscall.SIGPIPE)
			lines := logging.NewQueue()
			log, err := a.queuedLogger(lines)
			if err != nil {
				return err
			}
			defer lines.Start()()
			load := func() (config.Config, error) { return a.config(cmd) }
			return runDaemon(cmd.Context(), a.configPath, load, a.profile, log)
		},
	}
}

func runDaemon(ctx context.Context, path string, load func() (config.Config, error), profile string, log *slog.Logger) error {
	context.AfterFunc(ctx, func() {
		time.AfterFunc(hardStop, func() { os.Exit(0) })
	})
	footprint.Hold()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	s, err := newService(path, load, profile, log)
	if err != nil {
		return err
	}
	log.Info("enitune starts", "version", build().Version, "mode", s.current.cfg.Reconcile.Mode.String(), "listen", addresses(s.server))
	if os.Geteuid() == 0 {
		// Another user cannot look into NetworkManager's files; for the daemon of
		// enitune.service its ExecStartPre= does.
		doctor.LogRivals(log, doctor.ReadRivals(os.DirFS("/")), mayLower(s.current.cfg))
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.run(ctx) })
	g.Go(func() error {
		return onHangup(ctx, hangup, func() {
			log.Info("SIGHUP: reading the configuration and the desired state anew")
			_, _ = s.reload(ctx) // it is in the log
		})
	})
	err = g.Wait()
	log.Info("enitune ends; the NICs stay as they are")
	return err
}

func addresses(s *web.Server) string {
	var list []string
	for _, addr := range s.Addrs() {
		list = append(list, addr.String())
	}
	return strings.Join(list, " ")
}
