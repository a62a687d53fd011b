package web

import (
	"net/http"
	"net/http/pprof"
)

// profiles serves the Go runtime's profiles below /debug/pprof/ while on says so,
// else 404: they take CPU time, and tell more of a process than its metrics do.
func profiles(on func() bool) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("POST /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if on == nil || !on() {
			http.Error(w, "no profiles: web.pprof is false", http.StatusNotFound)
			return
		}
		mux.ServeHTTP(w, r)
	})
}
