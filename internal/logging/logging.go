// Package logging makes the program's logger: the systemd journal's own
// protocol where the journal reads the output, a short line for a person on a
// terminal, and logfmt or JSON elsewhere.
package logging

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"syscall"

	"github.com/coreos/go-systemd/v22/journal"
	"golang.org/x/term"

	"github.com/enitune/enitune/internal/plain"
)

// The formats of Options.
const (
	FormatAuto = "auto" // the journal where it reads the output, text elsewhere
	FormatText = "text" // lines for people on a terminal, logfmt elsewhere
	FormatJSON = "json" // one JSON object a line
)

// ParseLevel reads debug, info, warn or error, in either case.
func ParseLevel(s string) (slog.Level, error) {
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if strings.EqualFold(s, l.String()) {
			return l, nil
		}
	}
	return 0, fmt.Errorf("log level %q: it must be debug, info, warn or error", s)
}

// Options are what New needs.
type Options struct {
	// Level is the lowest level that is written.
	Level slog.Level
	// Format is one of the formats above.
	Format string
	// Stderr is where to; nil is the process's standard error.
	Stderr *os.File
	// Queue is where lines wait to be written, for a program that must not wait for
	// whoever reads them; nil writes each line at once.
	Queue *Queue
}

// New makes a logger. It fails on an unknown format only.
func New(o Options) (*slog.Logger, error) {
	if o.Stderr == nil {
		o.Stderr = os.Stderr
	}
	h, err := handler(o)
	if err != nil {
		return nil, err
	}
	if o.Queue != nil {
		direct := o
		direct.Queue = nil
		log, err := New(direct)
		if err != nil {
			return nil, err
		}
		o.Queue.tell = func(dropped int) {
			log.Warn("log lines were dropped here: whatever reads the log did not read", "lines", dropped)
		}
	}
	return slog.New(h), nil
}

func handler(o Options) (slog.Handler, error) {
	options := &slog.HandlerOptions{Level: o.Level}
	var w io.Writer = o.Stderr
	through := func(s sink) sink { return s }
	if o.Queue != nil {
		w = queued{o.Queue, w}
		through = func(s sink) sink { return queuedSink(o.Queue, s) }
	}
	switch o.Format {
	case FormatJSON:
		return slog.NewJSONHandler(plain.Writer(w), options), nil
	case FormatAuto:
		if isJournal(o.Stderr, os.Getenv("JOURNAL_STREAM")) && journal.Enabled() {
			fallback := slog.NewTextHandler(o.Stderr, options)
			return newLineHandler(o.Level, through(journalSink(journal.Send, fallback))), nil
		}
	case FormatText:
	default:
		return nil, fmt.Errorf("log format %q: it must be %s, %s or %s", o.Format, FormatAuto, FormatText, FormatJSON)
	}
	if term.IsTerminal(int(o.Stderr.Fd())) {
		return newLineHandler(o.Level, through(terminalSink(o.Stderr))), nil
	}
	return slog.NewTextHandler(w, options), nil
}

// isJournal reports whether f is the stream that systemd connected to the
// journal and named, as DEVICE:INODE, in the environment's JOURNAL_STREAM
// (systemd.exec(5)). A unit's output that is redirected later does not match.
func isJournal(f *os.File, stream string) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && stream == fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
}
