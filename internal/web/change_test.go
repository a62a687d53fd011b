package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// running is a server that serves until the test ends.
func running(t *testing.T, o Options) *Server {
	t.Helper()
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func change(t *testing.T, s *Server, configFile string, listen ...string) {
	t.Helper()
	c, err := s.Prepare(listen, configFile)
	if err != nil {
		t.Fatal(err)
	}
	c.Commit()
}

// served tells whether a plain HTTP server answers at an address.
func served(t *testing.T, address string) bool {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// tlsClient trusts the authorities of pool and opens a connection for each request.
func tlsClient(pool *x509.CertPool) *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, DisableKeepAlives: true}}
}

// freePort is a port that nothing listens on.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func TestAnAddressIsAddedAndTakenAway(t *testing.T) {
	first, second := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	o := options()
	o.Listen = []string{first}
	s := running(t, o)
	before := s.endpoints[0]
	change(t, s, "", first, second)
	if !served(t, first) || !served(t, second) || s.endpoints[0] != before {
		t.Error("the first address is not served on as it was, or the second one is not served")
	}
	change(t, s, "", second)
	gone := func() bool {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", first)
		if err == nil {
			conn.Close()
		}
		return errors.Is(err, syscall.ECONNREFUSED)
	}
	for !gone() {
		if t.Context().Err() != nil {
			t.Fatal("the first address is still open")
		}
	}
	if !served(t, second) {
		t.Error("the second address is not served")
	}
}

func TestAnAddressMayOverlapWithTheOneThatItReplaces(t *testing.T) {
	port := freePort(t)
	o := options()
	o.Listen = []string{":" + port}
	s := running(t, o)
	change(t, s, "", "127.0.0.1:"+port)
	if !served(t, "127.0.0.1:"+port) {
		t.Error("the narrower address is not served")
	}
	change(t, s, "", ":"+port)
	if !served(t, "127.0.0.1:"+port) {
		t.Error("the wider address is not served")
	}
	if l, err := net.Listen("tcp", "127.0.0.1:"+port); !errors.Is(err, syscall.EADDRINUSE) {
		if err == nil {
			l.Close()
		}
		t.Errorf("another process could take the port: %v", err)
	}
}

func TestAddressesThatOverlapAreRefusedAsAtTheStart(t *testing.T) {
	port := freePort(t)
	narrow, wide := "127.0.0.1:"+port, ":"+port
	o := options()
	o.Listen = []string{narrow, wide}
	if s, err := New(o); err == nil || !strings.Contains(err.Error(), "overlaps with "+narrow) {
		if err == nil {
			s.closeListeners()
		}
		t.Fatalf("at the start: %v", err)
	}
	o.Listen = []string{narrow}
	s := running(t, o)
	if _, err := s.Prepare([]string{narrow, wide}, ""); err == nil || !strings.Contains(err.Error(), "overlaps with "+narrow) {
		t.Errorf("while serving: %v", err)
	}
	if !served(t, narrow) {
		t.Error("it no longer serves")
	}
}

func TestAChangeThatIsNotPossibleChangesNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address, free := "127.0.0.1:"+freePort(t), "127.0.0.1:"+freePort(t)
	o := options()
	o.Listen = []string{address}
	s := running(t, o)
	before := s.Addrs()
	for name, prepare := range map[string]func() error{
		"an address that is taken": func() error { _, err := s.Prepare([]string{free, taken.Addr().String()}, ""); return err },
		"a web configuration that is not there": func() error {
			_, err := s.Prepare([]string{free}, filepath.Join(t.TempDir(), "none.yaml"))
			return err
		},
	} {
		if err := prepare(); err == nil || !strings.HasPrefix(err.Error(), "web.") {
			t.Errorf("%s: %v", name, err)
		}
		if after := s.Addrs(); len(after) != 1 || after[0].String() != before[0].String() || !served(t, address) || served(t, free) {
			t.Errorf("%s: now %v", name, after)
		}
	}
}

