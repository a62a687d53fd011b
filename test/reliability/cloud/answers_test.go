//go:build netns

package cloud

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
)

const (
	jsonType = "application/json"
	htmlType = "text/html"
	portal   = "<!DOCTYPE html><html><head><title>Log in</title></head><body>Welcome</body></html>"
)

// ecsSays has each call of the API answered so.
func ecsSays(status int, contentType, body string) func(*host) {
	return func(h *host) { h.ecs.answer(says(status, contentType, body)) }
}

// metadataSays has each request but those for tokens answered so.
func metadataSays(status int, contentType, body string) func(*host) {
	return func(h *host) {
		answer := says(status, contentType, body)
		h.metadata.answer(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method == http.MethodPut {
				next.ServeHTTP(w, r)
				return
			}
			answer(w, r, next)
		})
	}
}

// tokensSay revokes all tokens and has each request for another answered with a
// page.
func tokensSay(status int) func(*host) {
	return func(h *host) {
		h.cloud.RevokeTokens()
		h.metadata.answer(only("/api/token", says(status, htmlType, portal)))
	}
}

// enis is a reply of DescribeNetworkInterfaces with ENIs, each a JSON object.
func enis(list ...string) string {
	return `{"RequestId":"R","NetworkInterfaceSets":{"NetworkInterfaceSet":[` + strings.Join(list, ",") + `]}}`
}

// TestTheAPIAnswersSomethingElse has an answer come that is none.
func TestTheAPIAnswersSomethingElse(t *testing.T) {
	var faults []fault
	for _, a := range []struct {
		name, contentType, body, says string
	}{
		{"a captive portal", htmlType, portal, "want JSON, got text/html: .*check that the endpoint is the ECS API"},
		{"truncated JSON", jsonType, `{"RequestId":"R","NetworkInterfaceSets":{"NetworkInter`, "want JSON, got application/json"},
		{"nothing", jsonType, "", "want JSON, got application/json: an empty body"},
		{"null", jsonType, "null", "want an object, got null"},
		{"another reply", jsonType, `{"RequestId":"R","Instances":{}}`, "NetworkInterfaceSets is missing"},
		{"an array for an object", jsonType, "[]", "want an object, got an array"},
		{"a text for the list", jsonType, `{"NetworkInterfaceSets":"none"}`, "NetworkInterfaceSets: want an object"},
		{"an object for the list", jsonType, `{"NetworkInterfaceSets":{"NetworkInterfaceSet":{"NetworkInterfaceId":"eni-1"}}}`, "NetworkInterfaceSet: want an array"},
		{"numbers for ENIs", jsonType, enis("1", "2"), "NetworkInterfaceSet.0.: want an object, got 1"},
		{"nesting without end", jsonType, strings.Repeat("[", 100_000), "want JSON"},
		{"an error with HTTP 200", jsonType, `{"Code":"Throttling","Message":"too fast"}`, "NetworkInterfaceSets is missing"},
	} {
		faults = append(faults, fault{name: a.name, begin: ecsSays(200, a.contentType, a.body), source: agent.ComponentAPI, class: "malformed", says: a.says})
	}
	faults = append(faults,
		fault{name: "a Code that is a number", begin: ecsSays(400, jsonType, `{"Code":400,"Message":"bad"}`), source: agent.ComponentAPI, class: "malformed",
			says: "an error reply that cannot be read: Code: want a string, got 400"},
		fault{name: "an error without a Code", begin: ecsSays(400, jsonType, `{"Message":"bad"}`), source: agent.ComponentAPI, class: "malformed", says: "an error reply without a Code"},
		fault{name: "no HTTP", begin: func(h *host) { h.ecs.connect(sends("220 mail.example ESMTP\r\n")) }, source: agent.ComponentAPI, class: "network", says: "TLS handshake|first record"},
	)
	endureEach(t, faults)
}

