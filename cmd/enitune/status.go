package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/agent"
)

// reportAge is more than the longest resync_interval allows between two reports
// under ordinary settings.
const reportAge = 10 * time.Minute

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the running daemon's last report",
		Long: `status shows the last report of the running daemon. Without a running daemon it
says so, and shows what plan --offline would.

Exit code: 0 in sync, 1 error, 2 drift.`,
		Example: `  enitune status
  enitune status -o json | jq .in_sync`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			report, err := daemonSocket{socketPath()}.report(cmd.Context())
			if err != nil {
				// A daemon that runs is asked whatever the file says by now.
				cfg, configErr := a.config(cmd)
				if configErr != nil {
					return configErr
				}
				fmt.Fprintf(a.stderr, "enitune: %v; this is what `enitune plan --offline` finds\n", err)
				if report, _, err = a.reconcileOnce(cmd.Context(), cfg, once{offline: true}); err != nil {
					return err
				}
			}
			if age := time.Since(report.Time); age > reportAge {
				fmt.Fprintf(a.stderr, "enitune: the daemon's last report is %s old; look at its log, it may be stuck\n", ago(age))
			}
			if err := a.printReport(report); err != nil {
				return err
			}
			if code := report.ExitCode(); code != agent.ExitInSync {
				return exitCode(code)
			}
			return nil
		},
	}
}
