//go:build manpages

package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/enitune/enitune/packaging/man"
)

// commandPage is the page of one command, from its own help text.
func commandPage(cmd *cobra.Command, src man.Source) *man.Page {
	name := pageName(cmd)
	page := man.New(name, 1, phrase(cmd.Short), src)
	page.Heading("SYNOPSIS")
	page.Paragraph(synopsis(cmd))

	text, codes := helpText(cmd)
	page.Heading("DESCRIPTION")
	prose(page, text)
	if subs := subcommands(cmd); len(subs) > 0 {
		page.Heading("COMMANDS")
		for _, sub := range subs {
			page.Tagged(man.Ref(pageName(sub), 1), man.Text(sub.Short)+".")
		}
	}
	options(page, cmd)
	page.Heading("EXIT STATUS")
	for _, c := range codes {
		page.Tagged(man.Bold(c[0]), man.Text(sentence(c[1])))
	}
	if cmd == cmd.Root() {
		page.Paragraph("Commands whose codes tell more have them on their own page.")
	}
	facts(page, "FILES", cmd, files(), man.Italic)
	facts(page, "ENVIRONMENT", cmd, environment(), man.Bold)
	if cmd.Example != "" {
		page.Heading("EXAMPLES")
		page.Literal(dedent(cmd.Example))
	}
	page.Heading("SEE ALSO")
	page.Paragraph(seeAlso(cmd))
	return page
}

func pageName(cmd *cobra.Command) string { return strings.ReplaceAll(cmd.CommandPath(), " ", "-") }

func subcommands(cmd *cobra.Command) []*cobra.Command {
	return slices.DeleteFunc(allCommands(cmd), func(c *cobra.Command) bool { return c.Parent() != cmd })
}

// phrase is a summary as the NAME section has it.
func phrase(short string) string {
	short = strings.TrimSuffix(short, ".")
	return strings.ToLower(short[:1]) + short[1:]
}

// sentence begins with a capital and ends with a full stop.
func sentence(s string) string {
	return strings.ToUpper(s[:1]) + strings.TrimSuffix(s[1:], ".") + "."
}

func synopsis(cmd *cobra.Command) string {
	words := []string{man.Bold(cmd.CommandPath())}
	if cmd.HasAvailableSubCommands() {
		return words[0] + " " + man.Italic("command") + " [" + man.Italic("option") + " ...]"
	}
	for _, arg := range strings.Fields(cmd.Use)[1:] {
		switch inner := strings.Trim(arg, "[]"); {
		case inner != arg:
			words = append(words, "["+man.Italic(inner)+"]")
		default:
			words = append(words, man.Italic(arg))
		}
	}
	return strings.Join(append(words, "["+man.Italic("option")+" ...]"), " ")
}

var (
	exitCodes = regexp.MustCompile(`(?s)^Exit code: (.*)$`)
	eachCode  = regexp.MustCompile(`(?:^|, |; )(\d) `)
)

// helpText splits a command's help into its text and its exit codes.
func helpText(cmd *cobra.Command) (paragraphs []string, codes [][2]string) {
	long := cmd.Long
	if long == "" {
		long = sentence(cmd.Short)
	}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(long), "\n\n") {
		m := exitCodes.FindStringSubmatch(paragraph)
		if m == nil {
			paragraphs = append(paragraphs, paragraph)
			continue
		}
		// What follows the list is about other commands' help.
		text, _, _ := strings.Cut(strings.ReplaceAll(m[1], "\n", " "), ". ")
		at := eachCode.FindAllStringSubmatchIndex(text, -1)
		for i, span := range at {
			end := len(text)
			if i+1 < len(at) {
				end = at[i+1][0]
			}
			codes = append(codes, [2]string{text[span[2]:span[3]], text[span[1]:end]})
		}
	}
	if len(codes) == 0 {
		codes = [][2]string{{"0", "done"}, {"1", "error; the message on standard error tells what and why"}}
	}
	return paragraphs, codes
}

