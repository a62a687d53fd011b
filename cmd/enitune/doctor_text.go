package main

import (
	"io"
	"strings"

	"github.com/enitune/enitune/internal/doctor"
)

// printDoctor writes a doctor's report to stdout in the chosen format.
func (a *app) printDoctor(r doctor.Report) error {
	if a.output == "table" {
		return writeDoctor(a.stdout, r, a.painter())
	}
	return a.printDocument(r)
}

// writeDoctor prints the findings for a person: the worst first, each with its
// remedy on a line of its own.
func writeDoctor(w io.Writer, r doctor.Report, p painter) error {
	var b strings.Builder
	b.WriteString(p.paint(bold, diagnosis(r)) + "\n")
	for _, status := range doctor.Statuses() {
		first := true
		for _, f := range r.Findings {
			if f.Status != status {
				continue
			}
			if first {
				b.WriteString("\n")
				first = false
			}
			what := string(f.Check)
			if f.Object != "" {
				what += " " + f.Object
			}
			b.WriteString(p.paint(colourOf(status), pad(status.String(), 4)) + "  " + what + ": " + f.Message + "\n")
			if f.Remedy != "" {
				b.WriteString("      " + p.paint(dim, "-> "+f.Remedy) + "\n")
			}
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// diagnosis says in one line what matters.
func diagnosis(r doctor.Report) string {
	c := r.Counts
	switch r.Status {
	case doctor.Fail:
		line := plural(c.Fail, "check") + " failed"
		if c.Warn > 0 {
			line += ", " + plural(c.Warn, "warning")
		}
		return line
	case doctor.Warn:
		return "it works, with " + plural(c.Warn, "warning")
	case doctor.OK, doctor.Note:
	}
	return "nothing is wrong"
}

func colourOf(s doctor.Status) string {
	switch s {
	case doctor.Fail:
		return red
	case doctor.Warn:
		return yellow
	case doctor.OK:
		return green
	case doctor.Note:
	}
	return dim
}

func pad(s string, width int) string { return s + strings.Repeat(" ", max(0, width-len(s))) }
