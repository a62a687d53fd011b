//go:build netns

package cloud

import (
	"net/http"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/world"
)

// A service that is silent is waited for: briefly, in a test.
const (
	hasty   = "  timeout: 3s\n"
	silence = "no answer within 3s|the time was up|i/o timeout"
)

// TestTheNetworkFails takes away the way to the cloud.
func TestTheNetworkFails(t *testing.T) {
	const api, metadata = agent.ComponentAPI, agent.ComponentMetadata
	endureEach(t, []fault{
		{name: "the API refuses connections", begin: func(h *host) { h.ecs.down() }, source: api, class: "network", says: "connection refused"},
		{name: "the metadata service refuses connections", begin: func(h *host) { h.metadata.down() }, source: metadata, class: "network",
			says: "connection refused.*check that this is an ECS instance"},
		{name: "all refuse connections", begin: func(h *host) { h.metadata.down(); h.ecs.down() }, source: metadata, class: "network", says: "connection refused"},
		{name: "packets to the API vanish", begin: func(h *host) { h.swallow(ecsAddress) }, end: func(h *host) { h.release(ecsAddress) },
			source: api, class: "network", says: silence, more: hasty},
		{name: "packets to the metadata service vanish", begin: func(h *host) { h.swallow(world.MetadataAddress) },
			end: func(h *host) { h.release(world.MetadataAddress) }, source: metadata, class: "network", says: silence, more: hasty},
		{name: "no such name", begin: resolving(refuses(dnsmessage.RCodeNameError)), source: api, class: "network", says: "no such host"},
		{name: "the name server fails", begin: resolving(refuses(dnsmessage.RCodeServerFailure)), source: api, class: "network", says: "server misbehaving"},
		{name: "the name server is silent", begin: resolving(ignores), source: api, class: "network", says: silence, more: hasty},
		{name: "the name has an IPv6 address only", begin: resolving(answersAAAA("2001:db8::1")), source: api, class: "network", says: "2001:db8::1.*unreachable"},
		{name: "the API takes connections and is silent", begin: func(h *host) { h.ecs.connect(silent) }, source: api, class: "network", says: silence, more: hasty},
		{name: "the metadata service takes connections and is silent", begin: func(h *host) { h.metadata.connect(silent) }, source: metadata, class: "network", says: silence, more: hasty},
		{name: "the API drips", begin: func(h *host) { h.ecs.answer(trickles) }, source: api, class: "network", says: silence, more: hasty},
		{name: "the metadata service drips", begin: func(h *host) { h.metadata.answer(trickles) }, source: metadata, class: "network", says: silence, more: hasty},
		{name: "the metadata service's headers drip", begin: func(h *host) { h.metadata.connect(drips("HTTP/1.1 200 OK\r\nX: ")) }, source: metadata, class: "network", says: silence, more: hasty},
		{name: "the API's connections are reset in the body", begin: func(h *host) { h.ecs.answer(cut) }, source: api, class: "network", says: "unexpected EOF|reset|INTERNAL_ERROR"},
		{name: "the metadata service's connections are reset in the body", begin: func(h *host) { h.metadata.answer(cut) }, source: metadata, class: "network", says: "unexpected EOF|reset"},
	})
}

// resolving has names resolved so, from a new connection on.
func resolving(answer func(*dnsmessage.Message, dnsmessage.Question) bool) func(*host) {
	return func(h *host) {
		h.names.tell(answer)
		h.ecs.reset()
	}
}

// cut ends a connection in the middle of a body that was announced to be longer.
func cut(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
	w.Header().Set("Content-Length", "1000")
	_, _ = w.Write([]byte(`{"RequestId":`))
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}
