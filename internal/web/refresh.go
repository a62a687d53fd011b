package web

import (
	"fmt"
	"net/http"
	"os"
)

// RefreshPath is where a POST over the Unix socket asks for the desired state to
// be read anew. The answer is 202 and does not wait for it.
const RefreshPath = "/-/refresh"

// newSocketHandler is that of the TCP listeners, with what only the Unix socket
// offers. A browser cannot reach it, so no other site can make one ask.
func newSocketHandler(o Options) http.Handler {
	common := newHandler(o.Metrics, o.Status)
	if o.Refresh == nil {
		return common
	}
	mux := http.NewServeMux()
	mux.Handle("/", common)
	mux.Handle("POST "+RefreshPath, secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := peerOf(r.Context())
		if !ok || !who.mayRefresh(uint32(os.Geteuid())) {
			replyLine(w, http.StatusForbidden, "only root and the daemon's own user may ask for a refresh; use sudo")
			return
		}
		o.Log.Info(fmt.Sprintf("process %d asks for a refresh: reading the desired state anew", who.PID))
		o.Refresh()
		replyLine(w, http.StatusAccepted, "the desired state is being read anew")
	})))
	return mux
}

// mayRefresh tells whether a peer may ask a server that runs as the user own.
func (p Peer) mayRefresh(own uint32) bool { return p.UID == 0 || p.UID == own }
