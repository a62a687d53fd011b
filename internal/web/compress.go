package web

import (
	"net/http"
	"strings"

	"github.com/klauspost/compress/gzhttp"
	"github.com/klauspost/compress/gzip"
)

// compressor compresses answers for clients that take it, fast rather than well:
// a scrape must not cost more than it has to. Short answers stay as they are, and
// so do the runtime's profiles, which are compressed already.
func compressor() (func(http.Handler) http.HandlerFunc, error) {
	return gzhttp.NewWrapper(gzhttp.CompressionLevel(gzip.StatelessCompression), gzhttp.EnableZstd(false),
		gzhttp.ContentTypeFilter(func(contentType string) bool { return !strings.HasPrefix(contentType, "application/octet-stream") }))
}
