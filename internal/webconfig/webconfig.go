// Package webconfig checks a Prometheus web configuration (TLS, client
// certificates, basic authentication) before anything is served by it.
package webconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"go.yaml.in/yaml/v2"
	"golang.org/x/crypto/bcrypt"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/internal/regular"
)

// Config is a web configuration that was found valid. Two of them are equal if
// they are of the same file and text.
type Config struct {
	Path string // "" for none
	// Text is what the file held, with the paths in it made absolute.
	Text string
	// Protects: it asks for TLS, certificates or passwords.
	Protects bool
	// Warning is what an operator should know of one that is valid; "" for
	// nothing.
	Warning string
}

// maxBytes is far above what a web configuration, a certificate chain or a bundle
// of authorities take.
const maxBytes = 1 << 20

// tlsServer is the part of a web configuration whose files are looked at here;
// the toolkit reads it strictly.
type tlsServer struct {
	TLS struct {
		Cert       string `yaml:"cert_file"`
		Key        string `yaml:"key_file"`
		ClientCA   string `yaml:"client_ca_file"`
		ClientCAs  string `yaml:"client_ca"`
		ClientAuth string `yaml:"client_auth_type"`
		Least      string `yaml:"min_version"`
		Most       string `yaml:"max_version"`
	} `yaml:"tls_server_config"`
	Users map[string]string `yaml:"basic_auth_users"`
}

// Read validates a web configuration and the files that it names; "" is
// valid. An error is one line that names the file, what is wrong, and the remedy.
func Read(path string) (Config, error) {
	c := Config{Path: path}
	if path == "" {
		return c, nil
	}
	text, err := regular.Read(path, maxBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, fmt.Errorf("web.config_file: %s does not exist; write it, or set web.config_file to \"\" for neither TLS nor a password", path)
	case err != nil:
		return c, failure(path, err)
	}
	c.Text = string(text)
	var parsed tlsServer
	if yaml.Unmarshal(text, &parsed) == nil { // else the toolkit says what is wrong
		c.Protects = parsed.TLS != tlsServer{}.TLS || len(parsed.Users) > 0
		if c.Warning, err = parsed.check(filepath.Dir(path), time.Now()); err != nil {
			return c, failure(path, err)
		}
		if c.Text, err = absolutePaths(text, filepath.Dir(path)); err != nil {
			return c, failure(path, err)
		}
	}
	frozen, err := c.Freeze()
	if err != nil {
		return c, err
	}
	defer frozen.Close()
	if err := toolkit.Validate(frozen.Name()); err != nil {
		return c, failure(path, err)
	}
	return c, nil
}

// Freeze gives the text a file of its own, in memory: the toolkit reads the file
// that it is given with each connection and each request, and what was found valid
// is to hold until another one is. The certificates, keys and authorities that it
// names are still read anew. The file is gone when it is closed.
func (c Config) Freeze() (*os.File, error) {
	fd, err := unix.MemfdCreate("enitune-web-config", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("web.config_file: %s: keep it in memory: %w", c.Path, err)
	}
	file := os.NewFile(uintptr(fd), fmt.Sprintf("/proc/self/fd/%d", fd))
	if _, err := file.WriteString(c.Text); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("web.config_file: %s: keep it in memory: %w", c.Path, err)
	}
	return file, nil
}

// absolutePaths makes the paths in a web configuration absolute that are relative
// to dir, in the dialect of YAML that the toolkit reads.
func absolutePaths(text []byte, dir string) (string, error) {
	var doc yaml.MapSlice
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return "", err
	}
	changed := false
	for _, part := range doc {
		server, ok := part.Value.(yaml.MapSlice)
		if !ok || part.Key != "tls_server_config" {
			continue
		}
		for i, item := range server {
			switch path, ok := item.Value.(string); {
			case !ok || path == "" || filepath.IsAbs(path):
			case item.Key == "cert_file", item.Key == "key_file", item.Key == "client_ca_file":
				server[i].Value, changed = filepath.Join(dir, path), true
			}
		}
	}
	if !changed {
		return string(text), nil
	}
	out, err := yaml.Marshal(doc)
	return string(out), err
}

