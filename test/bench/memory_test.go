//go:build bench

package bench

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func TestMemory(t *testing.T) {
	h := newHost(t, 8)
	h.configure("")
	b0, _ := os.ReadFile(h.configFile())
	os.WriteFile(h.configFile(), []byte(strings.Replace(string(b0), "web: {", "web: {pprof: true, ", 1)), 0o644)
	d := h.start()
	s := newScraper(t, h.ns, "http://"+listen+"/metrics")
	for i := range 28 {
		s.scrape()
		if i%9 == 0 {
			fmt.Println(status(t, d.PID()))
		}
		time.Sleep(500 * time.Millisecond)
	}
	os.WriteFile("/tmp/h6/heap", newScraper(t, h.ns, "http://"+listen+"/debug/pprof/heap?gc=1").scrape(), 0o644)
	os.WriteFile("/tmp/h6/metrics", s.scrape(), 0o644)
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/smaps", d.PID()))
	os.WriteFile("/tmp/h6/smaps", b, 0o644)
}

func status(t *testing.T, pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "Rss") || strings.HasPrefix(line, "VmRSS") || strings.HasPrefix(line, "VmHWM") || strings.HasPrefix(line, "Threads") {
			out = append(out, strings.Join(strings.Fields(line), " "))
		}
	}
	return strings.Join(out, "; ")
}
