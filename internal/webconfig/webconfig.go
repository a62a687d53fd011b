// Package webconfig checks a Prometheus web configuration (TLS, client
// certificates, basic authentication) before anything is served by it.
package webconfig

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/crypto/bcrypt"
)

// Config is a web configuration that was found valid. Two of them are equal if
// they are of the same file and text.
type Config struct {
	Path string            // "" for none
	Sum  [sha256.Size]byte // SHA-256 of its text
	// Warning is what an operator should know of one that is valid; "" for
	// nothing.
	Warning string
}

// tlsServer is the part of a web configuration whose files are looked at here;
// the toolkit reads it strictly.
type tlsServer struct {
	TLS struct {
		Cert       string `yaml:"cert_file"`
		Key        string `yaml:"key_file"`
		ClientCA   string `yaml:"client_ca_file"`
		ClientCAs  string `yaml:"client_ca"`
		ClientAuth string `yaml:"client_auth_type"`
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
	text, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return c, fmt.Errorf("web.config_file: %s does not exist; write it, or set web.config_file to \"\" for neither TLS nor a password", path)
	case err != nil:
		return c, failure(path, err)
	}
	c.Sum = sha256.Sum256(text)
	var parsed tlsServer
	if yaml.Unmarshal(text, &parsed) == nil { // else the toolkit says what is wrong
		if c.Warning, err = parsed.check(filepath.Dir(path), time.Now()); err != nil {
			return c, failure(path, err)
		}
	}
	if err := toolkit.Validate(path); err != nil {
		return c, failure(path, err)
	}
	return c, nil
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
		if _, err := bcrypt.Cost([]byte(hash)); err != nil {
			return "", fmt.Errorf("basic_auth_users: the password of %q is no bcrypt hash; make one with htpasswd -nBC 10 %s", user, user)
		}
	}
	verifies := s.TLS.ClientAuth == "RequireAndVerifyClientCert" || s.TLS.ClientAuth == "VerifyClientCertIfGiven"
	if verifies && s.TLS.ClientCA == "" && s.TLS.ClientCAs == "" {
		return "", fmt.Errorf("tls_server_config: client_auth_type %s without client_ca_file would trust every authority of the system; name the one of your clients", s.TLS.ClientAuth)
	}
	if s.TLS.ClientCA != "" {
		pem, err := os.ReadFile(absolute(dir, s.TLS.ClientCA))
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
	for _, file := range []struct{ key, path string }{{"cert_file", certFile}, {"key_file", keyFile}} {
		if _, err := os.ReadFile(file.path); err != nil {
			return "", fmt.Errorf("%s: %w", file.key, err)
		}
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return "", fmt.Errorf("cert_file %s and key_file %s: %w", certFile, keyFile, err)
	}
	if leaf := pair.Leaf; leaf != nil && now.After(leaf.NotAfter) {
		return fmt.Sprintf("%s expired on %s: clients that verify it are refused", certFile, leaf.NotAfter.UTC().Format(time.DateOnly)), nil
	}
	return "", nil
}

func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
