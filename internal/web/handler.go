package web

import (
	"encoding/json"
	"net/http"
	"strings"
)

// newHandler routes the endpoints. The patterns' GET includes HEAD; other
// methods get 405, other paths 404.
func newHandler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /{$}", o.Page)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		replyLine(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if _, err := o.Status(); err != nil {
			replyLine(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		replyLine(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		replyStatus(w, o.Status)
	})
	mux.Handle("GET /metrics", o.Metrics)
	mux.Handle("/debug/pprof/", profiles(o.Profiles))
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

// secure adds the headers that keep a browser from running or framing anything;
// the page has a policy of its own.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}
