// Package man writes manual pages: roff with the man macros.
package man

import (
	"fmt"
	"strings"
	"time"
)

// Page is one manual page under construction.
type Page struct {
	Name    string // such as enitune-plan
	Section int
	b       strings.Builder
	fresh   bool // nothing is below the last heading yet
}

// Source is what the header and footer of all pages have in common.
type Source struct {
	Product string // name and version
	Date    time.Time
}

// New begins a page. The summary is one phrase, without a full stop.
func New(name string, section int, summary string, src Source) *Page {
	p := &Page{Name: name, Section: section}
	title := map[int]string{1: "User Commands", 5: "File Formats", 7: "Miscellaneous", 8: "System Administration"}[section]
	p.line(`.\" Generated; the sources are the commands' help texts and the pages under docs/.`)
	p.line(".TH " + quote(strings.ToUpper(name)) + fmt.Sprintf(" %d ", section) + quote(src.Date.UTC().Format(time.DateOnly)) + " " + quote(src.Product) + " " + quote(title))
	// Words of commands and keys are not to be hyphenated, nor lines stretched.
	p.line(".nh")
	p.line(".ad l")
	p.Heading("NAME")
	p.line(Text(name) + ` \- ` + Text(summary))
	return p
}

// File is the page's file name.
func (p *Page) File() string { return fmt.Sprintf("%s.%d", p.Name, p.Section) }

// String is the page's text.
func (p *Page) String() string { return p.b.String() }

// Heading begins a section.
func (p *Page) Heading(title string) { p.line(".SH " + quote(strings.ToUpper(title))) }

// Subsection begins a subsection.
func (p *Page) Subsection(title string) { p.line(".SS " + quote(title)) }

// Paragraph adds a paragraph of roff, as Text and its like make it.
func (p *Page) Paragraph(roff string) {
	p.space()
	p.text(roff)
}

// Tagged adds an entry of a list: a tag, and what it means.
func (p *Page) Tagged(tag, roff string) {
	p.line(".TP")
	p.text(tag)
	p.text(roff)
}

// Item adds an entry of a list of paragraphs, with a bullet or number.
func (p *Page) Item(mark string, width int, roff string) {
	p.line(fmt.Sprintf(".IP %s %d", mark, width))
	p.text(roff)
}

// Literal adds lines that are shown as they are.
func (p *Page) Literal(text string) {
	p.space()
	p.line(".RS 4")
	p.line(".nf")
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		p.text(Code(line))
	}
	p.line(".fi")
	p.line(".RE")
}

// text adds lines of text, none of which is taken for a request.
func (p *Page) text(roff string) {
	for line := range strings.SplitSeq(strings.TrimRight(roff, "\n"), "\n") {
		line = strings.TrimRight(line, " ")
		switch {
		case line == "":
			line = `\&` // an empty line would be a request of its own
		case strings.HasPrefix(line, ".br"): // the one request that text may hold
		case line[0] == '.' || line[0] == '\'':
			line = `\&` + line
		}
		p.line(line)
	}
}

// space sets a paragraph apart from what is above; a heading does so itself.
func (p *Page) space() {
	if !p.fresh {
		p.line(".PP")
	}
}

func (p *Page) line(text string) {
	p.fresh = strings.HasPrefix(text, ".SH ") || strings.HasPrefix(text, ".SS ")
	p.b.WriteString(text)
	p.b.WriteByte('\n')
}

// Break is a line break within a paragraph.
const Break = "\n.br\n"

// Text makes plain text safe for roff.
func Text(s string) string { return strings.ReplaceAll(s, `\`, `\e`) }

// Code is text that is typed: its hyphens and quotes stay what they are when
// copied.
func Code(s string) string {
	return strings.NewReplacer(`\`, `\e`, `-`, `\-`, `'`, `\(aq`, "`", `\(ga`, `^`, `\(ha`, `~`, `\(ti`).Replace(s)
}

// Bold is typed literally.
func Bold(s string) string { return `\fB` + Code(s) + `\fR` }

// Italic stands for something else.
func Italic(s string) string { return `\fI` + Code(s) + `\fR` }

// Ref names another page.
func Ref(name string, section int) string { return fmt.Sprintf(`%s(%d)`, Bold(name), section) }

func quote(s string) string { return `"` + strings.ReplaceAll(Text(s), `"`, `\(dq`) + `"` }

// Alias is a page that shows another one.
func Alias(of *Page) string { return fmt.Sprintf(".so man%d/%s\n", of.Section, of.File()) }
