package main

import (
	"strings"
	"sync"
)

// journal keeps the lines that a process writes. It is safe for concurrent use.
type journal struct {
	mu    sync.Mutex
	lines []string
	rest  string        // a line that is not complete
	more  chan struct{} // closed when a line comes
	echo  func(line string)
}

func newJournal() *journal { return &journal{more: make(chan struct{})} }

// Write takes a piece of the output.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.rest += string(p)
	for {
		line, rest, complete := strings.Cut(j.rest, "\n")
		if !complete {
			return len(p), nil
		}
		j.rest = rest
		j.lines = append(j.lines, line)
		close(j.more)
		j.more = make(chan struct{})
		if j.echo != nil {
			j.echo(line)
		}
	}
}

// mark is the place behind the last line.
func (j *journal) mark() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.lines)
}

// find gives the first line from mark on that holds all the words. more is closed when another line comes.
func (j *journal) find(mark int, words []string) (line string, ok bool, more <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, line := range j.lines[mark:] {
		if holdsAll(line, words) {
			return line, true, j.more
		}
	}
	return "", false, j.more
}

func holdsAll(line string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(line, w) {
			return false
		}
	}
	return true
}

// tail gives the last n lines.
func (j *journal) tail(n int) []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.lines[max(0, len(j.lines)-n):]...)
}

// follow hands every further line to echo.
func (j *journal) follow(echo func(line string)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.echo = echo
}
