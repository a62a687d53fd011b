package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"golang.org/x/term"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/plain"
)

// printReport writes a report to stdout in the chosen format.
func (a *app) printReport(r agent.Report) error {
	if a.output == "table" {
		return writeReport(a.stdout, r, a.painter())
	}
	return a.printDocument(r)
}

// printDocument writes a value as JSON or YAML; both have the same shape.
func (a *app) printDocument(v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	if a.output == "yaml" {
		if data, err = toYAML(data); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", bytes.TrimRight(plain.JSON(data), "\n"))
	return err
}

// toYAML writes JSON as YAML, its keys in their order. Texts that do not print are
// put in double quotes, in which they are escaped: names and tags come from outside.
func toYAML(data []byte) ([]byte, error) {
	var v any
	if err := yaml.UnmarshalWithOptions(data, &v, yaml.UseOrderedMap()); err != nil {
		return nil, err
	}
	node, err := yaml.ValueToNode(v)
	if err != nil {
		return nil, err
	}
	ast.Walk(quoteOdd{}, node)
	return []byte(node.String()), nil
}

// quoteOdd is an ast.Visitor.
type quoteOdd struct{}

func (q quoteOdd) Visit(n ast.Node) ast.Visitor {
	if s, ok := n.(*ast.StringNode); ok && oneLine(s.Value) != s.Value {
		s.Token.Type = token.DoubleQuoteType
	}
	return q
}

// painter decides whether to use colour.
func (a *app) painter() painter {
	switch a.color {
	case "always":
		return true
	case "never":
		return false
	default:
		return painter(os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(a.stdout))
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// painter colours text, or not.
type painter bool

const (
	red    = "31"
	green  = "32"
	yellow = "33"
	bold   = "1"
	dim    = "2"
)

func (p painter) paint(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// oneLine keeps names, tags and messages from outside from changing what a
// terminal shows.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '\ufffd'
		}
		return r
	}, s)
}
