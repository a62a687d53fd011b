package logging

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"

	"github.com/coreos/go-systemd/v22/journal"
)

// identifier is what journalctl -t and the start of each shown line name.
const identifier = "enitune"

// terminalSink writes lines for a person: 15:04:05 WARN message key=value.
// The level stands there only when it is not the usual one.
func terminalSink(w io.Writer) sink {
	var mu sync.Mutex
	return func(_ context.Context, r slog.Record, fields []field) error {
		text := line(r.Message, fields) + "\n"
		if r.Level != slog.LevelInfo {
			text = r.Level.String() + " " + text
		}
		if !r.Time.IsZero() {
			text = r.Time.Format("15:04:05 ") + text
		}
		mu.Lock()
		defer mu.Unlock()
		_, err := io.WriteString(w, text)
		return err
	}
}

// send is journal.Send.
type send func(message string, priority journal.Priority, vars map[string]string) error

// journalSink sends records to the journal. MESSAGE holds the fields too,
// because journalctl shows nothing else by default; each is a journal field of
// its own besides, for journalctl DEVICE=eth1 and -o json. When the journal does
// not answer, the record goes to the fallback.
func journalSink(to send, fallback slog.Handler) sink {
	return func(ctx context.Context, r slog.Record, fields []field) error {
		if to(line(r.Message, fields), priority(r.Level), journalFields(fields)) == nil {
			return nil
		}
		flat := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
		for _, f := range fields {
			flat.AddAttrs(slog.String(f.key, f.value))
		}
		return fallback.Handle(ctx, flat)
	}
}

// priority is the syslog priority of a level.
func priority(l slog.Level) journal.Priority {
	switch {
	case l >= slog.LevelError:
		return journal.PriErr
	case l >= slog.LevelWarn:
		return journal.PriWarning
	case l >= slog.LevelInfo:
		return journal.PriInfo
	default:
		return journal.PriDebug
	}
}

// journalFields maps fields to the journal's names; of equal names the last
// value counts.
func journalFields(fields []field) map[string]string {
	vars := map[string]string{"SYSLOG_IDENTIFIER": identifier}
	for _, f := range fields {
		vars[journalName(f.key)] = f.value
	}
	return vars
}

// journalName is a valid name of a journal field: upper-case letters, digits
// and underscores, first a letter, at most 64 characters
// (systemd.journal-fields(7)). A name with a meaning of its own gets a prefix.
func journalName(key string) string {
	name := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		default:
			return '_'
		}
	}, key)
	reserved := name == "MESSAGE" || name == "MESSAGE_ID" || name == "PRIORITY" || name == "ERRNO" ||
		strings.HasPrefix(name, "SYSLOG_") || strings.HasPrefix(name, "CODE_")
	if reserved || name == "" || name[0] < 'A' || name[0] > 'Z' {
		name = "FIELD_" + name
	}
	return name[:min(len(name), 64)]
}
