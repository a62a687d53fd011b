package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/internal/config"
)

// reload reads the configuration anew. When it returns without an error, the
// file's content is in force and the desired state is being read anew; with one,
// nothing has changed. It gives a line that says what changed.
func (s *service) reload(ctx context.Context) (string, error) {
	s.reloads.Lock()
	defer s.reloads.Unlock()
	defer s.systemd.reloading()()
	changed, err := s.reconfigure(ctx)
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
	text := "configuration unchanged; the desired state is being read anew"
	if len(changed) > 0 {
		text = "configuration in force: changed " + strings.Join(changed, ", ")
	}
	s.log.Info(text, "component", "config")
	return text, nil
}

// reconfigure builds all that a new configuration needs before it ends anything
// of the old one. It lists the keys that changed.
func (s *service) reconfigure(ctx context.Context) (changed []string, err error) {
	cfg, err := s.load()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(config.Check(cfg)...); err != nil {
		return nil, err
	}
	old := s.generationInForce()
	if changed = config.Diff(old.cfg, cfg); len(changed) == 0 {
		old.daemon.Refresh()
		return nil, nil
	}
	listeners, err := s.server.Prepare(cfg.Web.Listen, cfg.Web.ConfigFile)
	if err != nil {
		return nil, err
	}
	next, err := s.generation(cfg)
	if err != nil {
		listeners.Discard()
		return nil, err
	}
	select {
	case s.next <- next:
	case <-ctx.Done():
		listeners.Discard()
		next.parts.handle.Close()
		return nil, fmt.Errorf("the daemon is ending or the asker has gone: %w", context.Cause(ctx))
	}
	listeners.Commit()
	select { // what is in force is seen at once in the next report
	case <-next.reported:
	case <-ctx.Done():
	}
	return changed, nil
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
