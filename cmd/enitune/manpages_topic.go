//go:build manpages

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/enitune/enitune/packaging/man"
)

// topic is a page made from a page of the documentation.
type topic struct {
	name    string
	section int
	summary string
	doc     string // under docs/
	aliases []string
}

func topics() []topic {
	return []topic{
		{"enitune-config", 5, "configuration of enitune", "configuration.md", nil},
		{"enitune-coexistence", 7, "enitune beside ecs_mq, irqbalance, TuneD, NetworkManager and others", "coexistence.md", nil},
		{"enitune-logging", 7, "the log of enitune: its fields, and what its lines mean", "logging.md", nil},
		{"enitune-metrics", 7, "Prometheus metrics of enitune, with queries and alerts", "metrics.md", nil},
		{"enitune.service", 8, "the services that keep an instance's NICs in line", "service.md", []string{"enitune-apply.service"}},
	}
}

func (t topic) page(docs string, src man.Source) (*man.Page, error) {
	text, err := os.ReadFile(filepath.Join(docs, t.doc))
	if err != nil {
		return nil, err
	}
	page := man.New(t.name, t.section, t.summary, src)
	if err := page.Markdown(sectionsAsShown(text), topicLink); err != nil {
		return nil, fmt.Errorf("%s: %w", t.doc, err)
	}
	page.Heading("SEE ALSO")
	refs := []string{man.Ref("enitune", 1)}
	for _, other := range topics() {
		if other.name != t.name {
			refs = append(refs, man.Ref(other.name, other.section))
		}
	}
	page.Paragraph(strings.Join(refs, ",\n"))
	return page, nil
}

var (
	sectionHeading = regexp.MustCompile(`(?m)^## (.*)$`)
	seeSection     = regexp.MustCompile(`see \[([^]]+)\]\(#([^)]+)\)`)
)

// sectionsAsShown writes the names of sections, where a reader is sent there, as
// the page has them: in capitals.
func sectionsAsShown(text []byte) []byte {
	sections := map[string]bool{}
	for _, m := range sectionHeading.FindAllSubmatch(text, -1) {
		sections[strings.ReplaceAll(strings.ToLower(string(m[1])), " ", "-")] = true
	}
	return seeSection.ReplaceAllFunc(text, func(found []byte) []byte {
		m := seeSection.FindSubmatch(found)
		if !sections[string(m[2])] {
			return found
		}
		return []byte("see " + strings.ToUpper(string(m[1])))
	})
}

// installed is where the packages have the documentation.
const installed = "/usr/share/doc/enitune/docs/"

// topicLink turns a link within the documentation into what helps a reader at a
// terminal: another manual page, a file of the package, or the address.
func topicLink(words, destination string) string {
	if strings.Contains(destination, "://") {
		return words + " <" + man.Code(destination) + ">"
	}
	file, _, _ := strings.Cut(destination, "#")
	for _, t := range topics() {
		if file != t.doc {
			continue
		}
		if words == t.doc {
			return man.Ref(t.name, t.section)
		}
		return words + " (" + man.Ref(t.name, t.section) + ")"
	}
	switch {
	case file == "../packaging/config.yaml":
		return man.Bold("/etc/enitune/config.yaml") + " as it is packaged"
	case file == "" || strings.HasPrefix(file, ".."):
		return words
	case words == file:
		return man.Bold(installed + file)
	default:
		return words + " (" + man.Bold(installed+file) + ")"
	}
}
