package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/spf13/cobra"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/internal/durable"
	"github.com/enitune/enitune/metrics"
)

// onceAttempts is how often plan and apply try a read of the cloud; at boot and
// at a terminal a quick answer from the cache beats a long wait.
const onceAttempts = 2

// onceTimeouts bounds all reads of the cloud by plan and apply together, in
// units of cloud.timeout.
const onceTimeouts = 2

// offlineTimeout bounds apply --offline, for which a boot waits: its time is that
// of the kernel, and a driver that takes longer for its NICs is the daemon's.
const offlineTimeout = 10 * time.Second

// once is one reconcile outside of the daemon.
type once struct {
	offline  bool // only the cached desired state
	write    bool // change the guest, and keep the desired state on disk
	textfile string
	log      bool // tell in the log what was done, and print nothing
}

func (a *app) planCommand() *cobra.Command {
	var o once
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what differs and what apply would do; changes nothing",
		Long: `plan reads both sides, the guest's NICs and the ENIs, and prints every setting
with its current, desired and largest value, where the desired value comes from,
and what apply would do. It changes nothing.

Exit code: 0 in sync, 1 error, 2 drift.`,
		Example: `  enitune plan
  enitune plan --offline            # by the cached desired state alone
  enitune plan -o json | jq '.nics[].settings[] | select(.action == "set")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.runOnce(cmd, o) },
	}
	cmd.Flags().BoolVar(&o.offline, "offline", false, "use only the cached desired state; no network")
	return cmd
}

func (a *app) applyCommand() *cobra.Command {
	o := once{write: true}
	cmd := &cobra.Command{
		Use:   "apply",
		Short: "Bring the NICs in line once, and show what is now true",
		Long: `apply plans as plan does, writes what differs, reads the NICs again and prints
what is now true. With --log it writes to the log what it changed and what still
drifts, as the daemon does, and prints nothing.

Exit code: 0 converged, 1 error, 2 drift remains (each with its reason).`,
		Example: `  enitune apply
  enitune apply --offline           # at boot, before the network is up
  enitune apply --textfile /var/lib/prometheus/node-exporter/enitune.prom`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("textfile") {
				if err := checkTextfile(o.textfile); err != nil {
					return err
				}
			}
			return a.runOnce(cmd, o)
		},
	}
	cmd.Flags().BoolVar(&o.offline, "offline", false, "use only the cached desired state; no network")
	cmd.Flags().StringVar(&o.textfile, "textfile", "", "also write the metrics to `FILE` (*.prom) for node_exporter's textfile collector")
	cmd.Flags().BoolVar(&o.log, "log", false, "write what was done to the log, as the daemon does, and print nothing; for units")
	return cmd
}

// unlessStuck ends the process when ctx has ended and answered is not called within
// hardStop: a system call on a NIC cannot be interrupted, and neither a boot nor a
// person is to wait for a driver that does not come back.
func (a *app) unlessStuck(ctx context.Context) (answered func()) {
	back := make(chan struct{})
	context.AfterFunc(ctx, func() {
		select {
		case <-back:
		case <-time.After(hardStop):
			fmt.Fprintf(a.stderr, "enitune: %v, and the kernel does not come back from a call on a NIC; what it was asked for may still come true\n", context.Cause(ctx))
			os.Exit(agent.ExitError)
		}
	})
	return func() { close(back) }
}

func (a *app) runOnce(cmd *cobra.Command, o once) error {
	cfg, err := a.config(cmd)
	if err != nil {
		return err
	}
	ctx := cmd.Context()
	if o.offline {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, offlineTimeout, fmt.Errorf("not done within %v, as a boot waits for it; enitune.service does the rest", offlineTimeout))
		defer cancel()
	}
	answered := a.unlessStuck(ctx)
	report, m, err := a.reconcileOnce(ctx, cfg, o)
	answered()
	if err != nil {
		return err
	}
	if o.textfile != "" {
		err = writeTextfile(o.textfile, m)
	}
	show := a.printReport
	if o.log {
		show = a.logReport
	}
	if err := errors.Join(err, show(report)); err != nil {
		return err
	}
	if code := report.ExitCode(); code != agent.ExitInSync {
		return exitCode(code)
	}
	return nil
}

// checkTextfile refuses, before anything is written, a file that node_exporter
// would not read.
func checkTextfile(path string) error {
	if filepath.Ext(path) != ".prom" {
		return fmt.Errorf("--textfile is %q: node_exporter reads only files that end in .prom", path)
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return fmt.Errorf("--textfile is %q: %s is no directory; create it, or name the one that node_exporter reads", path, filepath.Dir(path))
	}
	return nil
}

// reconcileOnce reads the cloud as o allows and reconciles once.
func (a *app) reconcileOnce(ctx context.Context, cfg config.Config, o once) (agent.Report, *metrics.Metrics, error) {
	log, err := a.logger()
	if err != nil {
		return agent.Report{}, nil, err
	}
	var report agent.Report
	m := metrics.New(func() (agent.Report, bool) { return report, report.Version != 0 }, build())
	p, err := assemble(cfg, a.profile, nil, m, log, onceAttempts)
	if err != nil {
		return agent.Report{}, nil, err
	}
	defer p.handle.Close()
	if p.cloud != nil && !o.offline {
		bounded, cancel := context.WithTimeout(ctx, onceTimeouts*time.Duration(cfg.Cloud.Timeout))
		p.store.Update(p.cloud.Fetch(bounded, p.store.Desired()), o.write)
		cancel()
	}
	view := p.store.View()
	if o.offline && p.cloud != nil && !view.Known && len(view.Errors) == 0 {
		view.Errors = append(view.Errors, agent.Problem{Component: agent.ComponentState, Class: agent.ClassMissing, Message: "no desired state is cached in " + cfg.StateDir + "; run `enitune apply` once without --offline"})
	}
	start := time.Now()
	report = p.reconciler.Reconcile(ctx, view, o.write).Report
	m.Reconciled("once", report.Determined, time.Since(start))
	if o.write {
		if _, err := p.sinceFile.Keep(agent.SinceOf(report, p.since), p.since); err != nil {
			log.Debug("since when settings drift is not kept", "error", err)
		}
	}
	if ctx.Err() != nil {
		why := "interrupted"
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			why = cause.Error()
		}
		return report, m, errors.New(why + "; what was already written stays, run `enitune plan` to see it")
	}
	return report, m, nil
}

// logReport writes what a reconcile found and did to the log.
func (a *app) logReport(r agent.Report) error {
	log, err := a.logger()
	if err != nil {
		return err
	}
	agent.LogReport(log, r)
	log.Info("applied: "+statusLine(r), "in_sync", r.InSync)
	return nil
}

// writeTextfile writes the metrics where node_exporter finds them, atomically.
func writeTextfile(path string, m *metrics.Metrics) error {
	families, err := m.Gather()
	if err != nil {
		return fmt.Errorf("--textfile: %w", err)
	}
	var text bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			return fmt.Errorf("--textfile: %w", err)
		}
	}
	if err := durable.WriteFile(path, text.Bytes(), 0o644); err != nil {
		return fmt.Errorf("--textfile: %w", err)
	}
	return nil
}
