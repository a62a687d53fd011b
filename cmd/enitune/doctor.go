package main

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/net/http/httpproxy"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/internal/doctor"
)

func (a *app) doctorCommand() *cobra.Command {
	var rivals, toLog bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Find out what is missing for enitune to work here",
		Long: `doctor tests what enitune needs on this machine and in the cloud, looks for other
programs that set queues or rings, and gives a remedy for each fault. It changes
nothing and runs no other program. Run it as root to test what the daemon can do,
as another user to test what that user can do.

With --rivals it only looks for the other programs, in their files; neither the
cloud nor the daemon is asked. With --log, as enitune.service has it, it writes
those that act to the log, and finding some is no error.

Exit code: 0 nothing is wrong, 1 something fails, 2 warnings only.`,
		Example: `  sudo enitune doctor               # what the daemon can do
  enitune doctor -o json | jq '.findings[] | select(.status == "fail")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if toLog && !rivals {
				return errors.New("--log goes with --rivals only")
			}
			if rivals {
				return a.rivals(cmd, toLog)
			}
			facts, err := a.gather(cmd)
			if err != nil {
				return err
			}
			return a.reportDoctor(doctor.Examine(facts, time.Now()))
		},
	}
	cmd.Flags().BoolVar(&rivals, "rivals", false, "look only for other programs that set channels or rings")
	cmd.Flags().BoolVar(&toLog, "log", false, "with --rivals: write those that act to the log")
	return cmd
}

// rivals looks for the other programs only. A faulty configuration is for others
// to tell: only whether queues may be lowered is taken from it.
func (a *app) rivals(cmd *cobra.Command, toLog bool) error {
	cfg, err := a.config(cmd)
	if err != nil {
		cfg = config.Default()
	}
	found := doctor.ReadRivals(os.DirFS("/"))
	if !toLog {
		return a.reportDoctor(doctor.ExamineRivals(found, mayLower(cfg), time.Now()))
	}
	log, err := a.logger()
	if err != nil {
		return err
	}
	doctor.LogRivals(log, found, mayLower(cfg))
	return nil
}

// reportDoctor prints a report, and ends with its exit code.
func (a *app) reportDoctor(report doctor.Report) error {
	if err := a.printDoctor(report); err != nil {
		return err
	}
	if code := report.ExitCode(); code != doctor.ExitHealthy {
		return exitCode(code)
	}
	return nil
}

// gather collects what the doctor judges. A faulty configuration is a fact, too:
// the rest is then gathered by the defaults.
func (a *app) gather(cmd *cobra.Command) (doctor.Facts, error) {
	root := os.DirFS("/")
	cfg, err := a.config(cmd)
	faults := []error{err}
	if err != nil {
		cfg = config.Default()
	} else {
		faults = config.Check(cfg)
	}
	facts := doctor.Facts{Guest: doctor.ReadGuest(root), Rivals: doctor.ReadRivals(root)}
	facts.Guest.Root = os.Geteuid() == 0
	facts.Guest.EthtoolFamily = doctor.EthtoolFamily()
	facts.Agent = gatherAgent(cmd.Context(), root, cfg)
	facts.Agent.ConfigPath, facts.Agent.ConfigErrs = a.configPath, faults
	_, err = os.Stat(a.configPath)
	facts.Agent.ConfigFound = !errors.Is(err, fs.ErrNotExist)
	if cfg.Cloud.Enabled {
		if facts.Cloud, err = a.gatherCloud(cmd.Context(), cfg.Cloud, facts.Agent.Cached); err != nil {
			return doctor.Facts{}, err
		}
	}
	if cmd.Context().Err() != nil {
		return doctor.Facts{}, errors.New("interrupted")
	}
	return facts, nil
}

// gatherAgent looks at enitune's own files and the running daemon.
func gatherAgent(ctx context.Context, root fs.FS, cfg config.Config) doctor.Agent {
	f := doctor.Agent{StateDir: cfg.StateDir, Listen: cfg.Web.Listen, MayLower: mayLower(cfg), UnitEnabled: doctor.UnitEnabled(root, "enitune.service")}
	f.StateDirNew, f.StateDirErr = doctor.Writable(cfg.StateDir)
	cached, err := agent.StateFile{Path: filepath.Join(cfg.StateDir, "state.json"), Machine: machineID()}.Load()
	switch {
	case err == nil:
		f.Cached = &cached
	case !errors.Is(err, fs.ErrNotExist):
		f.CacheErr = err
	}
	f.Listening, f.ListeningErr = doctor.ReadListeners(root)
	d := daemonSocket{socketPath()}
	peer, err := d.peer(ctx)
	if err != nil {
		f.DaemonErr = err
		return f
	}
	f.Daemon = &doctor.Daemon{PID: int(peer.PID), UID: peer.UID, Sockets: doctor.ReadSockets(root, int(peer.PID))}
	report, err := d.report(ctx)
	f.Daemon.Report, f.Daemon.ReportErr = &report, err
	return f
}

// mayLower tells whether a configuration can ask for fewer queues than a NIC has.
func mayLower(cfg config.Config) bool {
	for _, rule := range cfg.NICs {
		if rule.Manage && rule.Queues.Kind == config.WantNumber {
			return true
		}
	}
	return cfg.Reconcile.Shrink
}

// gatherCloud asks the cloud. Each call is made once: a doctor says what is so
// now.
func (a *app) gatherCloud(ctx context.Context, cfg config.Cloud, cached *agent.Desired) (doctor.Cloud, error) {
	log, err := a.logger()
	if err != nil {
		return doctor.Cloud{}, err
	}
	metadata, err := eni.NewMetadata(eni.MetadataOptions{BaseURL: cfg.MetadataURL, Attempts: 1})
	if err != nil {
		return doctor.Cloud{}, err
	}
	var known eni.Identity
	if cached != nil {
		known = eni.Identity{InstanceID: cached.InstanceID, RegionID: cached.Region, InstanceType: cached.InstanceType}
	}
	return doctor.ProbeCloud(ctx, doctor.CloudOptions{
		Metadata: metadata,
		Connect: func(region string) (doctor.API, error) {
			o := clientOptions(cfg, a.profile, region)
			o.Attempts, o.Log = 1, log
			return eni.NewClient(o)
		},
		InstanceID: cfg.InstanceID, Region: cfg.Region, Known: known,
		Proxy: *httpproxy.FromEnvironment(),
	}), nil
}