// failure makes a failure one line.
func failure(path string, err error) error {
	remedy := ""
	if errors.Is(err, fs.ErrPermission) {
		remedy = fmt.Sprintf("; user %d may not read it: enitune.service runs as a user of its own, to which LoadCredential= hands files over, see examples/tls.conf", os.Geteuid())
	}
	return fmt.Errorf("web.config_file: %s: %w%s", path, lineError{err}, remedy)
}

// lineError is an error on one line.
type lineError struct{ error }

func (e lineError) Error() string { return strings.Join(strings.Fields(e.error.Error()), " ") }
func (e lineError) Unwrap() error { return e.error }

// check finds what the toolkit lets pass or tells without a name. dir is what
// the paths are relative to.
func (s tlsServer) check(dir string, now time.Time) (warning string, err error) {
	for user, hash := range s.Users {
		if user == "" {
			return "", errors.New("basic_auth_users: a user name is empty")
		}
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return "", fmt.Errorf("basic_auth_users: the password of %q is no bcrypt hash; make one with htpasswd -nBC 10 %s", user, user)
		}
	}
	if s.TLS.Least != "" && s.TLS.Most != "" && s.TLS.Least > s.TLS.Most {
		return "", fmt.Errorf("tls_server_config: min_version %s is above max_version %s; no client could connect", s.TLS.Least, s.TLS.Most)
	}
	verifies := s.TLS.ClientAuth == "RequireAndVerifyClientCert" || s.TLS.ClientAuth == "VerifyClientCertIfGiven"
	if verifies && s.TLS.ClientCA == "" && s.TLS.ClientCAs == "" {
		return "", fmt.Errorf("tls_server_config: client_auth_type %s without client_ca_file would trust every authority of the system; name the one of your clients", s.TLS.ClientAuth)
	}
	if s.TLS.ClientCA != "" {
		pem, err := regular.Read(absolute(dir, s.TLS.ClientCA), maxBytes)
		if err != nil {
			return "", fmt.Errorf("client_ca_file: %w", err)
		}
		if !x509.NewCertPool().AppendCertsFromPEM(pem) {
			return "", fmt.Errorf("client_ca_file: %s holds no certificate in PEM form", absolute(dir, s.TLS.ClientCA))
		}
	}
	if s.TLS.Cert == "" || s.TLS.Key == "" {
		return "", nil
	}
	return pairWarning(absolute(dir, s.TLS.Cert), absolute(dir, s.TLS.Key), now)
}

func pairWarning(certFile, keyFile string, now time.Time) (string, error) {
	cert, err := regular.Read(certFile, maxBytes)
	if err != nil {
		return "", fmt.Errorf("cert_file: %w", err)
	}
	key, err := regular.Read(keyFile, maxBytes)
	if err != nil {
		return "", fmt.Errorf("key_file: %w", err)
	}
	if strings.Contains(string(key), "ENCRYPTED") {
		return "", fmt.Errorf("key_file: %s is encrypted; nobody can type its password, so decrypt it: openssl pkey -in %[1]s -out FILE", keyFile)
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return "", fmt.Errorf("cert_file %s and key_file %s: %w", certFile, keyFile, err)
	}
	switch leaf := pair.Leaf; {
	case leaf == nil:
	case now.After(leaf.NotAfter):
		return fmt.Sprintf("%s expired on %s: clients that verify it are refused", certFile, leaf.NotAfter.UTC().Format(time.DateOnly)), nil
	case now.Before(leaf.NotBefore):
		return fmt.Sprintf("%s is not valid before %s: clients that verify it are refused until then", certFile, leaf.NotBefore.UTC().Format(time.DateTime)), nil
	}
	return "", nil
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
