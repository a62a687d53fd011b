package web

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"

	"github.com/enitune/enitune/internal/webconfig/certtest"
)

const (
	document  = `{"version":1}`
	indexPage = "<!DOCTYPE html><title>enitune</title>"
)

// options serve fixed answers on a free loopback port.
func options() Options {
	return Options{
		Listen: []string{"127.0.0.1:0"},
		Page: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			_, _ = io.WriteString(w, indexPage)
		}),
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "enitune_drift 0\n")
		}),
		Status: func() ([]byte, error) { return []byte(document), nil },
	}
}

// start runs a server until the test ends and returns its first address.
func start(t *testing.T, o Options) string {
	t.Helper()
	return running(t, o).Addrs()[0].String()
}

func fetch(t *testing.T, c *http.Client, method, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, c, r)
}

func do(t *testing.T, c *http.Client, r *http.Request) (*http.Response, string) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, string(body)
}

func TestEndpoints(t *testing.T) {
	ready := options()
	starting := options()
	starting.Status = func() ([]byte, error) { return nil, errors.New("no report\nyet") }
	failing := options()
	failing.Status = func() ([]byte, error) { return []byte(document), errors.New("the kernel does not answer") }
	const text, page, doc = "text/plain; charset=utf-8", "text/html; charset=utf-8", "application/json"
	tests := map[string]struct {
		options      Options
		method, path string
		code         int
		contentType  string
		body         string
	}{
		"metrics":                      {ready, "GET", "/metrics", 200, text, "enitune_drift 0\n"},
		"health":                       {ready, "GET", "/healthz", 200, text, "ok\n"},
		"ready":                        {ready, "GET", "/readyz", 200, text, "ok\n"},
		"status":                       {ready, "GET", "/status", 200, doc, document},
		"page":                         {ready, "GET", "/", 200, page, indexPage},
		"head has no body":             {ready, "HEAD", "/status", 200, doc, ""},
		"unknown path":                 {ready, "GET", "/metric", 404, text, "404 page not found\n"},
		"post":                         {ready, "POST", "/status", 405, text, "Method Not Allowed\n"},
		"delete of the page":           {ready, "DELETE", "/", 405, text, "Method Not Allowed\n"},
		"healthy while starting":       {starting, "GET", "/healthz", 200, text, "ok\n"},
		"not ready while starting":     {starting, "GET", "/readyz", 503, text, "no report yet\n"},
		"no status while starting":     {starting, "GET", "/status", 503, doc, `{"error":"no report\nyet"}` + "\n"},
		"not ready while failing":      {failing, "GET", "/readyz", 503, text, "the kernel does not answer\n"},
		"the last report when failing": {failing, "GET", "/status", 503, doc, document},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			resp, body := fetch(t, http.DefaultClient, tt.method, "http://"+start(t, tt.options)+tt.path)
			if resp.StatusCode != tt.code || resp.Header.Get("Content-Type") != tt.contentType {
				t.Errorf("got %d %s, want %d %s", resp.StatusCode, resp.Header.Get("Content-Type"), tt.code, tt.contentType)
			}
			if diff := cmp.Diff(tt.body, body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if h := resp.Header; h.Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'") {
				t.Errorf("the security headers are missing: %v", h)
			}
			if allow := resp.Header.Get("Allow"); (tt.code == 405) != (allow == "GET, HEAD") {
				t.Errorf("%d with Allow: %q", tt.code, allow)
			}
		})
	}
}

