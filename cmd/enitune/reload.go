package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/internal/web"
)

// reload reads the configuration anew. When it returns without an error, the
// file's content is in force and the desired state is being read anew. The error
// wraps web.ErrPending where that is not so yet and may come; with any other one
// nothing has changed. It gives a line that says what changed.
func (s *service) reload(ctx context.Context) (string, error) {
	s.reloads.Lock()
	defer s.reloads.Unlock()
	defer s.systemd.reloading()()
	changed, err := s.reconfigure(ctx)
	if errors.Is(err, web.ErrPending) {
		s.log.Warn(err.Error(), "component", "config")
		return "", err
	}
	s.mu.Lock()
	s.refused = err
	s.mu.Unlock()
	s.metrics.ConfigLoaded(err == nil, time.Now())
	if r, ok := s.report(); ok {
		s.tell(r)
	}
	if err != nil {
		for line := range strings.Lines(err.Error()) {
			s.log.Error("configuration refused, the old one stays in force: "+strings.TrimSpace(line), "component", "config")
		}
		return "", err
	}
	if len(changed) > 0 {
		return inForce(changed), nil
	}
	const text = "configuration unchanged; the desired state is being read anew"
	s.log.Info(text, "component", "config")
	return text, nil
}

func inForce(changed []string) string {
	return "configuration in force: changed " + strings.Join(changed, ", ")
}

// reconfigure builds all that a new configuration needs before it ends anything
// of the old one. It lists the keys that changed.
func (s *service) reconfigure(ctx context.Context) (changed []string, err error) {
	s.mu.Lock()
	old, pending := s.current, s.pending
	s.mu.Unlock()
	if pending != nil {
		return nil, fmt.Errorf("%w: the one of the reload before waits for the old agent, which is held up in the kernel", web.ErrPending)
	}
	cfg, err := s.reread(old.cfg)
	if err != nil {
		return nil, err
	}
	changed = config.Diff(old.cfg, cfg)
	listeners, err := s.server.Prepare(cfg.Web.Listen, cfg.Web.ConfigFile)
	if err != nil {
		return nil, err
	}
	if len(changed) == 0 { // in the file itself
		if listeners.Any() {
			listeners.Commit()
			changed = []string{"what web.config_file holds"}
			s.log.Info(inForce(changed), "component", "config")
		}
		old.daemon.Refresh()
		return changed, nil
	}
	var cloud *agent.Cloud
	if cfg.Cloud == old.cfg.Cloud { // its connections and credentials go on
		cloud = old.parts.cloud
	}
	next, err := s.generation(cfg, cloud)
	if err != nil {
		listeners.Discard()
		return nil, err
	}
	next.takeOver = func() {
		listeners.Commit()
		s.log.Info(inForce(changed), "component", "config")
	}
	return changed, s.handOver(ctx, next, listeners)
}

// reread reads the file and checks what it names. A file that has gone or been
// emptied is more likely being written at this moment than meant.
func (s *service) reread(old config.Config) (config.Config, error) {
	cfg, err := s.load()
	if err != nil {
		return config.Config{}, err
	}
	if len(config.Diff(cfg, config.Default())) == 0 && len(config.Diff(old, cfg)) > 0 {
		if info, err := os.Stat(s.path); err != nil || info.Size() == 0 {
			return config.Config{}, fmt.Errorf("%s: it is empty or not there, and an older one is in force; to run by the defaults, restart the daemon", s.path)
		}
	}
	return cfg, errors.Join(config.Check(cfg)...)
}

// handOver has a generation follow the one in force, and waits for its first look
// at the NICs.
func (s *service) handOver(ctx context.Context, next *generation, listeners *web.Change) error {
	s.mu.Lock()
	s.pending = next
	s.mu.Unlock()
	select {
	case s.next <- next:
	case <-ctx.Done():
		s.mu.Lock()
		s.pending = nil
		s.mu.Unlock()
		listeners.Discard()
		next.parts.handle.Close()
		return fmt.Errorf("%w, and will not be: %w", web.ErrPending, context.Cause(ctx))
	}
	select { // what is in force is seen at once in the next report
	case <-next.reported:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pending == next {
		return fmt.Errorf("%w: the old agent is held up in the kernel; it comes into force when that lets go", web.ErrPending)
	}
	return nil
}

func (a *app) reloadCommand() *cobra.Command {
	var quiet bool
	cmd := &cobra.Command{
		Use:   "reload",
		Short: "Make the running daemon read its configuration anew",
		Long: `reload makes the running daemon read its configuration file anew, whole or not at
all: with a fault in it, each fault is named and the old configuration stays in
force. The desired state is read from the cloud anew as well. Everything in the
file can change this way; counters, budgets and the time since which a drift is
known go on. It is what systemctl reload enitune does, and SIGHUP does the same
without an answer. Only root and the daemon's own user may ask.

Exit code: 0 the file is in force, 1 it is refused, or no daemon answers.`,
		Example: `  sudo enitune config check && sudo enitune reload`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			changed, err := daemonSocket{socketPath()}.reload(cmd.Context())
			if err != nil {
				if quiet && errors.Is(err, errRefused) {
					return exitCode(1)
				}
				return err
			}
			if !quiet {
				fmt.Fprintln(a.stdout, changed)
			}
			return nil
		},
	}
	cmd.Flags().BoolVarP(&quiet, "quiet", "q", false, "print nothing that the daemon's log says too")
	return cmd
}

// onHangup calls f for each SIGHUP.
func onHangup(ctx context.Context, hangup <-chan os.Signal, f func()) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-hangup:
			f()
		}
	}
}
