//go:build netns

package cloud

import (
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/world"
)

// TestSomeoneElseAnswersForTheAPI has the connection end at a server that cannot
// prove to be the API. No request must reach it.
func TestSomeoneElseAnswersForTheAPI(t *testing.T) {
	show := func(make func(h *host) *tls.Certificate) (begin, end func(*host)) {
		return func(h *host) { h.cert.show(make(h)); h.ecs.reset() }, func(h *host) { h.cert.show(h.trusted.issue(world.ECSHost, time.Hour)) }
	}
	unknown, back := show(func(h *host) *tls.Certificate { return newAuthority(h.t).issue(world.ECSHost, time.Hour) })
	misnamed, _ := show(func(h *host) *tls.Certificate { return h.trusted.issue("ecs.example.com", time.Hour) })
	expired, _ := show(func(h *host) *tls.Certificate { return h.trusted.issue(world.ECSHost, -time.Hour) })
	var faults []fault
	for _, f := range []fault{
		{name: "a certificate of an unknown authority", begin: unknown, says: "certificate signed by unknown authority"},
		{name: "a certificate for another name", begin: misnamed, says: "certificate is valid for ecs.example.com, not " + world.ECSHost},
		{name: "an expired certificate", begin: expired, says: "certificate has expired"},
		{name: "no TLS", begin: func(h *host) { h.ecs.connect(sends("HTTP/1.1 200 OK\r\n\r\n{}")) }, says: "server gave HTTP response|first record"},
	} {
		f.source, f.class, f.end = agent.ComponentAPI, "network", back
		faults = append(faults, f)
	}
	endureEach(t, faults)
}

// TestHTTP2IsBroken has a server that proves to be the API break the protocol.
func TestHTTP2IsBroken(t *testing.T) {
	broken := func(after string) func(*host) {
		return func(h *host) {
			h.ecs.connect(func(c net.Conn) {
				config := h.cert.config()
				config.NextProtos = []string{"h2"}
				s := tls.Server(c, config)
				defer s.Close()
				if s.Handshake() == nil {
					_, _ = io.WriteString(s, after)
				}
			})
		}
	}
	const api = agent.ComponentAPI
	endureEach(t, []fault{
		{name: "it says something else", begin: broken("HTTP/1.1 200 OK\r\n\r\n"), source: api, class: "network", says: "http2"},
		{name: "it ends at once", begin: broken(""), source: api, class: "network", says: "EOF|http2|reset|broken pipe"},
		{name: "it goes away at once", begin: broken("\x00\x00\x00\x04\x00\x00\x00\x00\x00\x00\x00\x08\x07\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
			source: api, class: "network", says: "http2|EOF|GOAWAY|reset|broken pipe"},
	})
}

// TestNoRedirectIsFollowed has the cloud send its clients elsewhere, which must
// not get any of their requests.
func TestNoRedirectIsFollowed(t *testing.T) {
	const api, metadata = agent.ComponentAPI, agent.ComponentMetadata
	const refused = "the endpoint redirects, which the ECS API does not, and no redirect is followed"
	endureEach(t, []fault{
		{name: "of the API, 301", begin: func(h *host) { h.ecs.answer(redirects(h, 301)) }, source: api, class: "malformed", says: refused},
		{name: "of the API, 307", begin: func(h *host) { h.ecs.answer(redirects(h, 307)) }, source: api, class: "malformed", says: refused},
		{name: "of the metadata service", begin: func(h *host) { h.metadata.answer(only("/instance", redirects(h, 302))) }, source: metadata, class: "malformed", says: "answered found"},
		{name: "of its tokens", begin: func(h *host) { h.metadata.answer(redirects(h, 307)) }, source: metadata, class: "malformed", says: "answered temporary redirect"},
		{name: "of a role's credentials", begin: func(h *host) {
			h.expireCredentials()
			h.metadata.answer(only("/security-credentials/", redirects(h, 302)))
		}, source: api, class: "credentials", says: "no credentials: .*the service answered found"},
	})
}

// redirects sends clients to an address where they must not come.
func redirects(h *host, status int) wrapper {
	var elsewhere string
	h.ns.Do(func() {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			h.t.Fatal(err)
		}
		elsewhere = l.Addr().String()
		h.t.Cleanup(func() {
			if err := l.(*net.TCPListener).SetDeadline(time.Now()); err != nil {
				h.t.Error(err)
			}
			if c, err := l.Accept(); err == nil { // it waits there
				c.Close()
				h.t.Error("a redirect was followed")
			}
			l.Close()
		})
	})
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("Location", "http://"+elsewhere+r.URL.RequestURI())
		w.WriteHeader(status)
	}
}
