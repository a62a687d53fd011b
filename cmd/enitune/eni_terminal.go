package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// pollReader reads a file, such as a terminal, until its context ends. A plain
// read of a terminal cannot be interrupted.
type pollReader struct {
	ctx  context.Context
	file *os.File
}

// Read waits for input and reads it; the context's error if that ends first.
func (r pollReader) Read(p []byte) (int, error) {
	wake, wakeUp, err := os.Pipe()
	if err != nil {
		return 0, err
	}
	defer wake.Close()
	stop := context.AfterFunc(r.ctx, func() { wakeUp.Close() })
	defer func() {
		if stop() {
			wakeUp.Close()
		}
	}()
	fds := []unix.PollFd{{Fd: int32(r.file.Fd()), Events: unix.POLLIN}, {Fd: int32(wake.Fd())}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case r.ctx.Err() != nil:
			return 0, r.ctx.Err()
		case errors.Is(err, unix.EINTR):
		case err != nil:
			return 0, fmt.Errorf("wait for input: %w", err)
		default:
			return r.file.Read(p)
		}
	}
}

// maxAnswer bounds the answer to a question, in bytes.
const maxAnswer = 1 << 10

// ask puts a question whose answer is no unless it is y or yes. The end of the
// input is a no.
func ask(ctx context.Context, in *os.File, out io.Writer, question string) (bool, error) {
	fmt.Fprintf(out, "%s [y/N] ", question)
	reader := pollReader{ctx, in}
	var answer []byte
	for len(answer) < maxAnswer {
		chunk := make([]byte, 64)
		n, err := reader.Read(chunk)
		answer = append(answer, chunk[:n]...)
		if errors.Is(err, io.EOF) {
			fmt.Fprintln(out)
			break
		}
		if err != nil {
			fmt.Fprintln(out)
			return false, err
		}
		if strings.Contains(string(chunk[:n]), "\n") {
			break
		}
	}
	switch strings.ToLower(strings.TrimSpace(string(answer))) {
	case "y", "yes":
		return true, nil
	default:
		return false, nil
	}
}

// progressAfter is how long something may take before it is worth a line.
const progressAfter = time.Second

// progressEvery is the least time between two states of the line.
const progressEvery = 200 * time.Millisecond

// progress is one line on a terminal that is written over and over, and gone at
// the end. On anything else than a terminal it writes nothing.
type progress struct {
	out    io.Writer // nil: no terminal
	start  time.Time
	last   time.Time
	length int // of the line that stands there
}

func newProgress(stderr io.Writer) *progress {
	p := &progress{start: time.Now()}
	if f, ok := stderr.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		p.out = stderr
	}
	return p
}

// say replaces the line, if it is time.
func (p *progress) say(format string, args ...any) {
	now := time.Now()
	if p.out == nil || now.Sub(p.start) < progressAfter || now.Sub(p.last) < progressEvery {
		return
	}
	p.last = now
	text := fmt.Sprintf(format, args...)
	fmt.Fprintf(p.out, "\r%s%s", text, strings.Repeat(" ", max(0, p.length-len(text))))
	p.length = len(text)
}

// done removes the line.
func (p *progress) done() {
	if p.length > 0 {
		fmt.Fprintf(p.out, "\r%s\r", strings.Repeat(" ", p.length))
		p.length = 0
	}
}