func TestTLSAndBasicAuthFromAWebConfig(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Listen = []string{"127.0.0.1:0", "127.0.0.1:0"} // two, as each is wrapped on its own
	o.ConfigFile = write(t, filepath.Join(dir, "web.yaml"),
		"tls_server_config:\n  cert_file: cert.pem\n  key_file: key.pem\nbasic_auth_users:\n  prometheus: "+string(hash)+"\n")
	o.SocketPath = filepath.Join(dir, "sock")
	addr := start(t, o)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	defer client.CloseIdleConnections()

	if resp, _ := fetch(t, client, "GET", "https://"+addr+"/metrics"); resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("without a password: got %s", resp.Status)
	}
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "https://"+addr+"/metrics", nil)
	r.SetBasicAuth("prometheus", "open sesame")
	if resp, body := do(t, client, r); resp.StatusCode != http.StatusOK || body != "enitune_drift 0\n" {
		t.Errorf("with the password: got %s %q", resp.Status, body)
	}
	if resp, _ := fetch(t, http.DefaultClient, "GET", "http://"+addr+"/metrics"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP to TLS: got %s", resp.Status)
	}
	if _, body := fetch(t, unixClient(t, o.SocketPath), "GET", "http://unix/status"); body != document {
		t.Errorf("the Unix socket asks for what only TCP needs: got %q", body)
	}
}

// certificate writes cert.pem and key.pem for 127.0.0.1.
func certificate(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	return certtest.Write(t, dir, time.Now().Add(time.Hour)).Pool
}

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestABadWebConfigIsOneErrorBeforeAnythingIsServed(t *testing.T) {
	o := options()
	o.ConfigFile = write(t, filepath.Join(t.TempDir(), "web.yaml"), "tls_server_config: {cert_file: none.pem}\n")
	if _, err := New(o); err == nil || !strings.HasPrefix(err.Error(), "web.config_file: "+o.ConfigFile+": ") {
		t.Errorf("got %v", err)
	}
}

func TestAnAddressInUseIsNamedWithTheRemedy(t *testing.T) {
	addr := start(t, options())
	o := options()
	o.Listen = []string{"127.0.0.1:0", addr}
	_, err := New(o)
	want := "web.listen: " + addr + " is in use by another process: address already in use; stop that one (ss -ltnp shows it), or choose another address"
	if !errors.Is(err, syscall.EADDRINUSE) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
}

func TestInheritedListenersReplaceListen(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Listen, o.Inherited = []string{"an address that cannot be opened"}, []net.Listener{l}
	if addr := start(t, o); addr != l.Addr().String() {
		t.Errorf("serves %s, want %s", addr, l.Addr())
	} else if _, body := fetch(t, http.DefaultClient, "GET", "http://"+addr+"/healthz"); body != "ok\n" {
		t.Errorf("got %q", body)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	tests := map[string]Options{"one address": options(), "no address": {}}
	for name, o := range tests {
		t.Run(name, func(t *testing.T) {
			s, err := New(o)
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			cancel()
			if err := s.Run(ctx); err != nil {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestRunEndsWhileClientsHoldConnections(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	defer close(release)
	o := options()
	o.Metrics = http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-release // not before Run has returned
	})
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()

	slowHeader, waiting := dial(t, s.Addrs()[0]), dial(t, s.Addrs()[0])
	_, _ = io.WriteString(slowHeader, "GET /metrics HTT")
	_, _ = io.WriteString(waiting, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
	<-entered
	cancel()
	if err := <-done; err != nil {
		t.Errorf("got %v", err)
	}
	for name, conn := range map[string]net.Conn{"slow header": slowHeader, "waiting": waiting} {
		if _, err := bufio.NewReader(conn).ReadByte(); err == nil {
			t.Errorf("%s: the connection was answered, want it closed", name)
		}
	}
}

func dial(t *testing.T, addr net.Addr) net.Conn {
	t.Helper()
	conn, err := net.Dial(addr.Network(), addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestAHeaderTooLargeIsRefused(t *testing.T) {
	addr := start(t, options())
	r, _ := http.NewRequestWithContext(t.Context(), "GET", "http://"+addr+"/healthz", nil)
	r.Header.Set("X-Large", strings.Repeat("x", 2*maxHeaderBytes))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return // closed while the rest was being sent, which is a refusal too
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("got %s", resp.Status)
	}
}
