//go:build manpages

// With the tag manpages this is the program that writes the manual pages into a
// folder. It holds the agent's commands, so that pages and --help cannot
// disagree; the agent holds nothing of it.
package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/packaging/man"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: manpages DOCS DIR: writes the pages of the commands and of the documentation in DOCS into DIR")
		os.Exit(1)
	}
	if err := writeManual(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "manpages:", err)
		os.Exit(1)
	}
}

// writeManual writes every page.
func writeManual(docs, dir string) error {
	src, err := manualSource()
	if err != nil {
		return err
	}
	pages := map[string]string{}
	for _, cmd := range allCommands(manualRoot()) {
		page := commandPage(cmd, src)
		pages[page.File()] = page.String()
	}
	for _, t := range topics() {
		page, err := t.page(docs, src)
		if err != nil {
			return err
		}
		pages[page.File()] = page.String()
		for _, name := range t.aliases {
			pages[fmt.Sprintf("%s.%d", name, t.section)] = man.Alias(page)
		}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range pages {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil { //nolint:gosec // read by everyone
			return err
		}
	}
	return nil
}

// manualSource is the same for the same commit: packages are reproducible.
func manualSource() (man.Source, error) {
	src := man.Source{Product: "enitune " + build().Version, Date: time.Now()}
	if epoch := os.Getenv("SOURCE_DATE_EPOCH"); epoch != "" {
		seconds, err := strconv.ParseInt(epoch, 10, 64)
		if err != nil {
			return src, fmt.Errorf("SOURCE_DATE_EPOCH is %q: want Unix seconds", epoch)
		}
		src.Date = time.Unix(seconds, 0)
	}
	return src, nil
}

// manualRoot is the command tree as a user meets it.
func manualRoot() *cobra.Command {
	return (&app{stdout: io.Discard, stderr: io.Discard}).rootCommand()
}

// allCommands are a command and those below it. The help command has no page:
// its words are in enitune(1).
func allCommands(cmd *cobra.Command) []*cobra.Command {
	list := []*cobra.Command{cmd}
	for _, sub := range cmd.Commands() {
		if sub.IsAvailableCommand() && !sub.IsAdditionalHelpTopicCommand() && sub.Name() != "help" {
			list = append(list, allCommands(sub)...)
		}
	}
	return list
}
