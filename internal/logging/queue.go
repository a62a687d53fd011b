package logging

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"
)

// queueLength is how many lines wait for whoever reads the log: far more than an
// instance with the most ENIs logs at once, and well below a megabyte.
const queueLength = 1000

// lastWords is how long the end of a Queue waits for a reader that does not read.
const lastWords = 250 * time.Millisecond

// Queue holds log lines on their way, so that a journal or a pipe that nobody
// reads holds up nothing but the log. When it is full, new lines are dropped, and a
// line in their place tells how many.
type Queue struct {
	lines chan func()

	mu      sync.Mutex
	tell    func(dropped int) // writes that line
	dropped int               // since the last line that was taken
}

// NewQueue makes a Queue that takes lines, and writes them when it is started.
func NewQueue() *Queue { return &Queue{lines: make(chan func(), queueLength)} }

// Start begins to write the lines. end writes those that are left, as long as they
// are taken, and is to be called before the program ends. The goroutine may outlive
// it: nothing ends a write that nobody reads.
func (q *Queue) Start() (end func()) {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		q.run(ctx)
	}()
	return func() {
		stop()
		select {
		case <-ended:
		case <-time.After(lastWords):
		}
	}
}

func (q *Queue) run(ctx context.Context) {
	for {
		select {
		case write := <-q.lines:
			write()
		case <-ctx.Done():
			for len(q.lines) > 0 { // nobody else takes any
				(<-q.lines)()
			}
			return
		}
		if notice := q.notice(len(q.lines) == 0); notice != nil {
			notice()
		}
	}
}

// put takes a line, or drops it. It never waits.
func (q *Queue) put(write func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.dropped > 0 && q.offer(q.tellOf(q.dropped)) {
		q.dropped = 0
	}
	if q.dropped > 0 || !q.offer(write) {
		q.dropped++
	}
}

func (q *Queue) offer(write func()) bool {
	select {
	case q.lines <- write:
		return true
	default:
		return false
	}
}

// notice is the line that tells what was dropped, if something was and it is due.
func (q *Queue) notice(due bool) func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := q.dropped
	if !due || n == 0 {
		return nil
	}
	q.dropped = 0
	return q.tellOf(n)
}

func (q *Queue) tellOf(n int) func() {
	tell := q.tell
	return func() { tell(n) }
}

// queued is a writer whose lines go through a Queue.
type queued struct {
	q *Queue
	w io.Writer
}

// Write implements io.Writer. What becomes of the line is not known yet.
func (w queued) Write(p []byte) (int, error) {
	line := append([]byte(nil), p...)
	w.q.put(func() { _, _ = w.w.Write(line) }) // where should one tell?
	return len(p), nil
}

// queuedSink hands records to a sink through a Queue. Their fields are texts by
// then, which nobody changes.
func queuedSink(q *Queue, direct sink) sink {
	return func(ctx context.Context, r slog.Record, fields []field) error {
		q.put(func() { _ = direct(ctx, r, fields) })
		return nil
	}
}
