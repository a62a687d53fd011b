package web

import (
	"errors"
	"fmt"
	"net/http"
	"os"
)

// A POST to one of these over the Unix socket gives the daemon something to do.
const (
	// RefreshPath asks for the desired state to be read anew. The answer is 202
	// and does not wait for it.
	RefreshPath = "/-/refresh"
	// ReloadPath asks for the configuration to be read anew. The answer is 200
	// with a line that says what changed when the new one is in force, or 422
	// with what is wrong with it, a line for each fault; then the old one stays.
	ReloadPath = "/-/reload"
)

// ErrPending marks the error of Options.Reload for a reload that has neither taken
// effect nor been refused: 503.
var ErrPending = errors.New("the new configuration is not in force yet")

// newSocketHandler is that of the TCP listeners, with what only the Unix socket
// offers. A browser cannot reach it, so no other site can make one ask.
func newSocketHandler(o Options) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", newHandler(o))
	if o.Refresh != nil {
		mux.Handle("POST "+RefreshPath, forOwner("a refresh", func(w http.ResponseWriter, _ *http.Request, who Peer) {
			o.Log.Info(fmt.Sprintf("process %d asks for a refresh: reading the desired state anew", who.PID))
			o.Refresh()
			replyLine(w, http.StatusAccepted, "the desired state is being read anew")
		}))
	}
	if o.Reload != nil {
		mux.Handle("POST "+ReloadPath, forOwner("a reload", func(w http.ResponseWriter, r *http.Request, _ Peer) {
			changed, err := o.Reload(r.Context())
			if err != nil {
				code := http.StatusUnprocessableEntity
				if errors.Is(err, ErrPending) {
					code = http.StatusServiceUnavailable
				}
				reply(w, code, "text/plain; charset=utf-8", []byte(err.Error()+"\n"))
				return
			}
			replyLine(w, http.StatusOK, changed)
		}))
	}
	return mux
}

// forOwner refuses all but root and the server's own user. what names the thing
// that is asked for.
func forOwner(what string, f func(http.ResponseWriter, *http.Request, Peer)) http.Handler {
	return secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, ok := peerOf(r.Context())
		if !ok || !who.mayAsk(uint32(os.Geteuid())) {
			replyLine(w, http.StatusForbidden, "only root and the daemon's own user may ask for "+what+"; use sudo")
			return
		}
		f(w, r, who)
	}))
}

// mayAsk tells whether a peer may ask a server that runs as the user own.
func (p Peer) mayAsk(own uint32) bool { return p.UID == 0 || p.UID == own }
