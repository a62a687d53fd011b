package web

import (
	"io"
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzip"
	"golang.org/x/net/http/httpguts"
)

// leastCompressed is the first part of an answer that is worth compressing.
const leastCompressed = 1 << 10

// compress compresses answers for clients that name gzip without a quality, fast
// rather than well: a
// scrape must not cost more than it has to. Short answers stay as they are, and so do
// the runtime's profiles, which are compressed already. (The wrapper that comes with
// the compressor can do more, and brings another compressor along, whose tables take
// a tenth of a millisecond of every start of the program.)
func compress(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		if r.Method == http.MethodHead || !httpguts.HeaderValuesContainsToken(r.Header["Accept-Encoding"], "gzip") {
			h.ServeHTTP(w, r)
			return
		}
		c := &compressed{ResponseWriter: w}
		defer c.close()
		h.ServeHTTP(c, r)
	})
}

// compressed is an answer that is compressed if it is worth it.
type compressed struct {
	http.ResponseWriter
	status  int // given by the handler; 0 while none was
	decided bool
	gzip    io.WriteCloser // nil where it is not compressed
}

// Unwrap is for http.ResponseController.
func (c *compressed) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// FlushError sends what there is, uncompressed if that is nothing yet.
func (c *compressed) FlushError() error {
	c.decide(nil)
	return http.NewResponseController(c.ResponseWriter).Flush()
}

// WriteHeader keeps the status until the first bytes tell how they will be sent.
func (c *compressed) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
}

func (c *compressed) Write(b []byte) (int, error) {
	c.decide(b)
	if c.gzip != nil {
		return c.gzip.Write(b)
	}
	return c.ResponseWriter.Write(b)
}

// decide sends the header, once, given the first bytes of the body.
func (c *compressed) decide(first []byte) {
	if c.decided {
		return
	}
	c.decided = true
	header := c.Header()
	if header.Get("Content-Type") == "" && len(first) > 0 {
		header.Set("Content-Type", http.DetectContentType(first))
	}
	packed := header.Get("Content-Encoding") != "" || strings.HasPrefix(header.Get("Content-Type"), "application/octet-stream")
	if len(first) >= leastCompressed && !packed {
		w, err := gzip.NewWriterLevel(c.ResponseWriter, gzip.StatelessCompression)
		if err == nil { // the level is one that there is
			c.gzip = w
			header.Set("Content-Encoding", "gzip")
			header.Del("Content-Length")
		}
	}
	if c.status != 0 {
		c.ResponseWriter.WriteHeader(c.status)
	}
}

func (c *compressed) close() {
	c.decide(nil)
	if c.gzip != nil {
		_ = c.gzip.Close() // the client is gone
	}
}
