// Package wire is what the test harness and its program in the guests say to each other: frames over a virtio-serial
// port, each a length (4 bytes, big-endian) and one JSON document.
//
// The guest speaks first, with an Event of kind Ready. After that the host sends Requests and the guest answers each with
// one Event of kind Done; a request of Op Start is followed by Output events and one Exit event under the same ID. Requests
// are carried out concurrently.
package wire

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
)

// MaxFrame is the greatest length of a frame's document in bytes. It bounds what a broken peer can make the other allocate,
// and with it the size of a file that one request can carry.
const MaxFrame = 128 << 20

// ErrFrameSize marks a frame that is empty or longer than MaxFrame.
var ErrFrameSize = errors.New("frame length out of range")

// Where the guest finds what the harness has put into its initramfs.
const (
	ConfigPath = "/lab.json" // a Config
	// ModuleListPath is a list of kernel modules to load, in this order: absolute paths of uncompressed files, one a line.
	ModuleListPath = "/lib/modules/order"
	// DiskTree holds what is put into the file system of a guest with a disk before its init process starts. What is
	// below its /run stays in memory.
	DiskTree = "/disk"
)

// Where a guest with a disk finds what is the harness's, once its own init process runs.
const (
	ServicePath       = "/run/lab/agent"    // the program that does what the harness asks for
	ServiceConfigPath = "/run/lab/lab.json" // its Config
)

// Config is what a guest does before it is ready.
type Config struct {
	NICs  []NIC             `json:"nics"`
	Hosts map[string]string `json:"hosts"` // name to IP address, for /etc/hosts
	Env   []string          `json:"env"`   // KEY=value, for every command
	// Root is the block device of a system to hand over to, "/dev/vda". That system sets its NICs up itself, and NICs and
	// Hosts go unused. "" means that there is none.
	Root string `json:"root,omitempty"`
}

// NIC is how the guest sets up one network device.
type NIC struct {
	MAC    string   `json:"mac"`
	Addr   string   `json:"addr"`   // address with prefix length; "" leaves the device down and without an address
	Routes []string `json:"routes"` // prefixes reached through the device
}

// Op is what a request asks for.
type Op string

// The operations, with the fields of Request that they use.
const (
	Start     Op = "start"     // Argv, Env, Dir
	Signal    Op = "signal"    // Target, Signal, Group
	ReadFile  Op = "readfile"  // Path; the content is Event.Data
	WriteFile Op = "writefile" // Path, Data, Mode
	SetupNIC  Op = "setupnic"  // NIC; waits for the device, its name is Event.Device
	PowerOff  Op = "poweroff"
)

// Request is a frame from the host.
type Request struct {
	ID     uint64   `json:"id"` // unique among the requests of one guest
	Op     Op       `json:"op"`
	Argv   []string `json:"argv,omitempty"`
	Env    []string `json:"env,omitempty"` // KEY=value, over the guest's own environment
	Dir    string   `json:"dir,omitempty"`
	Target uint64   `json:"target,omitempty"` // the ID of the Start request whose process is meant
	Signal int      `json:"signal,omitempty"`
	Group  bool     `json:"group,omitempty"` // signal the process and its descendants
	Path   string   `json:"path,omitempty"`
	Data   []byte   `json:"data,omitempty"`
	Mode   uint32   `json:"mode,omitempty"` // permission bits
	NIC    NIC      `json:"nic,omitzero"`
}

// Kind is what an event tells.
type Kind string

// The kinds, with the fields of Event that they use.
const (
	Ready  Kind = "ready"  // Devices
	Done   Kind = "done"   // Error, Data, Device
	Output Kind = "output" // Stream, Data
	Exit   Kind = "exit"   // Code
)

// Event is a frame from the guest.
type Event struct {
	ID      uint64            `json:"id"` // of the request that it belongs to
	Kind    Kind              `json:"kind"`
	Error   string            `json:"error,omitempty"`
	Data    []byte            `json:"data,omitempty"`
	Stream  int               `json:"stream,omitempty"` // 1 stdout, 2 stderr
	Code    int               `json:"code,omitempty"`   // exit code, or 128 + signal
	Device  string            `json:"device,omitempty"`
	Devices map[string]string `json:"devices,omitempty"` // MAC to device name
}

// Conn sends and receives frames. One goroutine may receive while any number send.
type Conn struct {
	rw io.ReadWriter
	mu sync.Mutex // held while a frame is written
}

// NewConn returns a Conn over rw.
func NewConn(rw io.ReadWriter) *Conn { return &Conn{rw: rw} }

// Send writes v as one frame.
func (c *Conn) Send(v any) error {
	document, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	if len(document) > MaxFrame {
		return fmt.Errorf("send frame: %w: %d bytes, at most %d", ErrFrameSize, len(document), MaxFrame)
	}
	frame := binary.BigEndian.AppendUint32(make([]byte, 0, 4+len(document)), uint32(len(document)))
	frame = append(frame, document...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, err := c.rw.Write(frame); err != nil {
		return fmt.Errorf("send frame: %w", err)
	}
	return nil
}

// Receive reads one frame into v. It returns io.EOF where the stream ends between frames and io.ErrUnexpectedEOF where it
// ends within one.
func (c *Conn) Receive(v any) error {
	var header [4]byte
	if _, err := io.ReadFull(c.rw, header[:]); err != nil {
		if err == io.EOF {
			return err
		}
		return fmt.Errorf("receive frame: %w", err)
	}
	n := binary.BigEndian.Uint32(header[:])
	if n == 0 || n > MaxFrame {
		return fmt.Errorf("receive frame: %w: %d bytes, want 1 to %d", ErrFrameSize, n, MaxFrame)
	}
	// A limited reader grows with what arrives, so a false length alone costs no memory.
	document, err := io.ReadAll(io.LimitReader(c.rw, int64(n)))
	if err != nil {
		return fmt.Errorf("receive frame: %w", err)
	}
	if len(document) < int(n) {
		return fmt.Errorf("receive frame: %w", io.ErrUnexpectedEOF)
	}
	if err := json.Unmarshal(document, v); err != nil {
		return fmt.Errorf("decode frame: %w", err)
	}
	return nil
}
