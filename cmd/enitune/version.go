package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/metrics"
)

// Set by the linker (see the Makefile); "" in a plain `go build`.
var version, commit, date string

// build tells what is running.
func build() metrics.Build {
	b := metrics.Build{Version: version, Revision: commit, GoVersion: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok && b.Version == "" {
		b.Version = info.Main.Version
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				b.Revision = s.Value
			}
		}
	}
	if b.Version == "" || b.Version == "(devel)" {
		b.Version = "dev"
	}
	return b
}

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Example: `  enitune version
  enitune version -o json | jq -r .version`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := build()
			if a.output != "table" {
				return a.printDocument(map[string]string{"version": b.Version, "revision": b.Revision, "date": date,
					"go": b.GoVersion, "os": runtime.GOOS, "arch": runtime.GOARCH})
			}
			fmt.Fprintf(a.stdout, "enitune %s", b.Version)
			if of := strings.TrimSpace(b.Revision + " " + date); of != "" {
				fmt.Fprintf(a.stdout, " (%s)", of)
			}
			fmt.Fprintf(a.stdout, ", %s %s/%s\n", b.GoVersion, runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
