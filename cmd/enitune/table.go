package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/plan"
)

// writeReport prints a report for a person: what is wrong first, each with its
// remedy, then everything.
func writeReport(w io.Writer, r agent.Report, p painter) error {
	var b strings.Builder
	b.WriteString(p.paint(bold, oneLine(headline(r))) + "\n")
	b.WriteString(p.paint(dim, oneLine(origin(r))) + "\n")
	writeProblems(&b, r, p)
	if len(r.NICs) > 0 {
		b.WriteString("\n" + settingsTable(r, p) + "\n")
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// headline says in one line what matters.
func headline(r agent.Report) string {
	if drift := drifts(r); drift != "" {
		return "drift: " + drift
	}
	switch {
	case !r.Determined && len(r.Errors) > 0:
		return "not determined: " + r.Errors[0].Message
	case !r.Determined:
		return "not determined"
	case r.Desired.Origin == agent.OriginNone:
		return plural(len(r.NICs), "NIC") + " in sync with the rules in nics:"
	default:
		matched := 0
		for _, n := range r.NICs {
			if n.ENI != "" {
				matched++
			}
		}
		return plural(matched, "ENI") + " in sync"
	}
}

// drifts names the first setting that drifts, and how many more there are; "" if
// there is none.
func drifts(r agent.Report) string {
	first, count := "", 0
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			if !s.Drift {
				continue
			}
			if count == 0 {
				reason := strings.ReplaceAll(s.Reason.String(), "_", " ")
				first = fmt.Sprintf("%s %s %d/%d: %s", n.Device, s.Setting, s.Current, s.Desired, reason)
			}
			count++
		}
	}
	if count > 1 {
		return fmt.Sprintf("%s, and %d more", first, count-1)
	}
	return first
}

// statusLine is the headline for systemctl status.
func statusLine(r agent.Report) string {
	line := drifts(r)
	if line == "" {
		line = headline(r)
	}
	if r.Desired.Stale {
		line += "; stale: the cloud has not been read since " + r.Desired.FetchedAt.UTC().Format(time.RFC3339)
	}
	return oneLine(line)
}

// origin says on whose word the report stands.
func origin(r agent.Report) string {
	var parts []string
	for _, s := range []string{r.Instance.ID, r.Instance.Type, r.Instance.Region} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	who := strings.Join(parts, " ")
	if who == "" {
		who = "instance not known"
	}
	state := "no desired state from the cloud"
	switch r.Desired.Origin {
	case agent.OriginAPI:
		state = "desired state from the API"
	case agent.OriginCache:
		state = "desired state from the cache"
	}
	if !r.Desired.FetchedAt.IsZero() {
		state += ", read " + ago(r.Time.Sub(r.Desired.FetchedAt)) + " ago"
	}
	if r.Desired.Stale {
		state += ", stale"
	}
	return who + "; " + state
}

// ago rounds a span to what a person wants to know.
func ago(d time.Duration) string {
	switch {
	case d < time.Minute:
		return strconv.Itoa(max(0, int(d.Seconds()))) + "s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "m"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + "d"
	}
}

// writeProblems lists errors, drifts, changes and ENIs without a NIC.
func writeProblems(b *strings.Builder, r agent.Report, p painter) {
	line := func(code, mark, format string, args ...any) {
		b.WriteString(p.paint(code, mark) + " " + oneLine(fmt.Sprintf(format, args...)) + "\n")
	}
	for _, e := range r.Errors {
		line(red, "error", "%s: %s", e.Component, strings.TrimPrefix(e.Message, string(e.Component)+" "))
	}
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			switch {
			case s.Drift:
				line(red, "drift", "%s %s: %s%s", n.Device, s.Setting, s.Message, remedy(s))
			case s.Reason == plan.NoDesiredValue && n.ENI != "":
				line(yellow, "note", "%s %s: %s", n.Device, s.Setting, s.Message)
			}
			if s.Applied != nil {
				line(green, "wrote", "%s %s: %d -> %d", n.Device, s.Setting, s.Applied.From, s.Applied.To)
			}
		}
	}
	for _, u := range r.Unmatched {
		if u.Reason == agent.NICMissing {
			line(yellow, "note", "ENI %s (%s) has no NIC in this network namespace; it may have been moved into a container's", u.ENI, u.MAC)
		}
	}
}

// remedy names the command that repairs what a plan shows.
func remedy(s agent.SettingReport) string {
	if s.Action == plan.Set {
		return "; `enitune apply` sets it"
	}
	return ""
}

// settingsTable lists every setting of every NIC, drifted ones first.
func settingsTable(r agent.Report, p painter) string {
	t := table.NewWriter()
	t.SetStyle(table.Style{Name: "plain", Box: table.StyleBoxDefault, Options: table.OptionsNoBordersAndSeparators, Format: table.FormatOptions{Header: text.FormatUpper}})
	t.Style().Box.PaddingLeft = ""
	t.Style().Box.PaddingRight = "  "
	t.AppendHeader(table.Row{"nic", "eni", "setting", "current", "desired", "max", "source", "action", "reason"})
	right := func(name string) table.ColumnConfig {
		return table.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight}
	}
	t.SetColumnConfigs([]table.ColumnConfig{right("current"), right("desired"), right("max")})
	for _, drifted := range []bool{true, false} {
		for _, n := range r.NICs {
			for _, s := range n.Settings {
				if s.Drift == drifted {
					t.AppendRow(settingRow(n, s, p))
				}
			}
		}
	}
	return strings.TrimRight(trimLines(t.Render()), "\n")
}

func settingRow(n agent.NICReport, s agent.SettingReport, p painter) table.Row {
	reason := s.Reason.String()
	switch {
	case s.Drift:
		reason = p.paint(red, reason)
	case s.Reason == plan.InSync:
		reason = p.paint(green, reason)
	default:
		reason = p.paint(dim, reason)
	}
	return table.Row{oneLine(n.Device), orDash(oneLine(n.ENI)), s.Setting.String(), number(s.Current), number(s.Desired), number(s.Max),
		orDash(s.Source.String()), s.Action.String(), reason}
}

// trimLines removes the padding at the ends of lines.
func trimLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.TrimRight(l, " ")
	}
	return strings.Join(lines, "\n")
}

func number(n int) string {
	if n == 0 {
		return "-"
	}
	return strconv.Itoa(n)
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}
