package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

// indexPage links the endpoints. It needs no script, style or other file.
const indexPage = `<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>enitune</title></head>
<body>
<h1>enitune</h1>
<ul>
<li><a href="/metrics">/metrics</a>: Prometheus metrics</li>
<li><a href="/status">/status</a>: the last report, JSON</li>
<li><a href="/healthz">/healthz</a>: the process answers</li>
<li><a href="/readyz">/readyz</a>: a report is there</li>
</ul>
</body>
</html>
`

// newHandler routes the endpoints. The patterns' GET includes HEAD; other
// methods get 405, other paths 404.
func newHandler(metrics http.Handler, status func() ([]byte, error)) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, "text/html; charset=utf-8", []byte(indexPage))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		replyLine(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := status(); err != nil {
			replyLine(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		replyLine(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		replyStatus(w, status)
	})
	mux.Handle("GET /metrics", metrics)
	return secure(mux)
}

// replyStatus sends the report. While the agent is not ready it sends what
// there is with 503: the report, or {"error": "why"}.
func replyStatus(w http.ResponseWriter, status func() ([]byte, error)) {
	body, notReady := status()
	code := http.StatusOK
	if notReady != nil {
		code = http.StatusServiceUnavailable
	}
	if len(body) == 0 {
		reason := "there is no report yet"
		if notReady != nil {
			reason = notReady.Error()
		}
		code = http.StatusServiceUnavailable
		// A map of strings always encodes.
		body, _ = json.Marshal(map[string]string{"error": reason})
		body = append(body, '\n')
	}
	reply(w, code, "application/json", body)
}

// replyLine sends a text as one line.
func replyLine(w http.ResponseWriter, code int, text string) {
	text = strings.Join(strings.Fields(text), " ") + "\n"
	reply(w, code, "text/plain; charset=utf-8", []byte(text))
}

// reply sends a body that no cache may keep. An error means that the client is
// gone, and there is no one to tell.
func reply(w http.ResponseWriter, code int, contentType string, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write(body)
}

// secure adds the headers that keep a browser from running or framing anything.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
