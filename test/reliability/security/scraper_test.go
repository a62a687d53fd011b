//go:build netns

package security

import (
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
)

// serveOnce answers every request on a Unix socket with a document.
func serveOnce(t *testing.T, path, document string) error {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, document) })}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
	return nil
}

// TestOverTCPNothingButReadingIsOffered: who may scrape, or has taken over who may,
// can have the daemon do nothing.
func TestOverTCPNothingButReadingIsOffered(t *testing.T) {
	h := newHost(t)
	d := h.start()
	d.Await("read from the cloud")
	pages := map[string]bool{"/": true, "/metrics": true, "/status": true, "/healthz": true, "/readyz": true}
	others := []string{"/-/reload", "/-/refresh", "/-/quit", "/debug/pprof/", "/debug/pprof/profile", "/debug/vars", "/api/v1/status", "/config", "/state.json", "/metrics/", "/status/x",
		"/..%2f..%2fetc/passwd", "/%2e%2e/%2e%2e/etc/passwd", "//etc/passwd", "/./status", "/favicon.ico", "/index.html"}
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "X"} {
		for path := range pages {
			status, _ := h.request(method, path)
			if want := map[bool]int{true: 200, false: 405}[method == "GET" || method == "HEAD"]; status != want {
				t.Errorf("%s %s: %d, want %d", method, path, status, want)
			}
		}
		for _, path := range others {
			// A path that is not clean is redirected to the clean one.
			if status, body := h.request(method, path); status != 404 && status != 405 && status != 301 && status != 307 || strings.Contains(body, "root:") {
				t.Errorf("%s %s: %d %.100s", method, path, status, body)
			}
		}
	}
	for _, text := range []string{"process", "SIGHUP", "configuration unchanged"} {
		if d.Count(text) > 0 {
			t.Errorf("the daemon was made to do something: %s", d.Log())
		}
	}
	if status, _ := h.overSocket("POST", "/-/refresh"); status != 202 {
		t.Errorf("over the socket: %d; this test proves nothing", status)
	}
}

