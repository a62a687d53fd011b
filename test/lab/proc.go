package lab

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// Proc is a command in a guest. Its methods may be called from several goroutines.
type Proc struct {
	guest *Guest
	argv  []string
	id    uint64
	ended chan struct{} // closed when nothing more comes

	mu             sync.Mutex
	changed        chan struct{} // closed and replaced at each new output
	stdout, stderr strings.Builder
	lines          lineBuffer // of both
	code           int
	err            error
	atEnd          func()
}

func newProc(g *Guest, argv []string) *Proc {
	return &Proc{guest: g, argv: argv, ended: make(chan struct{}), changed: make(chan struct{})}
}

// Wait waits for the command's end and returns its exit code, 128 + signal for one that a signal ended. With an error,
// which says why there is no exit code, it is -1.
func (p *Proc) Wait(ctx context.Context) (code int, err error) {
	select {
	case <-p.ended:
		return p.code, p.err
	case <-ctx.Done():
		return -1, fmt.Errorf("wait for %q in the guest: %w", p.argv, ctx.Err())
	}
}

// WaitLine waits for a line of stdout or stderr that matches re and returns it without its end. Each call goes on behind the
// line that the last one returned. It is an error if the command ends without such a line.
func (p *Proc) WaitLine(ctx context.Context, re *regexp.Regexp) (string, error) {
	for {
		p.mu.Lock()
		line, found := p.lines.next(re)
		changed := p.changed
		p.mu.Unlock()
		if found {
			return line, nil
		}
		select {
		case <-changed:
		case <-p.ended:
			return p.lastLine(re)
		case <-ctx.Done():
			return "", fmt.Errorf("wait for a line like %q of %q in the guest: %w; it has written:\n%s", re, p.argv, ctx.Err(), p.Output())
		}
	}
}

// lastLine is WaitLine for a command that has ended.
func (p *Proc) lastLine(re *regexp.Regexp) (string, error) {
	p.mu.Lock()
	line, found := p.lines.next(re)
	p.mu.Unlock()
	switch {
	case found:
		return line, nil
	case p.err != nil:
		return "", p.err
	default:
		return "", fmt.Errorf("%q in the guest ended with code %d and without a line like %q; it wrote:\n%s", p.argv, p.code, re, p.Output())
	}
}

// Stdout returns what the command has written to stdout so far.
func (p *Proc) Stdout() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stdout.String()
}

// Stderr returns what the command has written to stderr so far.
func (p *Proc) Stderr() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stderr.String()
}

// Output returns the lines that the command has written to stdout and stderr so far.
func (p *Proc) Output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines.String()
}

// Signal sends the command a signal; that it has ended already is no error.
func (p *Proc) Signal(ctx context.Context, sig syscall.Signal) error {
	if err := p.guest.signal(ctx, p.id, sig, false); err != nil {
		return fmt.Errorf("send %v to %q in the guest: %w", sig, p.argv, err)
	}
	return nil
}

// kill kills the command and its descendants.
func (p *Proc) kill() error {
	return p.guest.signal(context.Background(), p.id, syscall.SIGKILL, true)
}

// result waits for the end and gathers everything.
func (p *Proc) result(ctx context.Context) Result {
	code, err := p.Wait(ctx)
	return Result{Stdout: p.Stdout(), Stderr: p.Stderr(), Code: code, Err: err}
}

// write takes output of the command.
func (p *Proc) write(stream int, data []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if stream == 1 {
		p.stdout.Write(data)
	} else {
		p.stderr.Write(data)
	}
	p.lines.write(stream, string(data))
	close(p.changed)
	p.changed = make(chan struct{})
}

// end takes the command's end, of which the first report counts.
func (p *Proc) end(code int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
		return
	default:
	}
	p.lines.flush()
	p.code, p.err = code, err
	close(p.ended)
	if p.atEnd != nil {
		p.atEnd()
	}
}

// whenEnded has f called at the command's end, which may have been before.
func (p *Proc) whenEnded(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.ended:
		f()
	default:
		p.atEnd = f
	}
}
