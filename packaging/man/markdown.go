package man

import (
	"fmt"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
)

// Links gives the roff for a link of a document: its text, already roff, and
// where it leads.
type Links func(words, destination string) string

// Markdown adds a document. Its title is left out, the text before its first
// heading is the description, and its tables become lists of tagged paragraphs:
// the first column is the tag, and the last one, where it has the most text, the
// explanation.
func (p *Page) Markdown(source []byte, links Links) error {
	doc := goldmark.New(goldmark.WithExtensions(extension.Table)).Parser().Parse(text.NewReader(source))
	p.Heading("DESCRIPTION")
	w := writer{page: p, source: source, links: links}
	for n := doc.FirstChild(); n != nil; n = n.NextSibling() {
		if h, ok := n.(*ast.Heading); ok && h.Level == 1 {
			continue
		}
		if err := w.block(n); err != nil {
			return err
		}
	}
	return nil
}

type writer struct {
	page   *Page
	source []byte
	links  Links
}

func (w writer) block(n ast.Node) error {
	switch n := n.(type) {
	case *ast.Heading:
		if title := w.plain(n); n.Level == 2 {
			w.page.Heading(title)
		} else {
			w.page.Subsection(title)
		}
	case *ast.Paragraph, *ast.TextBlock:
		words, err := w.inline(n)
		if err != nil {
			return err
		}
		w.page.Paragraph(words)
	case *ast.FencedCodeBlock:
		w.page.Literal(w.lines(n))
	case *ast.CodeBlock:
		w.page.Literal(w.lines(n))
	case *ast.List:
		return w.list(n)
	case *extast.Table:
		return w.table(n)
	default:
		return fmt.Errorf("%s is not known to the writer of manual pages", n.Kind())
	}
	return nil
}

func (w writer) lines(n ast.Node) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		at := n.Lines().At(i)
		b.Write(at.Value(w.source))
	}
	return b.String()
}

func (w writer) list(list *ast.List) error {
	number := list.Start
	for item := list.FirstChild(); item != nil; item = item.NextSibling() {
		mark, width := `\(bu`, 2
		if list.IsOrdered() {
			mark, width = fmt.Sprintf("%d.", number), 4
			number++
		}
		for n := item.FirstChild(); n != nil; n = n.NextSibling() {
			words, err := w.inline(n)
			switch {
			case err != nil:
				return err
			case n == item.FirstChild():
				w.page.Item(mark, width, words)
			case n.Kind() == ast.KindParagraph:
				w.page.Item(`""`, width, words)
			default:
				return fmt.Errorf("%s within a list is not known to the writer of manual pages", n.Kind())
			}
		}
	}
	return nil
}

func (w writer) table(table *extast.Table) error {
	var rows [][]string // the first one has the titles
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		var cells []string
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			words, err := w.inline(cell)
			if err != nil {
				return err
			}
			cells = append(cells, strings.TrimSpace(words))
		}
		rows = append(rows, cells)
	}
	explained := explains(rows[1:])
	for _, cells := range rows[1:] {
		w.page.Tagged(cells[0], entry(rows[0], cells, explained))
	}
	return nil
}

// explains tells whether the last column explains the first one: it has the most
// text of all.
func explains(rows [][]string) bool {
	if len(rows) == 0 {
		return false
	}
	sizes := make([]int, len(rows[0]))
	for _, cells := range rows {
		for i := 1; i < len(cells); i++ {
			sizes[i] += len(cells[i])
		}
	}
	return len(sizes) > 1 && slices.Max(sizes) == sizes[len(sizes)-1]
}

// entry is a row of a table as text: each column with its title, but for a last
// one that explains the row, which is set apart.
func entry(titles, cells []string, explained bool) string {
	var facts []string
	last := len(cells) - 1
	for i := 1; i <= last; i++ {
		if cells[i] == "" || (explained && i == last) {
			continue
		}
		facts = append(facts, strings.ToUpper(titles[i][:1])+titles[i][1:]+": "+strings.TrimSuffix(cells[i], ".")+".")
	}
	switch {
	case !explained && len(facts) > 0:
		return strings.Join(facts, Break)
	case len(facts) == 0 && (last == 0 || cells[last] == ""):
		return `\&`
	case len(facts) == 0:
		return cells[last]
	case cells[last] == "":
		return strings.Join(facts, " ")
	default:
		return strings.Join(facts, " ") + Break + cells[last]
	}
}

// plain is a node's text without any markup.
func (w writer) plain(n ast.Node) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Value(w.source))
			continue
		}
		b.WriteString(w.plain(c))
	}
	return b.String()
}

// inline is the roff for what is within a block.
func (w writer) inline(n ast.Node) (string, error) {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			b.WriteString(Text(string(c.Value(w.source))))
			if c.SoftLineBreak() || c.HardLineBreak() {
				b.WriteByte('\n')
			}
		case *ast.CodeSpan:
			b.WriteString(Bold(strings.ReplaceAll(w.plain(c), "\n", " ")))
		case *ast.Emphasis:
			words := strings.ReplaceAll(w.plain(c), "\n", " ")
			if c.Level == 1 {
				b.WriteString(`\fI` + Text(words) + `\fR`)
			} else {
				b.WriteString(`\fB` + Text(words) + `\fR`)
			}
		case *ast.AutoLink:
			b.WriteString(Code(string(c.URL(w.source))))
		case *ast.Link:
			words, err := w.inline(c)
			if err != nil {
				return "", err
			}
			b.WriteString(w.links(words, string(c.Destination)))
		default:
			return "", fmt.Errorf("%s within a paragraph is not known to the writer of manual pages", c.Kind())
		}
	}
	return b.String(), nil
}
