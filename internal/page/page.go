// Package page shows the last report to a person with a browser: what is wrong and
// what to do about it first, everything else below.
//
// The page is one document without any other file. With JavaScript it reads itself
// again and changes what is new; without, the browser reloads it.
package page

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the style and the script
	"encoding/base64"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/enitune/enitune/agent"
)

//go:embed page.css
var style string

//go:embed page.js
var script string

// defaultEvery is how often a page that is looked at reads itself again.
const defaultEvery = 5 * time.Second

// Options are what New needs beside the report.
type Options struct {
	// Version of the daemon.
	Version string
	// Every is how often an open page is renewed; 5 s if 0. Without JavaScript it
	// is rounded up to a second.
	Every time.Duration
	// Clock tells the time; time.Now if nil.
	Clock func() time.Time
}

// New serves the page. report returns the last report, and false while there is
// none. The handler sets a Content-Security-Policy of its own, which allows the
// page's style and script by their hashes, and nothing else.
func New(report func() (agent.Report, bool), o Options) http.Handler {
	if o.Every == 0 {
		o.Every = defaultEvery
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}
	a := assets{
		style: "<style>" + style + "</style>", script: "<script>" + script + "</script>",
		build: hash(style + script + o.Version), every: o.Every,
	}
	policy := contentSecurityPolicy()
	var size atomic.Int64 // of the last answer; the next one is about as large
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		body.Grow(int(size.Load()))
		last, ok := report()
		if err := document(newView(last, ok, o.Version, o.Clock()), a).Render(r.Context(), &body); err != nil {
			// Writing to memory fails only when the request has ended.
			http.Error(w, "the page could not be made", http.StatusInternalServerError)
			return
		}
		size.Store(int64(body.Len()) + 512)
		h := w.Header()
		h.Set("Content-Type", "text/html; charset=utf-8")
		h.Set("Content-Security-Policy", policy)
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Length", strconv.Itoa(body.Len()))
		_, _ = w.Write(body.Bytes()) // fails when the client is gone
	})
}

// assets are the parts of the document that no report changes.
type assets struct {
	style, script string
	// build differs where an open page is to load its style and script anew.
	build string
	every time.Duration
}

// milliseconds is how often the script reads the page again.
func (a assets) milliseconds() string { return strconv.FormatInt(a.every.Milliseconds(), 10) }

// seconds is how often a browser without JavaScript does.
func (a assets) seconds() string {
	return strconv.Itoa(int((a.every + time.Second - 1) / time.Second))
}

// contentSecurityPolicy lets the browser run what is in the document's own style
// and script, read the page again, and show the icon. All else is forbidden.
func contentSecurityPolicy() string {
	return "default-src 'none'; style-src 'sha256-" + hash(style) + "'; script-src 'sha256-" + hash(script) +
		"'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}
