// Package footprint keeps the memory of a daemon small that rests most of its
// time.
package footprint

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
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

// Profile says whether anybody may ask for a profile of the heap. Without one the
// runtime takes no samples for it, whose table takes half a megabyte. A profile tells
// of what was allocated since this was called.
func Profile(on bool) {
	if on {
		runtime.MemProfileRate = 512 << 10 // the runtime's default
	} else {
		runtime.MemProfileRate = 0
	}
}

// When a Keeper gives memory back.
const (
	// rest is how long after the last work the daemon counts as resting.
	rest = 2 * time.Second
	// settled is how long after the start the heap is given back: NICs and cloud have
	// been read by then.
	settled = time.Minute
	// seldom is how long after the last time: for what the cloud's next read took.
	seldom = time.Hour
)

// Keeper gives memory back while the daemon rests.
type Keeper struct{ worked chan struct{} }

// NewKeeper makes a Keeper that does nothing until Run.
func NewKeeper() *Keeper { return &Keeper{make(chan struct{}, 1)} }

// Worked says that the daemon has just worked. It never blocks.
func (k *Keeper) Worked() {
	select {
	case k.worked <- struct{}{}:
	default: // it has been said already
	}
}

// Run unmaps the pages of the program's own file whenever the daemon rests after work,
// and gives back free heap some time after the start and then once an hour, until ctx
// ends. failed is told why it could not.
func (k *Keeper) Run(ctx context.Context, failed func(error)) error {
	return k.run(ctx, Unmap, debug.FreeOSMemory, failed)
}

func (k *Keeper) run(ctx context.Context, unmap func() error, freeHeap func(), failed func(error)) error {
	resting, heap := time.NewTimer(rest), time.NewTimer(settled)
	defer resting.Stop()
	defer heap.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-k.worked:
			resting.Reset(rest)
		case <-heap.C:
			freeHeap()
			heap.Reset(seldom)
			resting.Reset(rest)
		case <-resting.C:
			if err := unmap(); err != nil {
				failed(err)
			}
		}
	}
}

// Unmap gives back the pages of the program's own file that hold nothing else. They
// stay in the kernel's page cache as long as there is room, and are mapped again as
// they are used, 64 kB at a time, which takes a microsecond or two each.
func Unmap() error {
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return fmt.Errorf("unmap the program's pages: %w", err)
	}
	defer f.Close()
	program, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return fmt.Errorf("unmap the program's pages: %w", err)
	}
	mappings, err := clean(f, program)
	if err != nil {
		return fmt.Errorf("unmap the program's pages: %w", err)
	}
	for _, m := range mappings {
		if err := advise(m); err != nil {
			return fmt.Errorf("unmap the program's pages: %w", err)
		}
	}
	return nil
}

// mapping is a range of addresses, end excluded.
type mapping struct{ start, end uintptr }

// clean finds the mappings of a file in the format of /proc/PID/smaps that hold
// nothing but the file's own bytes: they cannot be written to, and nobody (a
// debugger, a uprobe) has put a page of his own into them.
func clean(smaps io.Reader, file string) ([]mapping, error) {
	var list []mapping
	var now mapping    // the one that the lines are about
	candidate := false // nothing speaks against it so far
	s := bufio.NewScanner(smaps)
	for s.Scan() {
		line := s.Bytes()
		name, value, _ := bytes.Cut(line, []byte(" "))
		if m, ok := addresses(name); ok {
			mode := value[:min(4, len(value))]
			now, candidate = m, (string(mode) == "r-xp" || string(mode) == "r--p") && bytes.HasSuffix(line, []byte(" "+file))
			continue
		}
		none := string(bytes.TrimSpace(value)) == "0 kB"
		switch {
		case !candidate:
		case string(name) == "Anonymous:" && !none:
			candidate = false
		case string(name) == "Swap:": // behind Anonymous
			if none {
				list = append(list, now)
			}
			candidate = false
		}
	}
	return list, s.Err()
}

// addresses reads a range such as 00400000-00b11000.
func addresses(text []byte) (m mapping, ok bool) {
	from, to, ok := bytes.Cut(text, []byte("-"))
	if !ok {
		return m, false
	}
	start, err := strconv.ParseUint(string(from), 16, 64)
	if err != nil {
		return m, false
	}
	end, err := strconv.ParseUint(string(to), 16, 64)
	return mapping{uintptr(start), uintptr(end)}, err == nil && end > start
}

func advise(m mapping) error {
	_, _, errno := unix.Syscall(unix.SYS_MADVISE, m.start, m.end-m.start, unix.MADV_DONTNEED)
	if errno != 0 {
		return os.NewSyscallError("madvise", errno)
	}
	return nil
}
