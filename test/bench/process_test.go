//go:build bench

package bench

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// usage is what a process has used up to now.
type usage struct {
	cpu      time.Duration
	wakeups  int // times that one of its threads went to sleep
	resident int // kB
	private  int // kB of it that no other process can share
}

func measure(t *testing.T, pid int) usage {
	t.Helper()
	var u usage
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("process %d is gone", pid)
	}
	for _, thread := range threads {
		// The first number of schedstat is the time on a processor, in nanoseconds.
		ns, err := strconv.ParseInt(strings.Fields(read(t, thread+"/schedstat"))[0], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		u.cpu += time.Duration(ns)
		u.wakeups += field(t, thread+"/status", "voluntary_ctxt_switches")
	}
	status := fmt.Sprintf("/proc/%d/status", pid)
	u.resident, u.private = field(t, status, "VmRSS"), field(t, status, "RssAnon")
	return u
}

// field reads a number from a file of lines like "VmRSS: 123 kB".
func field(t *testing.T, path, name string) int {
	t.Helper()
	for line := range strings.Lines(read(t, path)) {
		if value, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatalf("%s has no %s", path, name)
	return 0
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// value is that of a series in an exposition.
func value(t *testing.T, body []byte, series string) float64 {
	t.Helper()
	for line := range strings.Lines(string(body)) {
		if v, ok := strings.CutPrefix(line, series+" "); ok {
			f, err := strconv.ParseFloat(strings.TrimSpace(v), 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
	}
	t.Fatalf("no series %s", series)
	return 0
}
