package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"syscall"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// errGuestGone is what everything asked of a guest that has ended returns.
var errGuestGone = errors.New("the guest has ended")

// Guest is a running Linux. Its methods may be called from several goroutines, except Kill, Shutdown, AddNIC and RemoveNIC.
type Guest struct {
	machine *machine
	monitor *monitor
	conn    *wire.Conn
	disk    *Disk
	taps    map[string]string // NIC ID to the name of the host's tap device
	ready   chan wire.Event   // has room for the one
	gone    chan struct{}     // closed when the connection to the guest has ended
	tasks   sync.WaitGroup

	mu      sync.Mutex
	lastID  uint64
	replies map[uint64]chan<- wire.Event
	procs   map[uint64]*Proc
	devices map[string]string // NIC ID to the name of the guest's device
}

// newGuest returns the guest that runs in m.
func newGuest(m *machine, taps map[string]string) *Guest {
	g := &Guest{
		machine: m,
		monitor: newMonitor(m.monitor),
		conn:    wire.NewConn(m.port),
		taps:    taps,
		ready:   make(chan wire.Event, 1),
		gone:    make(chan struct{}),
		replies: make(map[uint64]chan<- wire.Event),
		procs:   make(map[uint64]*Proc),
		devices: make(map[string]string),
	}
	g.tasks.Go(g.monitor.run)
	g.tasks.Go(g.receive)
	return g
}

// Result is what a command in the guest did.
type Result struct {
	Stdout, Stderr string
	Code           int // exit code, 128 + signal, or -1 where Err is not nil
	// Err says why there is no exit code: no such program, the context is done, the guest has ended.
	Err error
}

// Run runs a command in the guest to its end. When ctx is done, the command and its descendants are killed.
func (g *Guest) Run(ctx context.Context, argv ...string) Result {
	return g.Start(ctx, nil, argv...).result(ctx)
}

// Start starts a command in the guest with the KEY=value assignments env over Options.Env and returns at once. When ctx is
// done, the command and its descendants are killed. What kept it from starting is returned by the Proc's Wait and WaitLine.
func (g *Guest) Start(ctx context.Context, env []string, argv ...string) *Proc {
	p := newProc(g, argv)
	if err := ctx.Err(); err != nil {
		p.end(-1, fmt.Errorf("start %q in the guest: %w", argv, err))
		return p
	}
	p.id = g.nextID()
	g.mu.Lock()
	g.procs[p.id] = p
	g.mu.Unlock()
	_, err := g.call(ctx, wire.Request{ID: p.id, Op: wire.Start, Argv: argv, Env: env})
	if err != nil {
		g.mu.Lock()
		delete(g.procs, p.id)
		g.mu.Unlock()
		p.end(-1, fmt.Errorf("start %q in the guest: %w", argv, err))
		return p
	}
	stop := context.AfterFunc(ctx, func() { _ = p.kill() })
	p.whenEnded(func() { stop() })
	return p
}

// ReadFile returns the content of a file in the guest.
func (g *Guest) ReadFile(ctx context.Context, path string) ([]byte, error) {
	e, err := g.call(ctx, wire.Request{ID: g.nextID(), Op: wire.ReadFile, Path: path})
	if err != nil {
		return nil, fmt.Errorf("read a file of the guest: %w", err)
	}
	return e.Data, nil
}

// WriteFile writes a file in the guest with exactly the mode perm, and the directories that it needs.
func (g *Guest) WriteFile(ctx context.Context, path string, content []byte, perm fs.FileMode) error {
	_, err := g.call(ctx, wire.Request{ID: g.nextID(), Op: wire.WriteFile, Path: path, Data: content, Mode: uint32(perm.Perm())})
	if err != nil {
		return fmt.Errorf("write a file of the guest: %w", err)
	}
	return nil
}

// Device returns the guest's name for the NIC with the given ID, "eth0", or "" where there is no such NIC.
func (g *Guest) Device(id string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.devices[id]
}

// Tap returns the name of the host's end of the NIC with the given ID, or "" where there is no such NIC.
func (g *Guest) Tap(id string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taps[id]
}

// Console returns what the guest's kernel and QEMU have printed so far.
func (g *Guest) Console() string { return g.machine.console.String() }

// Kill ends the guest at once, as pulling the plug would, and removes the host's ends of its NICs. It may be called again.
func (g *Guest) Kill() {
	g.machine.kill()
	g.tasks.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, tap := range g.taps {
		_ = deleteTap(tap) // the end of the test tries again, and reports it
	}
}

// Shutdown asks the guest to power off and waits until it has. If ctx is done before, it is killed.
func (g *Guest) Shutdown(ctx context.Context) error {
	defer g.Kill()
	if err := g.conn.Send(wire.Request{ID: g.nextID(), Op: wire.PowerOff}); err != nil {
		return fmt.Errorf("shut the guest down: %w", err)
	}
	select {
	case <-g.machine.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("shut the guest down: %w", ctx.Err())
	}
}

func (g *Guest) nextID() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lastID++
	return g.lastID
}

// call sends r and returns the guest's answer.
func (g *Guest) call(ctx context.Context, r wire.Request) (wire.Event, error) {
	reply := make(chan wire.Event, 1)
	g.mu.Lock()
	g.replies[r.ID] = reply
	g.mu.Unlock()
	if err := g.conn.Send(r); err != nil {
		return wire.Event{}, errors.Join(errGuestGone, err)
	}
	select {
	case e := <-reply:
		if e.Error != "" {
			return wire.Event{}, errors.New(e.Error)
		}
		return e, nil
	case <-g.gone:
		return wire.Event{}, errGuestGone
	case <-ctx.Done():
		return wire.Event{}, ctx.Err()
	}
}

// dispatch hands an event to the one that it is for.
func (g *Guest) dispatch(e wire.Event) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch e.Kind {
	case wire.Done:
		if reply, ok := g.replies[e.ID]; ok {
			reply <- e
			delete(g.replies, e.ID)
		}
	case wire.Output:
		if p, ok := g.procs[e.ID]; ok {
			p.write(e.Stream, e.Data)
		}
	case wire.Exit:
		if p, ok := g.procs[e.ID]; ok {
			delete(g.procs, e.ID)
			p.end(e.Code, nil)
		}
	}
}

// lose ends everything that waits for the guest.
func (g *Guest) lose() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.gone)
	for _, p := range g.procs {
		p.end(-1, fmt.Errorf("%q in the guest: %w", p.argv, errGuestGone))
	}
	clear(g.procs)
}

// signal sends a signal to a process of the guest, with its descendants if group.
func (g *Guest) signal(ctx context.Context, id uint64, sig syscall.Signal, group bool) error {
	_, err := g.call(ctx, wire.Request{ID: g.nextID(), Op: wire.Signal, Target: id, Signal: int(sig), Group: group})
	return err
}
