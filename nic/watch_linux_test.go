package nic

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// events is a model of an event socket: each receive takes the next answer and
// blocks when there is none left.
type events struct {
	answers []any // error, or bool: worth a look
	closed  chan struct{}
}

func (e *events) receive() (bool, error) {
	if len(e.answers) == 0 {
		<-e.closed
		return false, errors.New("use of closed file")
	}
	a := e.answers[0]
	e.answers = e.answers[1:]
	if err, ok := a.(error); ok {
		return false, err
	}
	return a.(bool), nil
}

func (e *events) Close() error {
	close(e.closed)
	return nil
}

// watch runs a watcher over the given sockets, one after the other, and notes
// what it tells and when.
func watch(t *testing.T, run time.Duration, opens ...any) []string {
	t.Helper()
	var told []string
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		tell := func(format string, args ...any) {
			told = append(told, fmt.Sprintf("%v ", time.Since(start).Round(100*time.Millisecond))+fmt.Sprintf(format, args...))
		}
		w := &Watcher{
			name: "test",
			open: func() (eventConn, error) {
				if len(opens) == 0 {
					return &events{closed: make(chan struct{})}, nil
				}
				o := opens[0]
				opens = opens[1:]
				if err, ok := o.(error); ok {
					return nil, err
				}
				return &events{answers: o.([]any), closed: make(chan struct{})}, nil
			},
			opened: func(bool) {},
			lost:   func() bool { tell("lost"); return true },
		}
		ctx, cancel := context.WithTimeout(t.Context(), run)
		defer cancel()
		state := func(err error) {
			if err != nil {
				tell("down")
				return
			}
			tell("up")
		}
		if err := w.Run(ctx, func() { tell("look") }, state); err != nil {
			t.Errorf("Run ended with %v", err)
		}
	})
	return told
}

func TestWatcherOpensABrokenSocketAgain(t *testing.T) {
	got := watch(t, 50*time.Millisecond, []any{true, false, true, unix.EBADF})
	if d := cmp.Diff([]string{"0s up", "0s look", "0s look", "0s look", "0s down"}, got); d != "" {
		t.Errorf("before the first pause is over (-want +got):\n%s", d)
	}
	got = watch(t, time.Minute, []any{unix.EBADF}, errors.New("no memory"))
	if d := cmp.Diff([]string{"up", "look", "down", "down", "up", "look"}, untimed(got)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWatcherLooksAgainAfterLostEvents(t *testing.T) {
	got := watch(t, time.Second, []any{unix.ENOBUFS, false, unix.ENOBUFS})
	if d := cmp.Diff([]string{"0s up", "0s look", "0s lost", "0s look", "0s lost", "0s look"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestWatcherStopsListeningToAStormForAWhileAndThenLooks(t *testing.T) {
	endless := func() []any { return slices.Repeat([]any{true}, 100_000) }
	got := watch(t, 10*time.Second, endless(), endless(), endless(), endless(), endless(), endless(), endless(), endless(), endless(), endless())
	var looks int
	for _, told := range got {
		switch _, what, _ := strings.Cut(told, " "); what {
		case "look":
			looks++
		case "up":
		default:
			t.Errorf("a storm is no fault of the source: %s", told)
		}
	}
	if most := stormBurst + 10*stormRate; looks > most {
		t.Errorf("%d looks in 10 s, want at most %d", looks, most)
	}
	if len(got) < 2 || got[len(got)-1] != "2.5s look" {
		t.Errorf("ended with %v, want a look when the storm is over", got[max(0, len(got)-2):])
	}
}

func TestMessagesThatAreWorthNothingAreReadInBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		e := &events{answers: slices.Repeat([]any{false}, 1000), closed: make(chan struct{})}
		w := &Watcher{name: "test", open: func() (eventConn, error) { return e, nil }, opened: func(bool) {}, lost: func() bool { return true }}
		if err := w.Run(ctx, func() {}, func(error) {}); err != nil {
			t.Errorf("Run ended with %v", err)
		}
		if batches, want := 1000-len(e.answers), int(time.Second/idlePause); batches < want || batches > want+1 {
			t.Errorf("%d batches in a second, want %d", batches, want)
		}
	})
}

func TestWatcherSeldomAsksForASourceThatTheKernelLacks(t *testing.T) {
	absent := &Error{Op: "find the family", Kind: ErrUnsupported}
	got := watch(t, 25*time.Minute, absent, absent)
	if d := cmp.Diff([]string{"0s down", "10m0s down", "20m0s up", "20m0s look"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestVirtioFeatureBitsAreReadInOrder(t *testing.T) {
	features := []byte(strings.Repeat("1", ringResetBit) + "0" + strings.Repeat("1", 23) + "\n")
	if hasFeature(features, ringResetBit) || !hasFeature(features, ringResetBit-1) || !hasFeature(features, ringResetBit+1) {
		t.Error("the wrong bit was read")
	}
	if hasFeature(features[:ringResetBit], ringResetBit) {
		t.Error("a bit that is not there is set")
	}
}

// untimed drops the times, which the backoff draws at random.
func untimed(list []string) []string {
	var out []string
	for _, s := range list {
		var when, what string
		if _, err := fmt.Sscan(s, &when, &what); err != nil {
			panic(err)
		}
		out = append(out, what)
	}
	return out
}
