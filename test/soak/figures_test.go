//go:build netns

package soak

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// sample is what the long-lived daemon takes at a moment of rest, after a garbage
// collection.
type sample struct {
	at                       time.Duration
	steps                    int
	resident, anonymous      float64 // bytes
	heap                     float64 // bytes of live objects
	goroutines, fds, threads float64
	cpu                      time.Duration // so far
	reconciles               float64       // so far
	series                   float64       // of a scrape
}

// figure is one that must not grow: how it is named and read, and by how much it may
// grow without being taken for a leak.
type figure struct {
	name    string
	of      func(sample) float64
	allowed float64
}

const mib = 1 << 20

func figures() []figure {
	return []figure{
		{"anonymous memory", func(s sample) float64 { return s.anonymous }, 6 * mib},
		{"live heap", func(s sample) float64 { return s.heap }, mib},
		{"goroutines", func(s sample) float64 { return s.goroutines }, 4},
		{"descriptors", func(s sample) float64 { return s.fds }, 4},
		{"threads", func(s sample) float64 { return s.threads }, 6},
		{"series", func(s sample) float64 { return s.series }, 100},
	}
}

// measure takes a sample of a daemon.
func (s *soak) measure(d *daemon) sample {
	s.t.Helper()
	// Twice: what a finalizer or a pool lets go at the first is freed at the second.
	for range 2 {
		d.read("/debug/pprof/heap?gc=1")
	}
	m := d.metrics()
	status := d.status()
	out := sample{
		at: time.Since(s.started).Round(time.Second), steps: s.steps,
		resident: status["VmRSS"] * 1024, anonymous: status["RssAnon"] * 1024, threads: status["Threads"],
		heap: m["go_memstats_heap_alloc_bytes"], goroutines: m["go_goroutines"],
		cpu: time.Duration(m["process_cpu_seconds_total"] * float64(time.Second)), series: float64(len(m)),
	}
	fds, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(d.cmd.Process.Pid), "fd"))
	if err != nil {
		s.t.Fatal(err)
	}
	out.fds = float64(len(fds))
	for name, v := range m {
		if strings.HasPrefix(name, "enitune_reconciles_total{") {
			out.reconciles += v
		}
	}
	return out
}

// status reads the numbers of /proc/PID/status.
func (d *daemon) status() map[string]float64 {
	d.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		d.t.Fatal(err)
	}
	all := map[string]float64{}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(line, ":")
		if fields := strings.Fields(value); len(fields) > 0 {
			if v, err := strconv.ParseFloat(fields[0], 64); err == nil {
				all[key] = v
			}
		}
	}
	return all
}

// metrics reads all series of a daemon.
func (d *daemon) metrics() map[string]float64 {
	d.t.Helper()
	all := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(d.read("/metrics"))); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || lines.Text()[0] == '#' {
			continue
		}
		if v, err := strconv.ParseFloat(lines.Text()[at+1:], 64); err == nil {
			all[lines.Text()[:at]] = v
		}
	}
	return all
}

// read reads a page of a daemon, which must answer.
func (d *daemon) read(path string) string {
	d.t.Helper()
	body, status, err := d.get(path, "")
	if err != nil || status != http.StatusOK {
		d.t.Fatalf("%s: %d, %v", path, status, err)
	}
	return body
}

// table writes the samples, and what grew.
func table(w io.Writer, samples []sample) {
	fmt.Fprintf(w, "%8s %7s %9s %9s %9s %11s %12s %8s %7s %8s %11s\n", "time", "steps", "RSS MiB", "anon MiB", "heap KiB",
		"goroutines", "descriptors", "threads", "series", "CPU s", "reconciles")
	for _, s := range samples {
		fmt.Fprintf(w, "%8v %7d %9.1f %9.1f %9.0f %11.0f %12.0f %8.0f %7.0f %8.1f %11.0f\n", s.at, s.steps, s.resident/mib,
			s.anonymous/mib, s.heap/1024, s.goroutines, s.fds, s.threads, s.series, s.cpu.Seconds(), s.reconciles)
	}
}