// prose adds paragraphs as --help has them: indented lines are literal.
func prose(page *man.Page, paragraphs []string) {
	for _, text := range paragraphs {
		text = strings.Trim(text, "\n")
		if strings.HasPrefix(text, " ") || strings.HasPrefix(text, "\t") {
			page.Literal(dedent(text))
			continue
		}
		page.Paragraph(quoted(text))
	}
}

var backticks = regexp.MustCompile("`([^`]+)`")

// quoted is text in which what stands between backticks is typed literally.
func quoted(text string) string {
	var b strings.Builder
	last := 0
	for _, m := range backticks.FindAllStringSubmatchIndex(text, -1) {
		b.WriteString(man.Text(text[last:m[0]]) + man.Bold(text[m[2]:m[3]]))
		last = m[1]
	}
	return b.String() + man.Text(text[last:])
}

func dedent(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	indent := lines[0][:len(lines[0])-len(strings.TrimLeft(lines[0], " \t"))]
	for i := range lines {
		lines[i] = strings.TrimPrefix(lines[i], indent)
	}
	return strings.Join(lines, "\n")
}

// options lists the options of a command and, on the page of enitune itself, the
// global ones; the other pages only name those.
func options(page *man.Page, cmd *cobra.Command) {
	root := cmd.Root()
	var own []*pflag.Flag
	seen := func(set *pflag.FlagSet) func(*pflag.Flag) {
		return func(f *pflag.Flag) {
			if f.Hidden || f.Name == "help" || (cmd != root && set.Lookup(f.Name) == nil) {
				return
			}
			own = append(own, f)
		}
	}
	cmd.InitDefaultHelpFlag()
	cmd.LocalFlags().VisitAll(seen(cmd.LocalFlags()))
	if cmd != root {
		cmd.InheritedFlags().VisitAll(func(f *pflag.Flag) {
			if root.PersistentFlags().Lookup(f.Name) == nil {
				own = append(own, f)
			}
		})
	}
	page.Heading("OPTIONS")
	for _, f := range own {
		page.Tagged(flagTag(f), flagText(f))
	}
	page.Tagged(man.Bold("-h")+", "+man.Bold("--help"), "Show a short help.")
	switch {
	case cmd == root:
		page.Paragraph("All commands take these options. A command's own options are on its page.")
	default:
		page.Paragraph("The global options " + man.Bold("--config") + ", " + man.Bold("--output") + ", " + man.Bold("--log-level") + ", " +
			man.Bold("--log-format") + ", " + man.Bold("--color") + " and " + man.Bold("--profile") + " are described in " + man.Ref("enitune", 1) + ".")
	}
}

func flagTag(f *pflag.Flag) string {
	tag := man.Bold("--" + f.Name)
	if f.Shorthand != "" {
		tag = man.Bold("-"+f.Shorthand) + ", " + tag
	}
	if value, _ := pflag.UnquoteUsage(f); value != "" {
		tag += " " + man.Italic(value)
	}
	return tag
}

func flagText(f *pflag.Flag) string {
	_, usage := pflag.UnquoteUsage(f)
	usage = strings.TrimPrefix(usage, ": ")
	value, _ := pflag.UnquoteUsage(f)
	usage = strings.TrimPrefix(usage, value+": ")
	text := withRefs(sentence(usage))
	if f.DefValue != "" && f.DefValue != "false" && f.DefValue != "[]" && !strings.Contains(usage, "default:") {
		text += " Default: " + man.Bold(shortTime(f)) + "."
	}
	return text
}

// shortTime is a default as one would type it: 2m, not 2m0s.
func shortTime(f *pflag.Flag) string {
	if f.Value.Type() != "duration" {
		return f.DefValue
	}
	text := strings.TrimSuffix(f.DefValue, "m0s")
	if text != f.DefValue {
		return text + "m"
	}
	return text
}
