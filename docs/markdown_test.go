// Package docs holds the documentation to the code: every key, field, value
// and metric is documented, and nothing is documented that does not exist.
package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// page is one Markdown file.
type page struct {
	name string
	text string
}

func read(t *testing.T, name string) page {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return page{name, string(data)}
}

var heading = regexp.MustCompile("(?m)^#{1,6} (.*)$")

// section is the text below a heading, up to the next heading of any level.
func (p page) section(t *testing.T, title string) string {
	t.Helper()
	for _, at := range heading.FindAllStringSubmatchIndex(p.text, -1) {
		if p.text[at[2]:at[3]] != title {
			continue
		}
		rest := p.text[at[1]:]
		if next := heading.FindStringIndex(rest); next != nil {
			rest = rest[:next[0]]
		}
		return rest
	}
	t.Fatalf("%s has no heading %q", p.name, title)
	return ""
}

// rows are the rows of all tables whose header is the given one, as cells.
func rows(text string, header ...string) [][]string {
	var found [][]string
	inside := false
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			inside = false
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case strings.Join(cells, "|") == strings.Join(header, "|"):
			inside = true
		case inside && !strings.HasPrefix(cells[0], "---"):
			found = append(found, cells)
		}
	}
	return found
}

// firsts are the first cells of rows, without the marks of code.
func firsts(rows [][]string) []string {
	var list []string
	for _, cells := range rows {
		list = append(list, strings.Trim(cells[0], "`"))
	}
	return list
}

var span = regexp.MustCompile("`([^`]*)`")

// spans are the pieces of code in a cell.
func spans(cell string) []string {
	var list []string
	for _, m := range span.FindAllStringSubmatch(cell, -1) {
		list = append(list, m[1])
	}
	return list
}

// blocks are the fenced blocks of a language.
func (p page) blocks(language string) []string {
	var list []string
	fence := regexp.MustCompile("(?ms)^```" + language + "\n(.*?)^```")
	for _, m := range fence.FindAllStringSubmatch(p.text, -1) {
		list = append(list, m[1])
	}
	return list
}
