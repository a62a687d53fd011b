package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/internal/logging"
)

// app is what the commands share: the global flags and where output goes.
type app struct {
	stdout, stderr io.Writer

	configPath string
	output     string
	logLevel   string
	logFormat  string
	color      string
	profile    string
}

// exitCode is an error that only carries the exit code of a command whose
// output already says everything.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// execute runs the command line and gives the exit code.
func execute(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	a := &app{stdout: stdout, stderr: stderr}
	root := a.rootCommand()
	if len(args) > 0 && (args[0] == cobra.ShellCompRequestCmd || args[0] == cobra.ShellCompNoDescRequestCmd) {
		completeValues(root) // which takes a while, and nothing else needs
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	var code exitCode
	switch {
	case err == nil:
		return agent.ExitInSync
	case errors.As(err, &code):
		return int(code)
	default:
		for line := range strings.Lines(err.Error()) {
			fmt.Fprintln(stderr, "enitune: "+strings.TrimRight(line, "\n"))
		}
		return agent.ExitError
	}
}

func (a *app) rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "enitune",
		Short: "Keeps NIC queues and rings at what their ENIs were given",
		Long: `enitune runs inside an Alibaba Cloud ECS Linux instance. It compares the queue
counts and ring sizes of each NIC with what its elastic network interface (ENI)
was given, brings the guest in line, and exports drift to Prometheus.

Exit code: 0 in sync, or done, 1 error, 2 drift. Commands whose codes tell more
have them in their own help.`,
		Example: `  enitune doctor                    # what is missing here, and how to cure it
  enitune plan                      # what differs, and why; changes nothing
  enitune apply                     # bring the NICs in line once
  enitune status                    # what the running daemon last found
  journalctl -u enitune DEVICE=eth1 # what it did to one NIC`,
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		PersistentPreRunE: func(*cobra.Command, []string) error {
			return a.checkFlags()
		},
	}
	f := root.PersistentFlags()
	f.StringVar(&a.configPath, "config", config.DefaultPath, "configuration `file`; if the default one is missing, defaults apply")
	f.StringVarP(&a.output, "output", "o", "table", "output `format`: table, json or yaml")
	f.StringVar(&a.logLevel, "log-level", "info", "least `level` to log: debug, info, warn or error")
	f.StringVar(&a.logFormat, "log-format", "auto", "log `format`: auto, text or json; auto is the journal's own format under systemd")
	f.StringVar(&a.color, "color", "auto", "`when` to use colour: auto, always or never; auto honours NO_COLOR")
	f.StringVar(&a.profile, "profile", "", "`name` of the aliyun CLI profile (~/.aliyun/config.json) whose credentials to use; default: the first credentials found")
	root.AddCommand(a.planCommand(), a.applyCommand(), a.runCommand(), a.statusCommand(), a.refreshCommand(), a.reloadCommand(), a.doctorCommand(), a.eniCommand(), a.configCommand(), a.completionCommand(), a.versionCommand())
	return root
}

// choices are the global flags that take one of a few words.
func choices() map[string][]string {
	return map[string][]string{
		"output":     {"table", "json", "yaml"},
		"log-level":  {"debug", "info", "warn", "error"},
		"log-format": {"auto", "text", "json"},
		"color":      {"auto", "always", "never"},
	}
}

func (a *app) checkFlags() error {
	given := map[string]string{"output": a.output, "log-level": a.logLevel, "log-format": a.logFormat, "color": a.color}
	for _, name := range []string{"output", "log-level", "log-format", "color"} {
		if words := choices()[name]; !slices.Contains(words, given[name]) {
			return fmt.Errorf("--%s is %q: use one of %s", name, given[name], strings.Join(words, ", "))
		}
	}
	return nil
}

// config reads the configuration that --config names.
func (a *app) config(cmd *cobra.Command) (config.Config, error) {
	return config.Load(a.configPath, cmd.Flags().Changed("config"))
}

// logger makes the logger that the flags ask for.
func (a *app) logger() (*slog.Logger, error) { return a.queuedLogger(nil) }

// queuedLogger makes one whose lines go through a queue; nil for none.
func (a *app) queuedLogger(q *logging.Queue) (*slog.Logger, error) {
	level, err := logging.ParseLevel(a.logLevel)
	if err != nil {
		return nil, err
	}
	stderr, ok := a.stderr.(*os.File)
	if !ok {
		return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level})), nil
	}
	return logging.New(logging.Options{Level: level, Format: a.logFormat, Stderr: stderr, Queue: q})
}
