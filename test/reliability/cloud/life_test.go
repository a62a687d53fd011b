//go:build netns

package cloud

import (
	"os"
	"strings"
	"testing"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/world"
)

// TestTheCloudComesAfterTheAgent starts a daemon that knows nothing, and brings
// what it lacks only when it has told of the lack.
func TestTheCloudComesAfterTheAgent(t *testing.T) {
	t.Parallel()
	const api, metadata = agent.ComponentAPI, agent.ComponentMetadata
	for _, f := range []fault{
		{name: "metadata is down at boot", begin: func(h *host) { h.metadata.down() }, source: metadata, class: "network", says: "connection refused"},
		{name: "packets to metadata vanish at boot", begin: func(h *host) { h.swallow(world.MetadataAddress) },
			end: func(h *host) { h.release(world.MetadataAddress) }, source: metadata, class: "network", says: silence, more: hasty},
		{name: "all is down at boot", begin: func(h *host) { h.metadata.down(); h.ecs.down(); h.names.tell(ignores) }, source: metadata, class: "network", says: "connection refused"},
		{name: "there are no names at boot", begin: func(h *host) { h.names.tell(refuses(dnsmessage.RCodeServerFailure)) }, source: api, class: "network", says: "server misbehaving"},
		{name: "the RAM role is attached later", begin: func(h *host) { h.cloud.SetRole("") }, end: func(h *host) { h.cloud.SetRole(world.Role) },
			source: api, class: "credentials", says: "no RAM role is attached to this instance"},
		{name: "the permission is granted later", begin: func(h *host) { h.cloud.Deny("DescribeNetworkInterfaces") }, end: func(h *host) { h.cloud.Deny() },
			source: api, class: "denied", says: "Forbidden.RAM.*grant"},
	} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, f.more)
			f.begin(h)
			h.start(os.Getenv(world.BinaryKey))
			r := h.await("the lack is told: "+f.says, func(r agent.Report) bool { return h.tells(r, f) })
			if r.Determined || r.ExitCode() != agent.ExitError || r.Desired.Origin != agent.OriginNone || h.channels() != 1 {
				t.Errorf("determined %v, origin %s, %d channels", r.Determined, r.Desired.Origin, h.channels())
			}
			h.heal(f)
			h.awaitChannels(good)
			h.await("all is well", func(r agent.Report) bool { return r.InSync && len(r.Errors) == 0 })
		})
	}
}

// TestWhatTheAgentCopesWithIsNotToldAsAFault does something to the cloud that costs
// at most one more request.
func TestWhatTheAgentCopesWithIsNotToldAsAFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		do   func(h *host)
	}{
		{"the metadata tokens are revoked", func(h *host) { h.cloud.RevokeTokens() }},
		{"the role's credentials are rotated", func(h *host) { h.cloud.RotateCredentials() }},
		{"another role is attached", func(h *host) { h.cloud.SetRole("AnotherRole"); h.cloud.RotateCredentials() }},
		{"all connections are cut", func(h *host) { h.metadata.reset(); h.ecs.reset() }},
		{"the servers are started anew", func(h *host) { h.metadata.down(); h.ecs.down(); h.metadata.up(); h.ecs.up() }},
		{"the API's certificate is renewed", func(h *host) { h.cert.show(h.trusted.issue(world.ECSHost, patience)); h.ecs.reset() }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, "")
			h.start(os.Getenv(world.BinaryKey))
			h.awaitChannels(good)
			r := h.await("the state is known", func(r agent.Report) bool { return r.InSync })
			for range 3 {
				before := source(r, agent.ComponentAPI).LastSuccess
				c.do(h)
				h.refresh()
				r = h.await("the cloud is read again", func(r agent.Report) bool { return source(r, agent.ComponentAPI).LastSuccess.After(before) })
			}
			if log := h.daemon.Log(); strings.Contains(log, "level=ERROR") || !r.InSync || len(r.Errors) > 0 {
				t.Errorf("in sync: %v, errors %v", r.InSync, r.Errors)
			}
		})
	}
}

// TestAProxyForHTTPGetsNothing sets HTTP_PROXY, which is for neither the metadata
// service nor the role's credentials.
func TestAProxyForHTTPGetsNothing(t *testing.T) {
	t.Parallel()
	h := newHost(t, "")
	h.env = append(h.env, "HTTP_PROXY=http://user:canarysecret@127.0.0.1:9", "NO_PROXY=")
	h.note("canarysecret")
	if r, code := h.apply(); code != agent.ExitInSync || h.channels() != good {
		t.Errorf("exit %d, %d channels, %+v", code, h.channels(), r.Errors)
	}
}
