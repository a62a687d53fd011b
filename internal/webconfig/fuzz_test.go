package webconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v2"

	"github.com/enitune/enitune/internal/webconfig/certtest"
)

// FuzzRead: a web configuration is refused in one line that names its file, or its
// text, kept with absolute paths, is valid from anywhere and says the same: who
// asked for TLS or a password never gets a server without.
func FuzzRead(f *testing.F) {
	dir := f.TempDir()
	certtest.Write(f, dir, time.Now().Add(time.Hour))
	for _, seed := range []string{
		"", "tls_server_config: {cert_file: cert.pem, key_file: key.pem, min_version: TLS13}",
		"basic_auth_users: {a: $2y$04$DmDv8ZuE1uN5RkFGJSMR8OXAJXxXHUwJdB1Vf5mT8hVqZQ6JbGjVy}", "tls_server_config: &a {cert_file: cert.pem, key_file: key.pem}\nb: *a",
		"http_server_config: {http2: false, headers: {X-Frame-Options: deny}}", "? [a]\n: b", "basic_auth_users: {\"\": x}", "tls_server_config: []", "a: &a [*a]",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(dir, "web.yml")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := Read(path)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "web.config_file: "+path+": ") || strings.Contains(err.Error(), "\n") {
				t.Errorf("not one line with the file's name: %q", err)
			}
			return
		}
		var asked, kept tlsServer
		if yaml.Unmarshal(data, &asked) != nil || yaml.Unmarshal([]byte(c.Text), &kept) != nil {
			t.Fatalf("%q is valid", data)
		}
		if (asked.TLS != tlsServer{}.TLS || len(asked.Users) > 0) != c.Protects || len(asked.Users) != len(kept.Users) || asked.TLS.ClientAuth != kept.TLS.ClientAuth {
			t.Errorf("%q asks for %+v, and %q is kept", data, asked, c.Text)
		}
		elsewhere := filepath.Join(t.TempDir(), "web.yml")
		if err := os.WriteFile(elsewhere, []byte(c.Text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(elsewhere); err != nil {
			t.Errorf("%q is valid, and %q from elsewhere is not: %v", data, c.Text, err)
		}
	})
}
