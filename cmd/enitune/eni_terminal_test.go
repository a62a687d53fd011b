package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/enitune/enitune/test/pty"
)

func TestOnlyYesIsAYes(t *testing.T) {
	for answer, want := range map[string]bool{
		"y\n": true, "Y\n": true, "yes\n": true, " Yes \n": true,
		"\n": false, "n\n": false, "no\n": false, "yeah\n": false, "eni-1\n": false, "\x04": false,
	} {
		person, program := pty.Open(t)
		if _, err := person.WriteString(answer); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		got, err := ask(t.Context(), program, &out, "Change eni-1?")
		if err != nil || got != want {
			t.Errorf("answer %q: got %v, %v", answer, got, err)
		}
		if !bytes.HasPrefix(out.Bytes(), []byte("Change eni-1? [y/N] ")) {
			t.Errorf("asked %q", &out)
		}
	}
}

func TestAQuestionEndsWithTheContext(t *testing.T) {
	_, program := pty.Open(t)
	ctx, cancel := context.WithCancel(t.Context())
	asked := make(chan struct{})
	done := make(chan error, 1)
	go func() {
		_, err := ask(ctx, program, &signalWriter{asked: asked}, "Change?")
		done <- err
	}()
	<-asked
	cancel()
	if err := <-done; err == nil {
		t.Error("an interrupted question has an answer")
	}
}

// signalWriter tells of the first write.
type signalWriter struct {
	asked chan struct{}
	told  bool
}

func (w *signalWriter) Write(p []byte) (int, error) {
	if !w.told {
		w.told = true
		close(w.asked)
	}
	return len(p), nil
}

func TestProgressSaysNothingOffATerminal(t *testing.T) {
	var b bytes.Buffer
	p := newProgress(&b)
	p.start = p.start.Add(-2 * progressAfter)
	p.say("%d of %d", 1, 2)
	p.done()
	if b.Len() > 0 {
		t.Errorf("wrote %q", &b)
	}
}

func TestProgressIsOneLineThatGoesAway(t *testing.T) {
	var b bytes.Buffer
	p := &progress{out: &b, start: newProgress(&b).start.Add(-2 * progressAfter)}
	p.say("100 ENIs")
	p.last = p.start
	p.say("2 left")
	p.done()
	if want := "\r100 ENIs\r2 left  \r      \r"; b.String() != want {
		t.Errorf("got %q, want %q", &b, want)
	}
	quick := newProgress(&b)
	quick.out = &b
	b.Reset()
	quick.say("at once")
	quick.done()
	if b.Len() > 0 {
		t.Errorf("something quick wrote %q", &b)
	}
}
