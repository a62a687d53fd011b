package logging

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"
)

// pipe gives both ends of a pipe, closed when the test ends.
func pipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func queuedLogger(t *testing.T, w *os.File) (*slog.Logger, *Queue) {
	t.Helper()
	t.Setenv("JOURNAL_STREAM", "")
	q := NewQueue()
	log, err := New(Options{Level: slog.LevelInfo, Format: FormatText, Stderr: w, Queue: q})
	if err != nil {
		t.Fatal(err)
	}
	return log, q
}

func TestAPipeThatNobodyReadsHoldsUpNothingAndWhatWasDroppedIsCounted(t *testing.T) {
	r, w := pipe(t)
	log, q := queuedLogger(t, w)
	defer q.Start()()
	const written = 5000 // far more than the pipe and the queue hold
	for n := range written {
		log.Info("line", "n", n)
	}
	// From now on somebody reads.
	next, dropped := 0, 0
	for lines := bufio.NewScanner(r); next < written && lines.Scan(); {
		var n int
		switch _, text, _ := strings.Cut(lines.Text(), "msg="); {
		case strings.HasPrefix(text, "line"):
			if _, err := fmt.Sscanf(text, "line n=%d", &n); err != nil || n != next {
				t.Fatalf("got %q, want line %d", text, next)
			}
			next++
		default:
			if _, err := fmt.Sscanf(text, `"log lines were dropped here: whatever reads the log did not read" lines=%d`, &n); err != nil {
				t.Fatalf("got %q: %v", text, err)
			}
			next, dropped = next+n, dropped+n
		}
	}
	if next != written || dropped == 0 {
		t.Errorf("%d of %d lines are accounted for, %d of them dropped", next, written, dropped)
	}
}

func TestTheEndOfAQueueWritesWhatIsLeft(t *testing.T) {
	r, w := pipe(t)
	log, q := queuedLogger(t, w)
	for n := range 10 {
		log.Info("line", "n", n)
	}
	q.Start()()
	w.Close()
	text, err := io.ReadAll(r)
	if n := strings.Count(string(text), "msg=line"); n != 10 || err != nil {
		t.Errorf("%d lines, %v", n, err)
	}
}

func TestTheEndOfAQueueDoesNotWaitForAReaderThatDoesNotRead(t *testing.T) {
	_, w := pipe(t)
	log, q := queuedLogger(t, w)
	for range 2000 {
		log.Info("line")
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.Start()()
	}()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Error("it waits")
	}
}
