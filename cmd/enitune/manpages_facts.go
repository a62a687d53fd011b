//go:build manpages

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/packaging/man"
)

// fact is a file or an environment variable, and the commands that heed it.
type fact struct {
	name, text string
	users      []string // paths of commands without "enitune"; enitune(1) has all
}

var (
	guests = []string{"plan", "apply", "run"}
	clouds = []string{"plan", "apply", "run", "doctor", "eni list", "eni show", "eni limits", "eni set"}
	enis   = []string{"eni list", "eni show", "eni limits", "eni set"}
)

func files() []fact {
	return []fact{
		{config.DefaultPath, "The configuration, see enitune-config(5).",
			[]string{"plan", "apply", "run", "status", "refresh", "reload", "doctor", "eni list", "eni show", "eni limits", "eni set", "config check", "config show"}},
		{config.Default().StateDir + "/state.json", "The last known desired state, which is used while the cloud does not answer. The configuration may name another folder.",
			append([]string{"status", "doctor"}, guests...)},
		{config.Default().StateDir + "/drift.json", "Since when settings drift, over restarts. It may be removed.", append([]string{"status"}, guests...)},
		{config.Default().StateDir + "/starts.json", "When the daemon was started in the last hour. It may be removed.", []string{"run"}},
		{"/run/enitune/enitune.sock", "The socket on which the daemon answers other commands.",
			[]string{"run", "status", "refresh", "reload", "doctor"}},
		{"/etc/enitune/environment", "Environment variables of the service, such as credentials and proxies; KEY=value lines. It is not part of the package.",
			[]string{"run"}},
		{"~/.aliyun/config.json", "The profiles of the aliyun CLI.", clouds},
	}
}

func environment() []fact {
	return []fact{
		{"ALIBABA_CLOUD_ACCESS_KEY_ID", "With ALIBABA_CLOUD_ACCESS_KEY_SECRET and, for temporary credentials, ALIBABA_CLOUD_SECURITY_TOKEN: the credentials for the ECS API. The other sources of credentials are in enitune-config(5).", clouds},
		{"ALIBABA_CLOUD_PROFILE", "The profile of the aliyun CLI to use in place of its current one.", clouds},
		{"ALIBABA_CLOUD_REGION_ID", "The region, if neither --region nor the configuration names one.", enis},
		{"HTTPS_PROXY", "The proxy for calls to the ECS API. NO_PROXY lists the hosts that are reached without it. The metadata service is never asked through a proxy.", clouds},
		{"NO_COLOR", "If set, nothing is coloured, unless --color asks for it.", []string{"plan", "apply", "status", "refresh", "doctor", "eni list", "eni show", "eni limits", "eni set"}},
	}
}

// facts adds the section of those that a command heeds, if there are any.
func facts(page *man.Page, title string, cmd *cobra.Command, list []fact, tag func(string) string) {
	path := strings.TrimPrefix(cmd.CommandPath(), "enitune ")
	begun := false
	for _, f := range list {
		if cmd.HasParent() && !slices.Contains(f.users, path) {
			continue
		}
		if !begun {
			page.Heading(title)
			begun = true
		}
		page.Tagged(tag(f.name), withRefs(f.text))
	}
}

// withRefs is text in which other pages and options are set as such.
func withRefs(text string) string {
	words := strings.Split(text, " ")
	for i, word := range words {
		bare := strings.TrimRight(word, ".,;:")
		name, rest, ref := strings.Cut(bare, "(")
		switch {
		case ref && len(rest) == 2 && rest[1] == ')':
			words[i] = man.Ref(name, int(rest[0]-'0')) + word[len(bare):]
		case strings.HasPrefix(bare, "--"), bare == strings.ToUpper(bare) && strings.Contains(bare, "_"):
			words[i] = man.Bold(bare) + word[len(bare):]
		default:
			words[i] = man.Text(word)
		}
	}
	return strings.Join(words, " ")
}

// seeAlso is the pages around a command: the one above, its siblings, and those
// that the whole is about.
func seeAlso(cmd *cobra.Command) string {
	var refs []string
	if cmd.HasParent() {
		refs = append(refs, man.Ref(pageName(cmd.Parent()), 1))
		if cmd.Parent().HasParent() {
			for _, sibling := range subcommands(cmd.Parent()) {
				if sibling != cmd {
					refs = append(refs, man.Ref(pageName(sibling), 1))
				}
			}
		}
	}
	for _, t := range topics() {
		refs = append(refs, man.Ref(t.name, t.section))
	}
	if !cmd.HasParent() || slices.Contains(guests, cmd.Name()) {
		refs = append(refs, man.Ref("ethtool", 8))
	}
	return strings.Join(refs, ",\n")
}
