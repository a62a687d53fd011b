//go:build !manpages

package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// FuzzReportFromTheSocket: whatever stands behind the socket answers, what is
// printed of it steers no terminal, in any of the formats, and JSON keeps what it
// said.
func FuzzReportFromTheSocket(f *testing.F) {
	r := planReport()
	f.Add(mustJSON(f, r))
	for _, hostile := range []string{"\x1b[31m\x1b]0;owned\a", "a\nb", "\u009b2J\u202e", "<script>"} {
		r := planReport()
		r.Instance.ID, r.Instance.Region, r.Instance.Type = hostile, hostile, hostile
		r.NICs[0].Device, r.NICs[0].ENI, r.NICs[0].MAC = hostile, hostile, hostile
		r.Unmatched[0].ENI, r.Errors[0].Message = hostile, hostile
		r.Desired.Origin = hostile
		f.Add(mustJSON(f, r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r agent.Report
		if json.Unmarshal(data, &r) != nil {
			return
		}
		checkTerminal(t, "table", render(t, r, false))
		checkTerminal(t, "status line", statusLine(r))
		for _, format := range []string{"json", "yaml"} {
			var b strings.Builder
			a := &app{stdout: &b, output: format}
			if err := a.printReport(r); err != nil {
				t.Fatal(err)
			}
			checkTerminal(t, format, b.String())
			if format != "json" || !complete(r) {
				continue
			}
			var again agent.Report
			if err := json.Unmarshal([]byte(b.String()), &again); err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(mustJSON(t, r), mustJSON(t, again)); d != "" {
				t.Errorf("printed and read again:\n%s", d)
			}
		}
	})
}

// complete tells whether a report's settings have the names without which it cannot
// be read again.
func complete(r agent.Report) bool {
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			if !slices.Contains(nic.Settings(), s.Setting) || !slices.Contains(plan.Actions(), s.Action) || !slices.Contains(plan.Reasons(), s.Reason) {
				return false
			}
		}
	}
	return true
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func checkTerminal(t *testing.T, what, text string) {
	t.Helper()
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' {
			t.Errorf("%s: %U is printed: %.200q", what, r, text)
			return
		}
	}
}
