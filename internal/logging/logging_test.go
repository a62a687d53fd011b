package logging

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/coreos/go-systemd/v22/journal"
	"github.com/google/go-cmp/cmp"
)

type secret string

func (secret) LogValue() slog.Value { return slog.StringValue("hidden") }

func TestTerminalLinesAreShortAndSafe(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	tests := map[string]struct {
		level   slog.Level
		message string
		attrs   []any
		want    string
	}{
		"info has no level":        {slog.LevelInfo, "set queues", []any{"device", "eth1", "from", 2, "to", 4}, "04:05:06 set queues device=eth1 from=2 to=4\n"},
		"others have":              {slog.LevelWarn, "slow", nil, "04:05:06 WARN slow\n"},
		"odd values are quoted":    {slog.LevelInfo, "x", []any{"error", errors.New(`a "b"`), "empty", "", "eq", "a=b"}, `04:05:06 x error="a \"b\"" empty="" eq="a=b"` + "\n"},
		"escapes are shown":        {slog.LevelInfo, "a\x1b[2Jb\n", []any{"device", "\x1b[31m"}, `04:05:06 a\x1b[2Jb\n device="\x1b[31m"` + "\n"},
		"groups are part of a key": {slog.LevelInfo, "x", []any{slog.Group("nic", "name", "eth1", slog.Group("pci", "bus", 3))}, "04:05:06 x nic.name=eth1 nic.pci.bus=3\n"},
		"values are resolved":      {slog.LevelInfo, "x", []any{"key", secret("topsecret")}, "04:05:06 x key=hidden\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			r := slog.NewRecord(at, tt.level, tt.message, 0)
			r.Add(tt.attrs...)
			if err := newLineHandler(slog.LevelDebug, terminalSink(&b)).Handle(context.Background(), r); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLineHandlerKeepsTheRulesOfSlog(t *testing.T) {
	var records []map[string]any
	h := newLineHandler(slog.LevelDebug, func(_ context.Context, r slog.Record, fields []field) error {
		record := map[string]any{slog.LevelKey: r.Level, slog.MessageKey: r.Message}
		if !r.Time.IsZero() {
			record[slog.TimeKey] = r.Time
		}
		for _, f := range fields {
			nest(record, strings.Split(f.key, "."), f.value)
		}
		records = append(records, record)
		return nil
	})
	if err := slogtest.TestHandler(h, func() []map[string]any { return records }); err != nil {
		t.Error(err)
	}
}

func nest(m map[string]any, path []string, value any) {
	for _, key := range path[:len(path)-1] {
		if _, ok := m[key]; !ok {
			m[key] = map[string]any{}
		}
		m = m[key].(map[string]any)
	}
	m[path[len(path)-1]] = value
}

type sent struct {
	Message  string
	Priority journal.Priority
	Vars     map[string]string
}

func TestJournalRecordsHaveMessagePriorityAndFields(t *testing.T) {
	var got []sent
	h := newLineHandler(slog.LevelDebug, journalSink(func(m string, p journal.Priority, v map[string]string) error {
		got = append(got, sent{m, p, v})
		return nil
	}, slog.DiscardHandler))
	log := slog.New(h).With("device", "eth1")
	log.Info("set queues", "to", 4)
	log.WithGroup("api").Warn("throttled", "request-id", "A B")
	log.Debug("x", "message", "m", "priority", 9, "_pid", 1, "1st", 2)
	log.Error("y")
	want := []sent{
		{"set queues device=eth1 to=4", journal.PriInfo, map[string]string{"SYSLOG_IDENTIFIER": "enitune", "DEVICE": "eth1", "TO": "4"}},
		{`throttled device=eth1 api.request-id="A B"`, journal.PriWarning, map[string]string{"SYSLOG_IDENTIFIER": "enitune", "DEVICE": "eth1", "API_REQUEST_ID": "A B"}},
		{"x device=eth1 message=m priority=9 _pid=1 1st=2", journal.PriDebug, map[string]string{
			"SYSLOG_IDENTIFIER": "enitune", "DEVICE": "eth1", "FIELD_MESSAGE": "m", "FIELD_PRIORITY": "9", "FIELD__PID": "1", "FIELD_1ST": "2",
		}},
		{"y device=eth1", journal.PriErr, map[string]string{"SYSLOG_IDENTIFIER": "enitune", "DEVICE": "eth1"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestJournalNamesAreValid(t *testing.T) {
	for key, want := range map[string]string{
		"": "FIELD_", "eni": "ENI", "rx_ring": "RX_RING", "é": "FIELD__", "syslog_pid": "FIELD_SYSLOG_PID", "errno": "FIELD_ERRNO",
		strings.Repeat("a", 70): strings.Repeat("A", 64),
	} {
		if got := journalName(key); got != want {
			t.Errorf("%q: got %s, want %s", key, got, want)
		}
	}
}

func TestRecordsGoToTheFallbackWhenTheJournalIsGone(t *testing.T) {
	var b bytes.Buffer
	gone := func(string, journal.Priority, map[string]string) error { return io.ErrClosedPipe }
	log := slog.New(newLineHandler(slog.LevelInfo, journalSink(gone, slog.NewTextHandler(&b, nil))))
	log.With("device", "eth1").Info("kept", "n", 1)
	if got := b.String(); !strings.Contains(got, "msg=kept device=eth1 n=1") {
		t.Errorf("got %q", got)
	}
}

func TestJournalIsRecognisedByDeviceAndInode(t *testing.T) {
	f, stat := tempFile(t)
	match := fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
	for stream, want := range map[string]bool{match: true, "": false, "x": false, match + "1": false} {
		if got := isJournal(f, stream); got != want {
			t.Errorf("JOURNAL_STREAM=%q: got %v, want %v", stream, got, want)
		}
	}
}

func tempFile(t *testing.T) (*os.File, *syscall.Stat_t) {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	return f, info.Sys().(*syscall.Stat_t)
}

func TestNewWritesTheFormatAtTheLevel(t *testing.T) {
	tests := map[string]struct {
		format string
		want   string
	}{
		"auto outside the journal is logfmt with the time": {FormatAuto, "level=INFO msg=shown n=1\n"},
		"text": {FormatText, "level=INFO msg=shown n=1\n"},
		"json": {FormatJSON, `"level":"INFO","msg":"shown","n":1}` + "\n"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", "")
			f, _ := tempFile(t)
			log, err := New(Options{Level: slog.LevelInfo, Format: tt.format, Stderr: f})
			if err != nil {
				t.Fatal(err)
			}
			log.Debug("not shown")
			log.Info("shown", "n", 1)
			got, err := os.ReadFile(f.Name())
			if err != nil {
				t.Fatal(err)
			}
			if s := string(got); !strings.HasSuffix(s, tt.want) || strings.Count(s, "\n") != 1 || !strings.Contains(s, "time") {
				t.Errorf("got %q, want one line that ends with %q", s, tt.want)
			}
		})
	}
	if _, err := New(Options{Format: "xml"}); err == nil || err.Error() != `log format "xml": it must be auto, text or json` {
		t.Errorf("an unknown format: got %v", err)
	}
}

func TestLevelsAreParsed(t *testing.T) {
	for s, want := range map[string]slog.Level{"debug": slog.LevelDebug, "INFO": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError} {
		if got, err := ParseLevel(s); err != nil || got != want {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	if _, err := ParseLevel("loud"); err == nil || err.Error() != `log level "loud": it must be debug, info, warn or error` {
		t.Errorf("got %v", err)
	}
}