// TestMalformedRequestsAreRefusedAndBounded: what a proxy and the daemon could read
// differently is one request or none.
func TestMalformedRequestsAreRefusedAndBounded(t *testing.T) {
	h := newHost(t)
	d := h.start()
	d.Await("read from the cloud")
	const smuggled = "POST /-/reload HTTP/1.1\r\nHost: x\r\n\r\n"
	chunked := fmt.Sprintf("0\r\n\r\n%s", smuggled)
	for name, tt := range map[string]struct {
		request string
		status  string // of the first answer
		answers int    // at most
	}{
		"two lengths":            {"GET /status HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nContent-Length: 40\r\nConnection: close\r\n\r\n" + smuggled, "400", 1},
		"a length with a sign":   {"GET /status HTTP/1.1\r\nHost: x\r\nContent-Length: +0\r\nConnection: close\r\n\r\n" + smuggled, "400", 1},
		"an unknown coding":      {"GET /status HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\nConnection: close\r\n\r\n" + smuggled, "501", 1},
		"a length and chunks":    {fmt.Sprintf("GET /status HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n%s", len(chunked), chunked), "200", 1},
		"a space before colon":   {"GET /status HTTP/1.1\r\nHost : x\r\nConnection: close\r\n\r\n", "400", 1},
		"no host":                {"GET /status HTTP/1.1\r\nConnection: close\r\n\r\n", "400", 1},
		"two hosts":              {"GET /status HTTP/1.1\r\nHost: x\r\nHost: y\r\nConnection: close\r\n\r\n", "400", 1},
		"a control character":    {"GET /status HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\nConnection: close\r\n\r\n", "400", 1},
		"an unknown version":     {"GET /status HTTP/9.9\r\nHost: x\r\n\r\n", "505", 1},
		"no HTTP":                {"\x16\x03\x01\x00\x01\x00\r\n\r\n", "400", 1},
		"a header without end":   {"GET /status HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("a", 1<<20) + "\r\n\r\n", "431", 1},
		"headers without end":    {"GET /status HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: a\r\n", 1<<17) + "\r\n", "431", 1},
		"a path without end":     {"GET /" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", "431", 1},
		"the proxy of another":   {"GET http://169.254.169.254/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200", 1},
		"a tunnel":               {"CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "40", 1},
		"another protocol asked": {"GET /status HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings, close\r\n\r\n", "200", 1},
	} {
		t.Run(name, func(t *testing.T) {
			got := h.raw(tt.request)
			// A reset can take the answer to what was not read to its end.
			if !strings.HasPrefix(got, "HTTP/1.1 "+tt.status) && (got != "" || len(tt.request) < 1<<16) || strings.Count(got, "HTTP/1.1 ") > tt.answers {
				t.Errorf("%.300q, want one answer of status %s", got, tt.status)
			}
			if status, _ := h.request("GET", "/healthz"); status != 200 {
				t.Errorf("/healthz afterwards: %d", status)
			}
		})
	}
	if text := d.Log(); strings.Contains(text, "asks for") || strings.Contains(text, "configuration unchanged") {
		t.Errorf("the daemon was made to do something:\n%s", text)
	}
}

// TestAnswersKeepBrowsersFromRunningAnything by their headers.
func TestAnswersKeepBrowsersFromRunningAnything(t *testing.T) {
	h := newHost(t)
	h.start().Await("read from the cloud")
	for _, path := range []string{"/", "/status", "/metrics", "/healthz", "/none"} {
		resp, err := http.Get("http://" + address + path)
		h.must(err)
		_ = resp.Body.Close()
		policy := resp.Header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: %s is not in the policy %q", path, part, policy)
			}
		}
		if strings.Contains(policy, "unsafe") || resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
}

// TestNoCredentialsGoToAnEndpointWithoutTheCertificate: who answers at the API's
// address without its certificate gets no request, and so no security token.
func TestNoCredentialsGoToAnEndpointWithoutTheCertificate(t *testing.T) {
	h := newHost(t)
	h.env = append(h.env, "SSL_CERT_FILE=/dev/null", "SSL_CERT_DIR=/none")
	res := h.run("apply")
	if res.Code != 1 || !strings.Contains(res.Stdout+res.Stderr, "certificate") || netns.Channels(t, "eth1") != 1 {
		t.Errorf("exit %d: %s%s", res.Code, res.Stdout, res.Stderr)
	}
	if len(h.onTheWire()) == 0 {
		t.Error("not even the metadata service was asked; this test proves nothing")
	}
	for _, r := range h.cloud.Requests() {
		if r.Target == ecssim.TargetECS {
			t.Errorf("a request was sent: %+v", r)
		}
	}
}

// TestASpoofedMetadataServiceChoosesNoHost: what it says of the region becomes part
// of the API's name, and no other name.
func TestASpoofedMetadataServiceChoosesNoHost(t *testing.T) {
	h := newHost(t)
	for _, region := range []string{"example.com/?", "x.example.com#", "x@127.0.0.1:443", `x\r\nHost: y`, "127.0.0.1:443/"} {
		h.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetMetadata, Match: "dynamic/*", RawBody: `{"instance-id":"i-1","region-id":"` + region + `"}`},
			ecssim.Fault{Target: ecssim.TargetMetadata, Match: "meta-data/region-id", RawBody: region})
		res := h.run("apply")
		if res.Code != 1 || !strings.Contains(res.Stdout+res.Stderr, "want a region id") {
			t.Errorf("%s: exit %d: %s%s", region, res.Code, res.Stdout, res.Stderr)
		}
		for _, r := range h.cloud.Requests() {
			if r.Target == ecssim.TargetECS {
				t.Errorf("%s: a request was sent: %+v", region, r)
			}
		}
	}
}
