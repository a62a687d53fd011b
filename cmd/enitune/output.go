package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"
	"golang.org/x/term"

	"github.com/enitune/enitune/agent"
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
		if data, err = yaml.JSONToYAML(data); err != nil {
			return err
		}
		_, err = a.stdout.Write(data)
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "%s\n", data)
	return err
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
