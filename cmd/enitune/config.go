package main

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/enitune/enitune/internal/config"
)

func (a *app) configCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check or show the configuration",
		Example: `  enitune config check
  enitune config show`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.configCheckCommand(), a.configShowCommand())
	return cmd
}

func (a *app) configCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check [FILE]",
		Short: "Read a configuration file strictly and report every fault",
		Long: `check reads a configuration file as strictly as the daemon does, and the files
that it names, and reports every fault with its line and column. Without FILE it
reads the one that --config names.

Exit code: 0 no fault, 1 at least one fault, or no such file.`,
		Example: `  enitune config check
  enitune config check ./config.yaml && sudo cp config.yaml /etc/enitune/`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return filesEnding("yaml", "yml")(cmd, args, prefix)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			path, named := a.configPath, cmd.Flags().Changed("config")
			if len(args) == 1 {
				path, named = args[0], true
			}
			cfg, err := config.Load(path, named)
			if err != nil {
				return err
			}
			if err := errors.Join(config.Check(cfg)...); err != nil {
				return err
			}
			if a.output != "table" {
				return a.printDocument(map[string]any{"file": path, "ok": true})
			}
			fmt.Fprintf(a.stdout, "%s: ok\n", path)
			return nil
		},
	}
}

func (a *app) configShowCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "show",
		Short: "Print the effective configuration, defaults included",
		Long: `show prints every key with the value that is in force: that of the configuration
file, or else the default.`,
		Example: `  enitune config show
  enitune config show -o json | jq .reconcile`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := a.config(cmd)
			if err != nil {
				return err
			}
			text := cfg.YAML()
			if a.output == "json" {
				if text, err = yaml.YAMLToJSON(text); err != nil {
					return err
				}
			}
			_, err = a.stdout.Write(text)
			return err
		},
	}
}
