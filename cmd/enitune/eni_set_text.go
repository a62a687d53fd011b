package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/enireport"
)

// reviewText shows a change before it is made: the ENI, before -> after, the
// findings, and for a dry run the request.
func reviewText(doc enireport.Change, facts eni.Facts, o setOptions, p painter) string {
	var b strings.Builder
	b.WriteString(p.paint(bold, doc.ENI) + " " + standing(doc, facts) + "\n")
	b.WriteString(aligned(changePairs(doc, facts, p)))
	if len(doc.Changes) == 0 && doc.Request != nil {
		b.WriteString("  no change; --force sends what the ENI already has\n")
	}
	for _, severity := range []eni.Severity{eni.SeverityError, eni.SeverityWarning, eni.SeverityNote} {
		for _, f := range doc.Findings {
			if f.Severity == severity.String() {
				b.WriteString(findingText(f, p))
			}
		}
	}
	if o.dryRun {
		b.WriteString(requestText(doc))
	}
	return b.String()
}

// requestText shows what would be sent: the request and the tags, or one of them.
func requestText(doc enireport.Change) string {
	var b strings.Builder
	then := ""
	if doc.Request != nil {
		b.WriteString("request:\n")
		for _, name := range slices.Sorted(maps.Keys(doc.Request)) {
			b.WriteString("  " + name + "=" + oneLine(doc.Request[name]) + "\n")
		}
		then = "then "
	}
	if len(doc.Tags) > 0 {
		b.WriteString(then + "TagResources:\n  " + tagWords(doc.Tags) + "\n")
	}
	return b.String()
}

// changePairs are the fields and tags with before -> after.
func changePairs(doc enireport.Change, facts eni.Facts, p painter) []pair {
	var pairs []pair
	for _, c := range doc.Changes {
		pairs = append(pairs, pair{c.Field, oneLine(before(c.Before, c.Known)) + " -> " + p.paint(bold, oneLine(c.After))})
	}
	for _, t := range doc.Tags {
		old, has := facts.ENI.Tags[t.Key]
		if !has {
			old = "none"
		}
		pairs = append(pairs, pair{"tag " + t.Key, oneLine(old) + " -> " + p.paint(bold, t.Value)})
	}
	return pairs
}

// standing says what kind of ENI it is and where it is attached.
func standing(doc enireport.Change, facts eni.Facts) string {
	parts := []string{facts.ENI.Type, facts.ENI.Status}
	if doc.Instance != "" {
		where := "on " + doc.Instance
		if in := facts.Instance; in != nil {
			where += " (" + strings.Join(slices.DeleteFunc([]string{in.Status, in.Type}, func(s string) bool { return s == "" }), ", ") + ")"
		}
		parts = append(parts, where)
	}
	parts = append(parts, "in "+doc.Region)
	return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), ", ")
}

func findingText(f enireport.Finding, p painter) string {
	colour := dim
	switch f.Severity {
	case eni.SeverityError.String():
		colour = red
	case eni.SeverityWarning.String():
		colour = yellow
	}
	text := p.paint(colour, f.Severity) + " " + oneLine(f.Message) + " [" + f.Rule + "]\n"
	if f.Remedy != "" {
		for line := range strings.SplitSeq(f.Remedy, "\n") {
			text += "  remedy: " + oneLine(line) + "\n"
		}
	}
	return text
}

// outcomeText says how a change ended.
func outcomeText(doc enireport.Change, p painter) string {
	var b strings.Builder
	switch doc.Result {
	case enireport.ResultUnchanged:
		b.WriteString("nothing to change: the ENI already has all of it; --force sends it all the same\n")
	case enireport.ResultRefused:
		b.WriteString(p.paint(red, "nothing was sent") + ": " + refusal(doc) + "\n")
	case enireport.ResultPlanned:
		b.WriteString("dry run: nothing was sent; without --dry-run this change would be made\n" + untoldText(doc))
	case enireport.ResultChanged:
		b.WriteString(p.paint(green, "changed") + "\n" + untoldText(doc))
		switch {
		case doc.Shown == nil || !*doc.Shown:
		case len(doc.Untold) > 0:
			b.WriteString("the API shows the rest of it\n")
		default:
			b.WriteString("the API shows it\n")
		}
	case enireport.ResultDeclined, enireport.ResultFailed, enireport.ResultUnknown: // stderr tells
	}
	if doc.Result == enireport.ResultChanged || doc.Result == enireport.ResultPlanned {
		for _, step := range doc.Next {
			b.WriteString(p.paint(bold, "next") + " " + step + "\n")
		}
	}
	return b.String()
}

// untoldText names what no read will show.
func untoldText(doc enireport.Change) string {
	if len(doc.Untold) == 0 {
		return ""
	}
	return "the API does not give back " + strings.Join(doc.Untold, ", ") + ": the accepted request is all there is to see\n"
}

// refusal says what would let a refused change pass.
func refusal(doc enireport.Change) string {
	for _, f := range doc.Findings {
		if f.Severity == eni.SeverityError.String() {
			return "correct the errors above; --force does not pass them"
		}
	}
	return "follow the remedies above; --force sends it all the same, and the API decides"
}

// prefixed gives every line of a message the program's name.
func prefixed(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("enitune: " + strings.TrimRight(line, "\n") + "\n")
	}
	return b.String()
}
