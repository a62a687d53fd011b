package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/agent"
)

// statusTimeout bounds asking the daemon, which answers from memory.
const statusTimeout = 5 * time.Second

// reportAge is more than the longest resync_interval allows between two reports
// under ordinary settings.
const reportAge = 10 * time.Minute

// maxStatusBytes bounds the daemon's answer.
const maxStatusBytes = 16 << 20

func (a *app) statusCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show the running daemon's last report",
		Long: `status shows the last report of the running daemon. Without a running daemon it
says so, and shows what plan --offline would.

Exit code: 0 in sync, 2 drift, 1 error.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config(cmd)
			if err != nil {
				return err
			}
			report, err := daemonReport(cmd.Context(), socketPath())
			if err != nil {
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

// daemonReport asks the daemon behind a unix socket.
func daemonReport(ctx context.Context, socket string) (agent.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://enitune/status", nil)
	if err != nil {
		return agent.Report{}, err
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) { // it names the socket again
			err = op.Err
		}
		return agent.Report{}, fmt.Errorf("no daemon answers at %s: %w", socket, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxStatusBytes))
	if err != nil {
		return agent.Report{}, fmt.Errorf("the daemon at %s broke off its answer: %w", socket, err)
	}
	if resp.StatusCode != http.StatusOK {
		return agent.Report{}, fmt.Errorf("the daemon at %s has no report yet", socket)
	}
	var r agent.Report
	if err := json.Unmarshal(body, &r); err != nil {
		return agent.Report{}, fmt.Errorf("the daemon at %s gave an answer that is no report: %w", socket, err)
	}
	if r.Version != 1 {
		return agent.Report{}, fmt.Errorf("the daemon at %s gave an answer that is no report of version 1", socket)
	}
	return r, nil
}
