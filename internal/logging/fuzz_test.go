package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/coreos/go-systemd/v22/journal"
)

// FuzzLogLines: whatever a message and its fields hold, each format makes one line
// of it that can steer no terminal, and the journal gets a valid name and the value
// as it is.
func FuzzLogLines(f *testing.F) {
	for _, s := range []string{"eth1", "a b=\"c\"", "\x1b[2J\x1b]0;t\a", "two\nlines", "\u009b31m\u202e", "\xff\xfe", "MESSAGE", "_PID"} {
		f.Add("changed "+s, s, s)
	}
	f.Fuzz(func(t *testing.T, message, key, value string) {
		at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
		r := slog.NewRecord(at, slog.LevelInfo, message, 0)
		r.AddAttrs(slog.String(key, value))

		var b bytes.Buffer
		if err := newLineHandler(slog.LevelDebug, terminalSink(&b)).Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		checkLine(t, "terminal", b.String())

		var vars map[string]string
		to := func(text string, _ journal.Priority, v map[string]string) error {
			checkLine(t, "journal", text+"\n")
			vars = v
			return nil
		}
		if err := newLineHandler(slog.LevelDebug, journalSink(to, nil)).Handle(context.Background(), r); err != nil {
			t.Fatal(err)
		}
		for name := range vars {
			ok := name != "" && len(name) <= 64 && 'A' <= name[0] && name[0] <= 'Z'
			for _, c := range name {
				ok = ok && ('A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '_')
			}
			if !ok || name == "MESSAGE" || name == "PRIORITY" || strings.HasPrefix(name, "CODE_") {
				t.Errorf("%q becomes the journal's field %q", key, name)
			}
		}
		if vars["SYSLOG_IDENTIFIER"] != identifier {
			t.Errorf("%q takes the place of the identifier", key)
		}
		checkFile(t, FormatText, r, value)
		checkFile(t, FormatJSON, r, value)
	})
}

// checkFile logs to a file, as in a container.
func checkFile(t *testing.T, format string, r slog.Record, value string) {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "log")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	log, err := New(Options{Format: format, Stderr: file})
	if err != nil {
		t.Fatal(err)
	}
	if err := log.Handler().Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	checkLine(t, format, string(text))
	if format == FormatJSON && utf8.ValidString(value) {
		var got map[string]any
		if err := json.Unmarshal(text, &got); err != nil {
			t.Errorf("%v: %s", err, text)
		}
	}
}

func checkLine(t *testing.T, what, text string) {
	t.Helper()
	line, ended := strings.CutSuffix(text, "\n")
	if !ended {
		t.Errorf("%s: a line without an end: %q", what, text)
	}
	for _, r := range line {
		// DEL, which slog leaves in logfmt, is passed over by terminals.
		if !unicode.IsPrint(r) && (what != FormatText || r != 0x7f) {
			t.Errorf("%s: %U is in the line %q", what, r, line)
			return
		}
	}
}