// TestTheMetadataServiceAnswersSomethingElse does the same there.
func TestTheMetadataServiceAnswersSomethingElse(t *testing.T) {
	var faults []fault
	for _, a := range []struct {
		name, contentType, body, says string
	}{
		{"a captive portal", htmlType, portal, "instance-id: want one word"},
		{"truncated JSON", jsonType, `{"instance-id":"i-1","region-`, "instance-id: want one word"},
		{"nothing", jsonType, "", "instance-id: want one word.*an empty body"},
	} {
		faults = append(faults, fault{name: a.name, begin: metadataSays(200, a.contentType, a.body), source: agent.ComponentMetadata, class: "malformed", says: a.says})
	}
	faults = append(faults,
		fault{name: "404 for everything", begin: metadataSays(404, htmlType, portal), source: agent.ComponentMetadata, class: "notfound", says: "instance-id: the service answered not found"},
		fault{name: "404 for tokens too", begin: tokensSay(404), source: agent.ComponentMetadata, class: "invalid",
			says: "the service gives no tokens"},
		fault{name: "a page for a token", begin: tokensSay(200), source: agent.ComponentMetadata, class: "malformed",
			says: "the reply to the token request is not a token"},
		fault{name: "no HTTP", begin: func(h *host) { h.metadata.connect(sends("220 mail.example ESMTP\r\n\r\n")) }, source: agent.ComponentMetadata, class: "network",
			says: "malformed HTTP"},
		fault{name: "each token is refused", begin: metadataSays(401, htmlType, portal), source: agent.ComponentMetadata, class: "denied",
			says: "refused a token that it had just given"},
	)
	endureEach(t, faults)
}

// TestTheAPIRefuses has the API, or what stands before it, answer with an error.
func TestTheAPIRefuses(t *testing.T) {
	var faults []fault
	for _, a := range []struct {
		status int
		class  string
	}{
		{401, "malformed"}, {403, "malformed"}, {429, "throttled"}, {500, "server"}, {502, "server"}, {503, "server"}, {504, "server"},
	} {
		faults = append(faults, fault{name: fmt.Sprintf("HTTP %d without a code", a.status), begin: ecsSays(a.status, htmlType, portal),
			source: agent.ComponentAPI, class: a.class, says: fmt.Sprintf("want JSON, got text/html.*HTTP %d", a.status)})
	}
	for _, a := range []struct {
		status           int
		code, class, say string
	}{
		{400, "Throttling", "throttled", "HTTP 400"},
		{400, "Throttling.User", "throttled", "HTTP 400"},
		{400, "Throttling.Api", "throttled", "HTTP 400"},
		{400, "Rejected.Throttling", "throttled", "HTTP 400"},
		{429, "TooManyRequests", "throttled", "HTTP 429"},
		{503, "ServiceUnavailable", "server", "the cloud is not available for now"},
		{500, "InternalError", "server", "HTTP 500"},
		{403, "Forbidden.RAM", "denied", "grant ecs:DescribeNetworkInterfaces|ImplicitDeny"},
		{404, "InvalidAccessKeyId.NotFound", "credentials", "does not know this access key"},
		{401, "Unauthorized", "credentials", "HTTP 401"},
	} {
		code := ecssim.Fault{Target: ecssim.TargetECS, HTTPStatus: a.status, Code: a.code, Message: "No."}
		faults = append(faults, fault{name: fmt.Sprintf("%s with HTTP %d", a.code, a.status), begin: func(h *host) { h.cloud.SetFaults(code) },
			source: agent.ComponentAPI, class: a.class, says: a.code + ": No.*" + a.say})
	}
	endureEach(t, faults)
}

// TestTheMetadataServiceRefuses has it answer with a status.
func TestTheMetadataServiceRefuses(t *testing.T) {
	var faults []fault
	for _, a := range []struct {
		status int
		class  string
	}{
		{403, "denied"}, {429, "throttled"}, {500, "server"}, {503, "server"},
	} {
		faults = append(faults, fault{name: fmt.Sprintf("HTTP %d", a.status), begin: metadataSays(a.status, htmlType, portal),
			source: agent.ComponentMetadata, class: a.class, says: fmt.Sprintf("the service answered .*HTTP %d", a.status)})
	}
	endureEach(t, faults)
}
