package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// The checks below say what is wrong with a value: "is <what>; <what is allowed>".

// metadataURL accepts http or https with a host and nothing behind it.
func metadataURL(s string) error {
	u, err := baseURL(s)
	if err != nil {
		return fmt.Errorf("%w; it must be http://host or https://host, such as http://100.100.100.200", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("is %.80q; it must start with http:// or https://", s)
	}
	return nil
}

// ecsEndpoint accepts "", https with any host, and http with a loopback host:
// signed requests must not cross a network in the clear.
func ecsEndpoint(s string) error {
	if s == "" {
		return nil
	}
	u, err := baseURL(s)
	if err != nil {
		return fmt.Errorf(`%w; it must be https://host, or "" for the region's own endpoint`, err)
	}
	switch {
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	case u.Scheme == "http":
		return fmt.Errorf("is %.80q; plain http is allowed for a loopback host only: write https://%s", s, u.Host)
	default:
		return fmt.Errorf("is %.80q; it must start with https://", s)
	}
}

// baseURL parses an address of scheme, host and optional port. Its errors don't
// repeat a user or a query, which might hold a secret.
func baseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		var parse *url.Error
		if errors.As(err, &parse) {
			err = parse.Err
		}
		return nil, fmt.Errorf("is not a URL: %w", err)
	}
	switch {
	case u.User != nil:
		return nil, errors.New("holds a user name or password, which is not allowed")
	case u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(s, "#"):
		return nil, errors.New("holds a query (?) or fragment (#), which is not allowed")
	case u.Scheme == "" || u.Hostname() == "" || u.Opaque != "":
		return nil, fmt.Errorf("is %.80q, without a scheme or host", s)
	case u.Path != "" && u.Path != "/":
		return nil, fmt.Errorf("is %.80q with the path %.80q, which is not allowed", s, u.Path)
	case strings.HasSuffix(u.Host, ":"):
		return nil, fmt.Errorf("is %.80q, without a port after the colon", s)
	case u.Port() != "":
		return u, port(u.Port(), 1)
	}
	return u, nil
}

// loopback reports whether a host name can only mean this machine.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// port accepts a decimal port number.
func port(s string, low int) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < low || n > 65535 || strconv.Itoa(n) != s {
		return fmt.Errorf("has the port %.80q; a port is a number from %d to 65535", s, low)
	}
	return nil
}

// region accepts "" and a DNS label, since the endpoint's name is made with it
// (RFC 1123, section 2.1; at most 63 characters).
func region(s string) error {
	if s == "" {
		return nil
	}
	bad := strings.IndexFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-')
	})
	if bad >= 0 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' {
		return fmt.Errorf(`is %.80q; it must be a region id such as cn-hangzhou, in lower case, or "" for the metadata's`, s)
	}
	return nil
}

// instanceID accepts "" and an id of an ECS instance.
func instanceID(s string) error {
	if s == "" {
		return nil
	}
	id, ok := strings.CutPrefix(s, "i-")
	bad := strings.IndexFunc(id, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '-')
	})
	if !ok || id == "" || len(id) > 62 || bad >= 0 {
		return fmt.Errorf(`is %.80q; it must be an instance id such as i-bp67acfmxazb4p****, or "" for the metadata's`, s)
	}
	return nil
}

// glob accepts the patterns of path.Match.
func glob(s string) error {
	if _, err := path.Match(s, ""); err != nil {
		return fmt.Errorf("is %.80q, an unfinished pattern; * stands for any text, ? for one character, [a-c] for one of a range: close the bracket, or remove the last backslash", s)
	}
	return nil
}

// macGlob accepts patterns that a MAC address written with colons could fit.
func macGlob(s string) error {
	if err := glob(s); err != nil {
		return err
	}
	inRange := false
	for _, r := range s {
		switch {
		case r == '[':
			inRange = true
		case r == ']':
			inRange = false
		case r == '-' && !inRange, !strings.ContainsRune("0123456789abcdefABCDEF:*?-^", r):
			return fmt.Errorf("is %.80q; it must be a MAC address with colons, such as 00:16:3e:0c:1f:2a, or a pattern of one, such as 00:16:3e:*", s)
		}
	}
	return nil
}

// listenAddress accepts host:port. The host may be empty, for all addresses.
func listenAddress(s string) error {
	const allowed = "it must be host:port, such as :10056, 127.0.0.1:10056 or [::1]:10056"
	host, p, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("is %.80q; %s", s, allowed)
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`/\@"'`, r) }) {
		return fmt.Errorf("is %.80q, with a character that no host has; %s", s, allowed)
	}
	return port(p, 0)
}

// absolutePath accepts a path that does not depend on where the program starts.
func absolutePath(s string) error {
	if !filepath.IsAbs(s) || strings.ContainsRune(s, 0) {
		return fmt.Errorf("is %.80q; it must be an absolute path: start it with /", s)
	}
	return nil
}

// absolutePathOrNone accepts "" also.
func absolutePathOrNone(s string) error {
	if s == "" {
		return nil
	}
	return absolutePath(s)
}
