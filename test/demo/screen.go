package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"golang.org/x/term"
)

// width is the longest line that the demo prints, in columns.
const width = 108

// The terminal's colours.
const (
	bold  = "1"
	dim   = "2"
	red   = "31"
	green = "32"
	cyan  = "36"
)

// screen prints the story. It is safe for concurrent use, one call a block.
type screen struct {
	mu     sync.Mutex
	out    io.Writer
	colour bool
	pace   time.Duration // before each step, for somebody to follow; 0 where nobody watches
	start  time.Time
}

// stepPause is what a reader gets before each step.
const stepPause = time.Second

// newScreen uses colour on a terminal that has it, unless NO_COLOR is set (no-color.org).
func newScreen(out *os.File) *screen {
	s := &screen{out: out, start: time.Now()}
	if term.IsTerminal(int(out.Fd())) {
		s.colour = os.Getenv("TERM") != "dumb" && os.Getenv("NO_COLOR") == ""
		s.pace = stepPause
	}
	return s
}

func (s *screen) paint(code, text string) string {
	if !s.colour {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

// put prints a text, each line indented and broken at width, what is broken off indented by hang more. Errors of a
// terminal that is gone have nobody to be told to.
func (s *screen) put(indent, hang, text string) {
	var b strings.Builder
	for _, line := range strings.Split(strings.TrimRight(text, "\n"), "\n") {
		for _, part := range wrap(line, hang, width-len(indent)) {
			b.WriteString(strings.TrimRight(indent+part, " ") + "\n")
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = io.WriteString(s.out, b.String())
}

func (s *screen) blank() { s.put("", "", "") }

// heading begins a step, after a pause that ctx cuts short.
func (s *screen) heading(ctx context.Context, n int, title string) {
	select {
	case <-time.After(s.pace):
	case <-ctx.Done():
	}
	s.blank()
	s.put("", "", s.paint(bold, fmt.Sprintf("%d. %s", n, title)))
}

// say tells the story.
func (s *screen) say(format string, args ...any) { s.put("  ", "", fmt.Sprintf(format, args...)) }

// typed shows a command as somebody types it.
func (s *screen) typed(line string) { s.put("  ", "    ", s.paint(cyan, "$ "+line)) }

// output shows what a program wrote.
func (s *screen) output(text string) { s.put("    ", "    ", text) }

// ok tells an outcome that was checked.
func (s *screen) ok(format string, args ...any) {
	s.put("  ", "    ", s.paint(green, "ok:")+" "+fmt.Sprintf(format, args...))
}

// wrap breaks a line at spaces into parts of at most limit columns; the further ones begin with hang. Colour codes take no
// column. A word that is too long stays whole.
func wrap(line, hang string, limit int) []string {
	var parts []string
	for columns(line) > limit {
		at := breakAt(line, limit, len(line)-len(strings.TrimLeft(line, " ")))
		if at < 0 {
			break
		}
		parts = append(parts, line[:at])
		line = hang + strings.TrimLeft(line[at:], " ")
	}
	return append(parts, line)
}

// breakAt finds the last space behind from that leaves at most limit columns before it, else the first one; -1 for none.
func breakAt(line string, limit, from int) int {
	best := -1
	for i := from; i < len(line); i++ {
		if line[i] != ' ' {
			continue
		}
		if best >= 0 && columns(line[:i]) > limit {
			break
		}
		best = i
	}
	return best
}

// columns counts what a terminal shows of a text.
func columns(text string) int {
	n := 0
	for {
		before, after, escape := strings.Cut(text, "\x1b[")
		n += utf8.RuneCountInString(before)
		if !escape {
			return n
		}
		_, text, _ = strings.Cut(after, "m")
	}
}

// head keeps the first n lines of an output and says what it left out.
func head(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) <= n {
		return text
	}
	return strings.Join(lines[:n], "\n") + fmt.Sprintf("\n... (%d more lines)", len(lines)-n)
}
