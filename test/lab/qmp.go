package lab

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
)

// errMonitorClosed is what a monitor whose QEMU has ended returns.
var errMonitorClosed = errors.New("QEMU's monitor is closed")

// monitor speaks the QEMU Machine Protocol: https://www.qemu.org/docs/master/interop/qmp-spec.html
type monitor struct {
	conn   net.Conn
	closed chan struct{} // closed when nothing more arrives

	mu      sync.Mutex
	lastID  uint64
	replies map[uint64]chan<- qmpMessage
	waiters map[*eventWaiter]struct{}
}

// qmpMessage is any message from QEMU: the greeting, a reply or an event.
type qmpMessage struct {
	ID    uint64 `json:"id"`
	Error *struct {
		Class string `json:"class"`
		Desc  string `json:"desc"`
	} `json:"error"`
	Event string `json:"event"`
	Data  struct {
		Device string `json:"device"`
	} `json:"data"`
}

// eventWaiter waits for one event about one device.
type eventWaiter struct {
	event, device string
	seen          chan struct{}
}

func newMonitor(conn net.Conn) *monitor {
	return &monitor{
		conn:    conn,
		closed:  make(chan struct{}),
		replies: make(map[uint64]chan<- qmpMessage),
		waiters: make(map[*eventWaiter]struct{}),
	}
}

// run receives until the connection ends.
func (m *monitor) run() {
	defer close(m.closed)
	lines := bufio.NewReader(m.conn)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var msg qmpMessage
		if err := json.Unmarshal(line, &msg); err != nil {
			return
		}
		m.dispatch(msg)
	}
}

func (m *monitor) dispatch(msg qmpMessage) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if reply, ok := m.replies[msg.ID]; ok {
		reply <- msg
		delete(m.replies, msg.ID)
		return
	}
	for w := range m.waiters {
		if w.event == msg.Event && w.device == msg.Data.Device {
			close(w.seen)
			delete(m.waiters, w)
		}
	}
}

// execute carries out a command and returns QEMU's error, if it has one.
func (m *monitor) execute(ctx context.Context, command string, arguments any) error {
	reply := make(chan qmpMessage, 1)
	m.mu.Lock()
	m.lastID++ // the greeting and events have no id, which reads as 0
	id := m.lastID
	m.replies[id] = reply
	m.mu.Unlock()
	request := map[string]any{"execute": command, "id": id}
	if arguments != nil {
		request["arguments"] = arguments
	}
	document, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if _, err := io.WriteString(m.conn, string(document)+"\n"); err != nil {
		return fmt.Errorf("QEMU %s: %w", command, err)
	}
	var msg qmpMessage
	select {
	case msg = <-reply:
	case <-m.closed:
		select {
		case msg = <-reply: // it came just before the end
		default:
			return fmt.Errorf("QEMU %s: %w", command, errMonitorClosed)
		}
	case <-ctx.Done():
		return fmt.Errorf("QEMU %s: %w", command, ctx.Err())
	}
	if msg.Error != nil {
		return fmt.Errorf("QEMU %s: %s: %s", command, msg.Error.Class, msg.Error.Desc)
	}
	return nil
}

// expect returns a function that waits for the event about the device. An event that comes before that call counts.
func (m *monitor) expect(event, device string) (wait func(context.Context) error) {
	w := &eventWaiter{event: event, device: device, seen: make(chan struct{})}
	m.mu.Lock()
	m.waiters[w] = struct{}{}
	m.mu.Unlock()
	return func(ctx context.Context) error {
		select {
		case <-w.seen:
			return nil
		case <-m.closed:
			return fmt.Errorf("wait for QEMU's %s of %s: %w", event, device, errMonitorClosed)
		case <-ctx.Done():
			return fmt.Errorf("wait for QEMU's %s of %s: %w", event, device, ctx.Err())
		}
	}
}
