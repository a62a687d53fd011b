package metrics

import (
	"bytes"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/semaphore"
)

// scrapesAtOnce is how many scrapes are gathered at the same time; a further one
// waits for the milliseconds that these take.
const scrapesAtOnce = 4

// Handler serves the metrics and, with them, those of the Go runtime and of this
// process, in the format that the client asks for: text, OpenMetrics, or protobuf,
// which alone has native histograms. It does not compress. A part that cannot be
// gathered does not keep the rest from being served; log receives why. Handler may
// be called once, before anything is gathered.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	m.runtime.MustRegister(collectors.NewGoCollector())
	var err error
	if m.process, err = newProcess(); err != nil {
		log.Warn("left out: " + err.Error())
	}
	return unhurried(promhttp.HandlerFor(m, promhttp.HandlerOpts{
		EnableOpenMetrics: true, DisableCompression: true,
		ErrorHandling: promhttp.ContinueOnError, Registry: m.runtime,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError),
	}))
}

// unhurried makes the whole answer before any of it is sent: a client that does not
// read holds up no other scrape, and its going away is no error of the metrics.
func unhurried(next http.Handler) http.Handler {
	slots := semaphore.NewWeighted(scrapesAtOnce)
	var size atomic.Int64 // of the last answer, which the next one will have
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if slots.Acquire(r.Context(), 1) != nil {
			return // the client is gone
		}
		a := answer{header: http.Header{}, code: http.StatusOK}
		func() {
			defer slots.Release(1)
			a.body.Grow(int(size.Load()))
			next.ServeHTTP(&a, r)
			size.Store(int64(a.body.Len()) + 512)
		}()
		h := w.Header()
		for name, values := range a.header {
			h[name] = values
		}
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Length", strconv.Itoa(a.body.Len()))
		w.WriteHeader(a.code)
		_, _ = w.Write(a.body.Bytes()) // fails when the client is gone
	})
}

// answer is an http.ResponseWriter to memory.
type answer struct {
	header http.Header
	code   int
	body   bytes.Buffer
}

func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(code int)        { a.code = code }
func (a *answer) Write(p []byte) (int, error) { return a.body.Write(p) }
