package webconfig

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/enitune/enitune/internal/webconfig/certtest"
)

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAWrongWebConfigurationIsOneLineWithTheFileAndTheRemedy(t *testing.T) {
	dir := t.TempDir()
	certtest.Write(t, dir, time.Now().Add(time.Hour))
	other := filepath.Join(dir, "other")
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	certtest.Write(t, other, time.Now().Add(time.Hour))
	write(t, filepath.Join(dir, "encrypted.pem"), "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
	if err := syscall.Mkfifo(filepath.Join(dir, "fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(write(t, filepath.Join(dir, "huge"), ""), 1<<30); err != nil {
		t.Fatal(err)
	}
	const pair = "cert_file: cert.pem, key_file: key.pem"
	for name, tt := range map[string]struct {
		text string
		want []string
	}{
		"no YAML":            {"tls_server_config: [", []string{"yaml: line 1"}},
		"an unknown key":     {"tls_server_config: {cert_fil: a}", []string{"field cert_fil not found"}},
		"no certificate":     {"tls_server_config: {cert_file: none.pem, key_file: key.pem}", []string{"cert_file", "none.pem", "no such file"}},
		"no key":             {"tls_server_config: {cert_file: cert.pem, key_file: none.pem}", []string{"key_file", "none.pem", "no such file"}},
		"another's key":      {"tls_server_config: {cert_file: cert.pem, key_file: other/key.pem}", []string{"cert.pem", "other/key.pem", "does not match"}},
		"swapped":            {"tls_server_config: {cert_file: key.pem, key_file: cert.pem}", []string{"key.pem", "switched"}},
		"only a certificate": {"tls_server_config: {cert_file: cert.pem}", []string{"missing one of key or key_file"}},
		"clients without an authority": {"tls_server_config: {" + pair + ", client_auth_type: RequireAndVerifyClientCert}",
			[]string{"client_ca_file", "every authority of the system"}},
		"an authority that is none": {"tls_server_config: {" + pair + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: key.pem}",
			[]string{"client_ca_file", "key.pem", "no certificate"}},
		"an authority without a policy":    {"tls_server_config: {" + pair + ", client_ca_file: cert.pem}", []string{"Client Auth Policy"}},
		"an unknown policy":                {"tls_server_config: {" + pair + ", client_auth_type: Nonsense}", []string{"invalid ClientAuth: Nonsense"}},
		"versions that exclude each other": {"tls_server_config: {" + pair + ", min_version: TLS13, max_version: TLS12}", []string{"min_version TLS13 is above max_version TLS12"}},
		"an encrypted key":                 {"tls_server_config: {cert_file: cert.pem, key_file: encrypted.pem}", []string{"encrypted.pem", "is encrypted", "openssl pkey"}},
		"a FIFO for a key":                 {"tls_server_config: {cert_file: cert.pem, key_file: fifo}", []string{"key_file", "not a regular file"}},
		"a folder for a key":               {"tls_server_config: {cert_file: cert.pem, key_file: other}", []string{"key_file", "not a regular file"}},
		"a huge authority":                 {"tls_server_config: {" + pair + ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: huge}", []string{"client_ca_file", "larger than"}},
		"a user without a name":            {"basic_auth_users: {'': x}", []string{"user name is empty"}},
		"a password in the clear":          {"basic_auth_users: {admin: secret-canary}", []string{`"admin"`, "no bcrypt hash", "htpasswd"}},
	} {
		t.Run(name, func(t *testing.T) {
			path := write(t, filepath.Join(dir, "web.yaml"), tt.text+"\n")
			_, err := Read(path)
			if err == nil {
				t.Fatal("it passes")
			}
			got := err.Error()
			if !strings.HasPrefix(got, "web.config_file: "+path+": ") || strings.Contains(got, "\n") || strings.Contains(got, "secret-canary") {
				t.Errorf("got %q", got)
			}
			for _, part := range tt.want {
				if !strings.Contains(got, part) {
					t.Errorf("got %q without %q", got, part)
				}
			}
		})
	}
	for name, part := range map[string]string{"fifo": "not a regular file", "huge": "larger than"} {
		if _, err := Read(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%s as the configuration: %v", name, err)
		}
	}
	if _, err := Read(filepath.Join(dir, "none.yaml")); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("a file that is not there: %v", err)
	}
}

func TestAnExpiredCertificateIsToldAndServed(t *testing.T) {
	dir := t.TempDir()
	certtest.Write(t, dir, time.Now().Add(-48*time.Hour))
	c, err := Read(write(t, filepath.Join(dir, "web.yaml"), "tls_server_config: {cert_file: cert.pem, key_file: key.pem}\n"))
	if err != nil || !strings.Contains(c.Warning, "cert.pem expired on ") {
		t.Errorf("%q, %v", c.Warning, err)
	}
}

func TestAConfigurationEqualsItselfUntilItsTextChanges(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "web.yaml"), "{}\n")
	read := func() Config {
		t.Helper()
		c, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first := read()
	if read() != first {
		t.Error("read twice, they differ")
	}
	write(t, path, "rate_limit: {burst: 1, interval: 1s}\n")
	if read() == first {
		t.Error("with another text they are equal")
	}
	if none, err := Read(""); err != nil || none != (Config{}) {
		t.Errorf("none: %+v, %v", none, err)
	}
}

func TestPathsAreThoseOfTheFilesFolderAndAllElseStays(t *testing.T) {
	dir := t.TempDir()
	certtest.Write(t, dir, time.Now().Add(time.Hour))
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(write(t, filepath.Join(dir, "web.yaml"), "tls_server_config:\n  cert_file: cert.pem\n  key_file: "+filepath.Join(dir, "key.pem")+
		"\n  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: authority.pem\nbasic_auth_users: {\"yes\": "+string(hash)+"}\nhttp_server_config: {http2: false}\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"cert_file: " + filepath.Join(dir, "cert.pem"), "key_file: " + filepath.Join(dir, "key.pem"),
		"client_ca_file: " + filepath.Join(dir, "authority.pem"), "\"yes\": " + string(hash), "http2: false"} {
		if !strings.Contains(c.Text, want) {
			t.Errorf("%q is not in:\n%s", want, c.Text)
		}
	}
	frozen, err := c.Freeze()
	if err != nil {
		t.Fatal(err)
	}
	defer frozen.Close()
	if text, err := os.ReadFile(frozen.Name()); err != nil || string(text) != c.Text || !c.Protects {
		t.Errorf("frozen: %q, %v", text, err)
	}
}
