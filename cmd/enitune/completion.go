package main

import (
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// completionShell is a shell that completions are written for.
type completionShell struct {
	name, load, file string
	write            func(root *cobra.Command, w io.Writer) error
}

func completionShells() []completionShell {
	return []completionShell{
		{"bash", "source <(enitune completion bash)", "/usr/share/bash-completion/completions/enitune",
			func(root *cobra.Command, w io.Writer) error { return root.GenBashCompletionV2(w, true) }},
		{"zsh", "source <(enitune completion zsh)", "/usr/share/zsh/site-functions/_enitune",
			(*cobra.Command).GenZshCompletion},
		{"fish", "enitune completion fish | source", "/usr/share/fish/vendor_completions.d/enitune.fish",
			func(root *cobra.Command, w io.Writer) error { return root.GenFishCompletion(w, true) }},
	}
}

// completionCommand takes the place of cobra's own, whose texts are about other
// systems.
func (a *app) completionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion",
		Short: "Print the completions of a shell",
		Long: `The packages install this. completion prints the script by which a shell
completes commands, options and their values, for where there is no package.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	for _, shell := range completionShells() {
		cmd.AddCommand(a.completionShellCommand(shell))
	}
	return cmd
}

func (a *app) completionShellCommand(shell completionShell) *cobra.Command {
	needs := ""
	if shell.name == "bash" {
		needs = " It takes the package bash-completion."
	}
	return &cobra.Command{
		Use:   shell.name,
		Short: "Print the completions of " + shell.name,
		Long: `The packages install this. Where there is none, this prints the script by which
` + shell.name + ` completes commands, options and their values.` + needs + `

For the shell that runs:

  ` + shell.load + `

For all new ones, as root:

  enitune completion ` + shell.name + ` > ` + shell.file,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return shell.write(cmd.Root(), a.stdout) },
	}
}

// words are the values of flags that take one of a few.
func words() map[string][]string {
	list := choices()
	list["endpoint-network"] = []string{"vpc", "public"}
	list["traffic-mode"] = []string{"Standard", "HighPerformance"}
	return list
}

// fileFlags are the flags that name a file, with the ends of its name.
func fileFlags() map[string][]string {
	return map[string][]string{"config": {"yaml", "yml"}, "file": {"yaml", "yml"}, "textfile": {"prom"}}
}

// completeValues says what may follow each command and flag. Without a word a
// shell offers the names of files.
func completeValues(cmd *cobra.Command) {
	if cmd.ValidArgsFunction == nil {
		cmd.ValidArgsFunction = cobra.NoFileCompletions
	}
	complete := func(f *pflag.Flag) {
		// Fails only for a flag that is inherited, and was seen before.
		_ = cmd.RegisterFlagCompletionFunc(f.Name, valuesOf(f))
	}
	cmd.PersistentFlags().VisitAll(complete)
	cmd.LocalNonPersistentFlags().VisitAll(complete)
	for _, sub := range cmd.Commands() {
		completeValues(sub)
	}
}

func valuesOf(f *pflag.Flag) cobra.CompletionFunc {
	p, ok := f.Value.(*parameterFlag)
	if ends := fileFlags()[f.Name]; ends != nil {
		return filesEnding(ends...)
	}
	if list := words()[f.Name]; list != nil {
		return cobra.FixedCompletions(list, cobra.ShellCompDirectiveNoFileComp)
	}
	if f.Value.Type() == "bool" || (ok && p.p.boolean != nil) {
		return cobra.FixedCompletions([]string{"true", "false"}, cobra.ShellCompDirectiveNoFileComp)
	}
	return cobra.NoFileCompletions
}

// filesEnding offers folders, and files whose names have one of the ends.
func filesEnding(ends ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return ends, cobra.ShellCompDirectiveFilterFileExt
	}
}
