package lab

import (
	"regexp"
	"strings"
)

// lineBuffer puts together the lines of two streams, in the order in which they are completed.
type lineBuffer struct {
	partial [2]string // the unfinished lines
	lines   []string
	read    int // of lines, those that next has gone past
}

// write takes data of stream 1 or 2.
func (b *lineBuffer) write(stream int, data string) {
	p := &b.partial[stream-1]
	*p += data
	for {
		line, rest, found := strings.Cut(*p, "\n")
		if !found {
			return
		}
		b.lines = append(b.lines, strings.TrimSuffix(line, "\r"))
		*p = rest
	}
}

// flush makes lines of what has no line end.
func (b *lineBuffer) flush() {
	for i, line := range b.partial {
		if line != "" {
			b.lines = append(b.lines, line)
		}
		b.partial[i] = ""
	}
}

// next returns the first line behind the last one returned that matches re.
func (b *lineBuffer) next(re *regexp.Regexp) (string, bool) {
	for i := b.read; i < len(b.lines); i++ {
		if re.MatchString(b.lines[i]) {
			b.read = i + 1
			return b.lines[i], true
		}
	}
	return "", false
}

func (b *lineBuffer) String() string { return strings.Join(b.lines, "\n") }
