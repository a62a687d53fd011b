package web

import (
	"net/http"
	"net/http/pprof"

	"golang.org/x/sync/semaphore"
)

// profilesAtOnce bounds the profiles that are taken at a time: some take as long as
// their client wants.
const profilesAtOnce = 2

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
	bounded := atMost(profilesAtOnce, mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if on == nil || !on() {
			http.Error(w, "no profiles: web.pprof is false", http.StatusNotFound)
			return
		}
		bounded.ServeHTTP(w, r)
	})
}

// atMost answers n requests at a time, and a further one with 503.
func atMost(n int64, next http.Handler) http.Handler {
	slots := semaphore.NewWeighted(n)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !slots.TryAcquire(1) {
			http.Error(w, "others are being answered; try again later", http.StatusServiceUnavailable)
			return
		}
		defer slots.Release(1)
		next.ServeHTTP(w, r)
	})
}
