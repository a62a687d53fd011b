package agent

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestAFailingSourceIsLoggedOnceAndItsReturnToo(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo}))
	report := func(err string) Report {
		r := Report{Sources: []SourceHealth{{Source: "api", Up: err == "", Error: err}}}
		if err != "" {
			r.Errors = []Problem{{ComponentAPI, err}}
		}
		return r
	}
	before := report("")
	for _, err := range []string{"throttled (request id 1)", "throttled (request id 2)", "throttled (request id 3)", ""} {
		now := report(err)
		logChanges(log, before, now, false)
		before = now
	}
	if errors, back := strings.Count(b.String(), "level=ERROR"), strings.Count(b.String(), "answers again"); errors != 1 || back != 1 {
		t.Errorf("%d errors and %d returns in:\n%s", errors, back, b.String())
	}
}
