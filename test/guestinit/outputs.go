//go:build linux

package main

import (
	"errors"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// chunkSize is the most that one output event carries, in bytes.
const chunkSize = 32 << 10

// outputs are the standard streams of one process: nothing to read, and a pipe for each of stdout and stderr.
type outputs struct {
	null             *os.File
	readers, writers [2]*os.File
}

func newOutputs() (*outputs, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return nil, err
	}
	o := &outputs{null: null}
	for i := range o.readers {
		o.readers[i], o.writers[i], err = os.Pipe()
		if err != nil {
			o.closeReaders()
			o.closeWriters()
			return nil, err
		}
	}
	return o, nil
}

// files are the descriptors that the process gets.
func (o *outputs) files() []uintptr {
	return []uintptr{o.null.Fd(), o.writers[0].Fd(), o.writers[1].Fd()}
}

// closeWriters closes this program's copies of what the process has.
func (o *outputs) closeWriters() {
	for _, f := range append(o.writers[:], o.null) {
		if f != nil {
			_ = f.Close()
		}
	}
}

func (o *outputs) closeReaders() {
	for _, f := range o.readers {
		if f != nil {
			_ = f.Close()
		}
	}
}

// pump passes on what arrives, with stream 1 for stdout and 2 for stderr, until the writers are closed or drain is called.
func (o *outputs) pump(send func(stream int, data []byte)) *sync.WaitGroup {
	var done sync.WaitGroup
	for i, f := range o.readers {
		done.Go(func() {
			buf := make([]byte, chunkSize)
			for {
				n, err := f.Read(buf)
				if n > 0 {
					send(i+1, buf[:n])
				}
				if errors.Is(err, os.ErrDeadlineExceeded) {
					drainPipe(f, buf, func(data []byte) { send(i+1, data) })
					return
				}
				if err != nil {
					return
				}
			}
		})
	}
	return &done
}

// drain ends pump once it has passed on what is in the pipes now.
func (o *outputs) drain() {
	for _, f := range o.readers {
		_ = f.SetReadDeadline(time.Unix(1, 0))
	}
}

// drainPipe passes on what is in the pipe without waiting for more.
func drainPipe(f *os.File, buf []byte, send func([]byte)) {
	raw, err := f.SyscallConn()
	if err != nil {
		return
	}
	_ = f.SetReadDeadline(time.Time{}) // an expired one would refuse the reads below
	_ = raw.Read(func(fd uintptr) bool {
		for {
			n, err := unix.Read(int(fd), buf)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n == 0 {
				return true
			}
			send(buf[:n])
		}
	})
}