func TestTheWebConfigurationChangesOnAnOpenPort(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	webConfig := write(t, filepath.Join(dir, "web.yaml"), "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	o := options()
	o.Listen = []string{"127.0.0.1:" + freePort(t)}
	o.SocketPath = filepath.Join(dir, "sock")
	s := running(t, o)
	address := s.Addrs()[0].String()
	change(t, s, webConfig, o.Listen...)
	client := tlsClient(pool)
	if resp, _ := fetch(t, client, "GET", "https://"+address+"/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("over TLS: %s", resp.Status)
	}
	if served(t, address) {
		t.Error("it still answers without TLS")
	}
	if resp, _ := fetch(t, unixClient(t, o.SocketPath), "GET", "http://unix/status"); resp.StatusCode != http.StatusOK {
		t.Errorf("over the Unix socket: %s", resp.Status)
	}
	change(t, s, "", o.Listen...)
	if !served(t, address) {
		t.Error("without TLS again it does not answer")
	}
}

func TestAnInheritedSocketStaysWhateverIsListenedOn(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	webConfig := write(t, filepath.Join(dir, "web.yaml"), "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Inherited, o.Listen = []net.Listener{l}, nil
	s := running(t, o)
	other := "127.0.0.1:" + freePort(t)
	change(t, s, webConfig, other)
	if resp, _ := fetch(t, tlsClient(pool), "GET", "https://"+l.Addr().String()+"/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("over TLS: %s", resp.Status)
	}
	if served(t, other) || len(s.Addrs()) != 1 {
		t.Errorf("it also listens on %v", s.Addrs())
	}
}

func TestAReloadIsAskedForOverTheSocketOnly(t *testing.T) {
	var refused error
	o := options()
	o.SocketPath = filepath.Join(t.TempDir(), "sock")
	o.Reload = func(context.Context) (string, error) { return "changed web.listen", refused }
	addr := start(t, o)
	client := unixClient(t, o.SocketPath)
	if resp, body := fetch(t, client, "POST", "http://unix"+ReloadPath); resp.StatusCode != http.StatusOK || body != "changed web.listen\n" {
		t.Errorf("got %s %q", resp.Status, body)
	}
	refused = errors.New("config.yaml:1:2: wrong\nconfig.yaml:3:4: too")
	if resp, body := fetch(t, client, "POST", "http://unix"+ReloadPath); resp.StatusCode != http.StatusUnprocessableEntity || body != refused.Error()+"\n" {
		t.Errorf("refused: got %s %q", resp.Status, body)
	}
	if resp, _ := fetch(t, http.DefaultClient, "POST", "http://"+addr+ReloadPath); resp.StatusCode != http.StatusNotFound {
		t.Errorf("over TCP: %s", resp.Status)
	}
}

func TestAnAddressForAllMakesWayForSeveral(t *testing.T) {
	port := freePort(t)
	o := options()
	o.Listen = []string{":" + port}
	s := running(t, o)
	change(t, s, "", "127.0.0.1:"+port, "127.0.0.2:"+port)
	for _, host := range []string{"127.0.0.1:", "127.0.0.2:"} {
		if !served(t, host+port) {
			t.Errorf("%s is not served", host)
		}
	}
	if served(t, "127.0.0.3:"+port) {
		t.Error("the address for all is still served")
	}
}

func TestARequestOnAnAcceptedConnectionIsAnsweredAfterTheChange(t *testing.T) {
	o := options()
	o.Listen = []string{"127.0.0.1:" + freePort(t)}
	s := running(t, o)
	conn, err := net.Dial("tcp", o.Listen[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if !served(t, o.Listen[0]) { // what connected before is accepted by now
		t.Fatal("not served")
	}
	change(t, s, "", "127.0.0.1:"+freePort(t))
	_, _ = io.WriteString(conn, "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 200 ") {
		t.Errorf("%q, %v", answer, err)
	}
}
