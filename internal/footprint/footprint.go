// Package footprint keeps the memory of a daemon small that rests most of its
// time.
package footprint

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// What the runtime is held to.
const (
	// gcPercent of the live heap may be garbage. The live heap is under 2 MB, so
	// that collecting it more often than by default costs nothing that counts.
	gcPercent = 50
	// processors is how many threads run Go code at once. More would bring memory
	// of their own each on a machine with many processors, and there is nothing to
	// compute that they would make quicker.
	processors = 2
)

// Hold bounds what the runtime takes by itself. It is to be called once, at the
// start. What the environment says with GOGC and GOMAXPROCS stands.
func Hold() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if os.Getenv("GOMAXPROCS") == "" && runtime.NumCPU() > processors {
		runtime.GOMAXPROCS(processors)
	}
}

// When Run trims.
const (
	// settled is how long after the start: NICs and cloud have been read by then.
	settled = time.Minute
	// seldom is how long after the last time: for what the cloud's next read took.
	seldom = time.Hour
)

// Run trims some time after the start and then once an hour, until ctx ends.
// failed is told why it could not.
func Run(ctx context.Context, failed func(error)) error { return run(ctx, Trim, failed) }

func run(ctx context.Context, trim func() error, failed func(error)) error {
	for t := time.NewTimer(settled); ; t.Reset(seldom) {
		select {
		case <-ctx.Done():
			t.Stop()
			return nil
		case <-t.C:
			if err := trim(); err != nil {
				failed(err)
			}
		}
	}
}

// Trim gives back what only a start or a rare task needed: free heap, and the
// pages of the program's own file, which the kernel reads again when they are
// used. It takes some milliseconds.
func Trim() error {
	debug.FreeOSMemory()
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("trim memory: %w", err)
	}
	defer f.Close()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("trim memory: %w", err)
	}
	for _, m := range clean(f, program) {
		if err := advise(m); err != nil {
			return fmt.Errorf("trim memory: %w", err)
		}
	}
	return nil
}

// mapping is a range of addresses, end excluded.
type mapping struct{ start, end uintptr }

// clean finds the mappings of a file in the format of /proc/PID/smaps that hold
// nothing but the file's own bytes: they cannot be written to, and nobody (a
// debugger, a uprobe) has put a page of his own into them.
func clean(smaps io.Reader, file string) []mapping {
	var all []mapping
	for s := bufio.NewScanner(smaps); s.Scan(); {
		line := s.Text()
		var m mapping
		var mode string
		if n, _ := fmt.Sscanf(line, "%x-%x %s", &m.start, &m.end, &mode); n == 3 {
			if strings.HasSuffix(line, " "+file) && mode[0] == 'r' && mode[1] == '-' && mode[3] == 'p' {
				all = append(all, m)
			} else {
				all = append(all, mapping{})
			}
			continue
		}
		var kB int
		if n, _ := fmt.Sscanf(line, "Anonymous: %d kB", &kB); n == 1 && kB > 0 && len(all) > 0 {
			all[len(all)-1] = mapping{}
		}
	}
	kept := all[:0]
	for _, m := range all {
		if m.end > m.start {
			kept = append(kept, m)
		}
	}
	return kept
}

func advise(m mapping) error {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	if errno != 0 {
		return os.NewSyscallError("madvise", errno)
	}
	return nil
}
