package web

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/enitune/enitune/internal/webconfig/certtest"
)

func TestOnlyClientsWithACertificateOfTheAuthorityAreServed(t *testing.T) {
	dir, strangers := t.TempDir(), t.TempDir()
	friend := certtest.Write(t, dir, time.Now().Add(time.Hour))
	stranger := certtest.Write(t, strangers, time.Now().Add(time.Hour))
	o := options()
	o.ConfigFile = write(t, filepath.Join(dir, "web.yaml"),
		"tls_server_config: {cert_file: cert.pem, key_file: key.pem, client_auth_type: RequireAndVerifyClientCert, client_ca_file: authority.pem}\n")
	addr := start(t, o)
	for name, tt := range map[string]struct {
		certificates []tls.Certificate
		served       bool
	}{
		"of the authority":     {[]tls.Certificate{friend.TLS}, true},
		"of another authority": {[]tls.Certificate{stranger.TLS}, false},
		"without one":          {nil, false},
	} {
		client := tlsClient(friend.Pool)
		client.Transport.(*http.Transport).TLSClientConfig.Certificates = tt.certificates
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(r)
		if err == nil {
			resp.Body.Close()
		}
		if served := err == nil && resp.StatusCode == http.StatusOK; served != tt.served {
			t.Errorf("%s: served %v, %v", name, served, err)
		}
	}
}

func TestWhatTheFileHoldsIsReadAnewWithoutClosingThePort(t *testing.T) {
	dir := t.TempDir()
	pool := certificate(t, dir)
	o := options()
	o.Listen = []string{"127.0.0.1:" + freePort(t)}
	o.ConfigFile = write(t, filepath.Join(dir, "web.yaml"), "{}\n")
	s := running(t, o)
	if !served(t, o.Listen[0]) {
		t.Fatal("it does not answer without TLS")
	}
	write(t, o.ConfigFile, "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	change(t, s, o.ConfigFile, o.Listen...)
	if resp, _ := fetch(t, tlsClient(pool), "GET", "https://"+o.Listen[0]+"/healthz"); resp.StatusCode != http.StatusOK {
		t.Errorf("over TLS: %s", resp.Status)
	}
	same, err := s.Prepare(o.Listen, o.ConfigFile)
	if err != nil || same.Any() {
		t.Errorf("the same again: %v, %v", same.Any(), err)
	}
}

func TestAWebConfigurationHoldsUntilAReloadTakesAnother(t *testing.T) {
	dir := t.TempDir()
	pair := certtest.Write(t, dir, time.Now().Add(time.Hour))
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	o := options()
	o.Listen = []string{"127.0.0.1:" + freePort(t)}
	text := "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {prometheus: " + string(hash) + "}\n"
	o.ConfigFile = write(t, filepath.Join(dir, "web.yaml"), text)
	s := running(t, o)
	code := func(password string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+o.Listen[0]+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			r.SetBasicAuth("prometheus", password)
		}
		resp, _ := do(t, tlsClient(pair.Pool), r)
		return resp.StatusCode
	}
	for name, text := range map[string]string{
		"no YAML":      "{{{",
		"emptied":      "",
		"no passwords": "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {}\nrate_limit: [",
		"only a word":  "# nothing\n",
	} {
		write(t, o.ConfigFile, text)
		if _, err := s.Prepare(o.Listen, o.ConfigFile); err == nil {
			t.Errorf("%s: not refused", name)
		}
		if with, without := code("open sesame"), code(""); with != http.StatusOK || without != http.StatusUnauthorized {
			t.Errorf("%s: %d with the password, %d without", name, with, without)
		}
	}
	if err := os.Remove(o.ConfigFile); err != nil {
		t.Fatal(err)
	}
	if with := code("open sesame"); with != http.StatusOK {
		t.Errorf("without the file: %d", with)
	}
	// Certificates are read anew without a reload.
	renewed := certtest.Write(t, dir, time.Now().Add(2*time.Hour))
	pair.Pool = renewed.Pool
	if with := code("open sesame"); with != http.StatusOK {
		t.Errorf("with a new certificate: %d", with)
	}
}

func TestStreamsThatAreNotReadHoldUpNoScrape(t *testing.T) {
	dir := t.TempDir()
	pair := certtest.Write(t, dir, time.Now().Add(time.Hour))
	var asked atomic.Int32
	o := options()
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		_, _ = io.WriteString(w, strings.Repeat("enitune_drift 0\n", 10000))
	})
	o.ConfigFile = write(t, filepath.Join(dir, "web.yaml"), "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n")
	addr := start(t, o)
	conn, err := tls.Dial("tcp", addr, &tls.Config{RootCAs: pair.Pool, NextProtos: []string{"h2"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := requestStreams(conn, 60); err != nil {
		t.Fatal(err)
	}
	for asked.Load() == 0 {
		runtime.Gosched()
	}
	for range 20 {
		if resp, _ := fetch(t, tlsClient(pair.Pool), "GET", "https://"+addr+"/metrics"); resp.StatusCode != http.StatusOK {
			t.Errorf("beside them: %s", resp.Status)
		}
	}
	if n := asked.Load() - 20; n > maxStreams {
		t.Errorf("%d streams of one connection are answered at a time", n)
	}
}

// requestStreams asks for /metrics n times on an HTTP/2 connection, and lets the
// server send nothing of the answers.
func requestStreams(conn net.Conn, n int) error {
	if _, err := io.WriteString(conn, http2.ClientPreface); err != nil {
		return err
	}
	framer := http2.NewFramer(conn, conn)
	if err := framer.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0}); err != nil {
		return err
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	for i := range n {
		block.Reset()
		for _, f := range []hpack.HeaderField{{Name: ":method", Value: "GET"}, {Name: ":scheme", Value: "https"}, {Name: ":authority", Value: "a"}, {Name: ":path", Value: "/metrics"}} {
			if err := encoder.WriteField(f); err != nil {
				return err
			}
		}
		if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: uint32(2*i + 1), BlockFragment: block.Bytes(), EndStream: true, EndHeaders: true}); err != nil {
			return err
		}
	}
	return nil
}
