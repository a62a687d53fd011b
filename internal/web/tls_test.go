package web

import (
	"crypto/tls"
	"net/http"
	"path/filepath"
	"testing"
	"time"

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
