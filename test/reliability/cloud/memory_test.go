//go:build netns

package cloud

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/world"
)

// mostGrowth is by how many kB an endless reply may raise the daemon's resident
// memory: a reply of the API is read up to 8 MiB, in a buffer that is doubled.
const mostGrowth = 48 << 10

// TestAReplyWithoutEndCostsLittleMemory pours as fast as loopback takes it, at a
// daemon that was built as it is shipped.
func TestAReplyWithoutEndCostsLittleMemory(t *testing.T) {
	t.Parallel()
	const api, metadata = agent.ComponentAPI, agent.ComponentMetadata
	for _, f := range []fault{
		{name: "of the API", begin: func(h *host) { h.ecs.answer(pours) }, source: api, class: "malformed", says: "reply too large: more than 8388608 bytes"},
		{name: "of the API, compressed", begin: func(h *host) { h.ecs.answer(bomb()) }, source: api, class: "malformed", says: "want JSON"},
		{name: "of the API, in its headers", begin: func(h *host) { h.ecs.answer(manyHeaders) }, source: api, class: "network", says: "PROTOCOL_ERROR|header"},
		{name: "of the metadata service", begin: func(h *host) { h.metadata.answer(pours) }, source: metadata, class: "malformed", says: "reply too large: more than 1048576 bytes"},
		{name: "of the metadata service, compressed", begin: func(h *host) { h.metadata.answer(bomb()) }, source: metadata, class: "malformed", says: "reply too large: more than 1048576 bytes"},
		{name: "of the metadata service, in its headers", begin: func(h *host) {
			h.metadata.connect(floods("HTTP/1.1 200 OK\r\n", strings.Repeat("X: y\r\n", 100)))
		}, source: metadata, class: "network", says: "header"},
		{name: "of the metadata service, for a role's name", begin: func(h *host) {
			h.cloud.RotateCredentials()
			h.metadata.answer(only("/security-credentials/", pours))
		}, source: api, class: "credentials", says: "no credentials"},
	} {
		t.Run(f.name, func(t *testing.T) {
			h := newHost(t, f.more)
			h.start(os.Getenv(world.PlainKey))
			h.awaitChannels(good)
			before := h.memory("VmRSS")
			h.forgetPeak()
			f.begin(h)
			h.refresh()
			h.await("the fault is told", func(r agent.Report) bool { return h.tells(r, f) })
			peak := h.memory("VmHWM")
			t.Logf("resident: %d kB before, at most %d kB", before, peak)
			if peak > before+mostGrowth {
				t.Errorf("resident memory went from %d kB to %d kB", before, peak)
			}
		})
	}
}

// only has requests whose path or query holds a text answered by wrap.
func only(text string, wrap wrapper) wrapper {
	return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if strings.Contains(r.URL.String(), text) {
			wrap(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	}
}

func manyHeaders(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	for i := range 2000 {
		w.Header().Set(fmt.Sprintf("X-%d", i), strings.Repeat("x", 1000))
	}
}

// bomb answers with few bytes that stand for many.
func bomb() wrapper {
	body := compressed()
	return func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(body)
	}
}

// compressed is 16 MiB of zeros.
func compressed() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(make([]byte, 16<<20)) // into memory, which does not fail
	_ = z.Close()
	return b.Bytes()
}

// memory reads a value of the daemon's in kB, from /proc/PID/status.
func (h *host) memory(name string) int {
	h.t.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", h.daemon.PID()))
	if err != nil {
		h.t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			n, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				h.t.Fatal(err)
			}
			return n
		}
	}
	h.t.Fatalf("no %s in %s", name, data)
	return 0
}

// forgetPeak makes the highest memory so far (VmHWM) what it is now.
func (h *host) forgetPeak() {
	h.t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", h.daemon.PID()), []byte("5"), 0); err != nil {
		h.t.Fatal(err)
	}
}
