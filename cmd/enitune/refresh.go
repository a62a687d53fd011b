package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/agent"
)

// refreshPoll is how often refresh looks whether the daemon has read the cloud.
const refreshPoll = 200 * time.Millisecond

func (a *app) refreshCommand() *cobra.Command {
	var wait time.Duration
	cmd := &cobra.Command{
		Use:   "refresh",
		Short: "Make the running daemon read the desired state now",
		Long: `refresh makes the running daemon read the desired state from the cloud now and
not at its next interval, waits for it, and prints the report that follows. The
configuration stays as it is; "enitune reload" reads both. Only root and the
daemon's own user may ask.

Exit code: 0 in sync, 1 error, or the daemon could not read the cloud, 2 drift.`,
		Example: `  sudo enitune refresh              # after a change of an ENI
  sudo enitune refresh --wait 0     # ask, and do not wait`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if wait < 0 {
				return fmt.Errorf("--wait is %v: use a time such as 30s, or 0 to ask and not wait", wait)
			}
			return a.refresh(cmd.Context(), daemonSocket{socketPath()}, wait)
		},
	}
	cmd.Flags().DurationVar(&wait, "wait", 45*time.Second, "how long to wait for the daemon to have read the cloud; 0 only asks")
	return cmd
}

func (a *app) refresh(ctx context.Context, d daemonSocket, wait time.Duration) error {
	before, err := d.report(ctx)
	if err != nil {
		before = agent.Report{} // it may have just started
	}
	if err := d.refresh(ctx); err != nil {
		return err
	}
	if wait == 0 {
		return nil
	}
	report, err := awaitRefresh(ctx, d, before, wait)
	if err != nil {
		return err
	}
	if err := a.printReport(report); err != nil {
		return err
	}
	switch api := source(report, agent.ComponentAPI); {
	case api != nil && !api.Up:
		return errors.New("the daemon could not read the cloud; what it knew goes on to hold")
	case report.ExitCode() != agent.ExitInSync:
		return exitCode(report.ExitCode())
	default:
		return nil
	}
}

// awaitRefresh polls until the daemon's report follows from a new read.
func awaitRefresh(ctx context.Context, d daemonSocket, before agent.Report, wait time.Duration) (agent.Report, error) {
	limited, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	poll := time.NewTicker(refreshPoll)
	defer poll.Stop()
	for {
		select {
		case <-limited.Done():
			if ctx.Err() != nil {
				return agent.Report{}, errors.New("interrupted; the daemon goes on reading")
			}
			return agent.Report{}, fmt.Errorf("the daemon has not read the cloud within %v: %s; it goes on trying, `enitune status` shows it", wait, reasonOf(before))
		case <-poll.C:
		}
		report, err := d.report(limited)
		if err == nil && refreshed(before, report) {
			return report, nil
		}
	}
}

// refreshed tells whether a report came after a read of the cloud that the one
// before did not know of.
func refreshed(before, after agent.Report) bool {
	if !after.Time.After(before.Time) {
		return false
	}
	was, is := source(before, agent.ComponentAPI), source(after, agent.ComponentAPI)
	switch {
	case is == nil: // the cloud is switched off, or was not asked yet
		return after.Determined && after.Desired.Origin != agent.OriginCache
	case was == nil:
		return is.Up || is.Error != ""
	default:
		return is.LastAttempt.After(was.LastAttempt)
	}
}

// source is the health of one of a report's sources; nil if it has none such.
func source(r agent.Report, name agent.Component) *agent.SourceHealth {
	for _, s := range r.Sources {
		if s.Source == string(name) {
			return &s
		}
	}
	return nil
}

// reasonOf tells what stood in the way before.
func reasonOf(before agent.Report) string {
	if api := source(before, agent.ComponentAPI); api != nil && api.Error != "" {
		return "still " + api.Error
	}
	return "the cloud does not answer, or the daemon limits how often it asks (6 times at once, then every 30s)"
}
