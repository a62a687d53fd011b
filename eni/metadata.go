package eni

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// DefaultMetadataURL is where every instance finds its metadata service.
	DefaultMetadataURL = "http://100.100.100.200"
	// DefaultMetadataTimeout bounds one metadata request.
	DefaultMetadataTimeout = 3 * time.Second
	// DefaultMetadataAttempts is how often one value is asked for in all.
	DefaultMetadataAttempts = 3
	// firstMetadataDelay is the mean of the first delay between attempts.
	firstMetadataDelay = 200 * time.Millisecond
	// maxMetadata bounds the body of a metadata reply in bytes.
	maxMetadata = 1 << 20
)

// MetadataOptions says where the metadata service is and how to ask it.
type MetadataOptions struct {
	BaseURL  string        // "" means [DefaultMetadataURL]
	Timeout  time.Duration // of one request; 0 means [DefaultMetadataTimeout]
	Attempts int           // for each value, in all; 0 means [DefaultMetadataAttempts]
}

// Metadata reads the instance metadata service, always with a token (the
// service's hardened mode), never through a proxy, following no redirect. It is
// safe for several goroutines. Its failures are [*Error]: 404 is ErrNotFound and
// final; 429, 5xx and the network's failures are retried.
type Metadata struct {
	base     *url.URL
	timeout  time.Duration
	attempts int
	http     *http.Client
	token    tokenCache
}

// NewMetadata checks the options. It makes no request.
func NewMetadata(o MetadataOptions) (*Metadata, error) {
	if o.BaseURL == "" {
		o.BaseURL = DefaultMetadataURL
	}
	base, err := parseBaseURL(o.BaseURL)
	if err != nil {
		return nil, fmt.Errorf("metadata URL: %w", err)
	}
	if o.Timeout < 0 || o.Attempts < 0 {
		return nil, fmt.Errorf("metadata timeout %v, attempts %d: want 0 (the default) or more", o.Timeout, o.Attempts)
	}
	m := &Metadata{base: base, timeout: o.Timeout, attempts: o.Attempts, http: newHTTPClient(nil), token: newTokenCache()}
	if m.timeout == 0 {
		m.timeout = DefaultMetadataTimeout
	}
	if m.attempts == 0 {
		m.attempts = DefaultMetadataAttempts
	}
	return m, nil
}

// identityDocument is the path of one JSON document with the whole identity.
const identityDocument = "dynamic/instance-identity/document"

// Identity returns who the instance is: from the instance-identity document, and
// what matters and that lacks from the single keys. InstanceID and RegionID are
// never empty; the rest is "" where the service does not give it.
func (m *Metadata) Identity(ctx context.Context) (Identity, error) {
	id, err := m.document(ctx)
	if errors.Is(err, ErrNetwork) || errors.Is(err, ErrCanceled) {
		return Identity{}, err
	}
	for _, k := range []struct {
		value    *string
		key      string
		read     func(string) (string, error)
		required bool
	}{
		{&id.InstanceID, "instance-id", parseWord, true},
		{&id.RegionID, "region-id", parseRegion, true},
		{&id.InstanceType, "instance/instance-type", parseWord, false},
	} {
		if *k.value != "" {
			continue
		}
		v, err := m.value(ctx, "meta-data/"+k.key, k.read)
		if err != nil && k.required {
			return Identity{}, err
		}
		*k.value = v
	}
	return id, nil
}

func (m *Metadata) document(ctx context.Context) (Identity, error) {
	body, err := m.get(ctx, identityDocument)
	if err != nil {
		return Identity{}, err
	}
	id, err := ParseIdentity(body)
	if err != nil {
		return Identity{}, badValue(identityDocument, err)
	}
	return id, nil
}

// Interfaces returns the ENIs of this instance as the metadata service lists
// them, those of other cloud services included, in its order.
func (m *Metadata) Interfaces(ctx context.Context) ([]MetadataInterface, error) {
	const path = "meta-data/network/interfaces/macs/"
	body, err := m.get(ctx, path)
	if err != nil {
		return nil, err
	}
	macs, err := ParseMACs(string(body))
	if err != nil {
		return nil, badValue(path, err)
	}
	interfaces := make([]MetadataInterface, 0, len(macs))
	for _, listed := range macs {
		id, err := m.value(ctx, path+listed+"/network-interface-id", parseWord)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return nil, err
		}
		mac, err := normalMAC(listed)
		if err != nil {
			return nil, badValue(path, err)
		}
		interfaces = append(interfaces, MetadataInterface{MAC: mac, ENI: id})
	}
	return interfaces, nil
}

// value reads a single-line value and checks it: an HTML page or a listing in
// its place is an error.
func (m *Metadata) value(ctx context.Context, path string, read func(string) (string, error)) (string, error) {
	body, err := m.get(ctx, path)
	if err != nil {
		return "", err
	}
	v, err := read(strings.TrimSpace(string(body)))
	if err != nil {
		return "", badValue(path, err)
	}
	return v, nil
}

func parseWord(text string) (string, error) {
	if !isWord(text) {
		return "", fmt.Errorf("want one word of letters, digits, dots and hyphens, got %s", secrets(nil).snippet([]byte(text)))
	}
	return text, nil
}

func parseRegion(text string) (string, error) {
	if !isDNSLabel(text) {
		return "", fmt.Errorf("want a region id such as cn-hangzhou, got %s", secrets(nil).snippet([]byte(text)))
	}
	return text, nil
}

func badValue(path string, err error) *Error {
	return &Error{
		Action: "metadata " + path, Class: ClassMalformed, Message: oneLine(err.Error()), cause: err,
		Hint: "check that the metadata URL is the instance metadata service",
	}
}

// get reads the value at path, below /latest/, with retries.
func (m *Metadata) get(ctx context.Context, path string) ([]byte, error) {
	return retry(ctx, m.attempts, newBackOff(firstMetadataDelay), func() ([]byte, *Error) {
		return m.attempt(ctx, path)
	})
}

// attempt asks once, and once more with a new token when the service no longer
// takes the cached one.
func (m *Metadata) attempt(ctx context.Context, path string) ([]byte, *Error) {
	action := "metadata " + path
	for fresh := false; ; fresh = true {
		token, failure := m.token.get(ctx, action, m.newToken)
		if failure != nil {
			return nil, failure
		}
		header := http.Header{tokenHeader: {token}}
		status, body, failure := m.request(ctx, action, http.MethodGet, path, header)
		if failure != nil {
			return nil, failure
		}
		if status == http.StatusUnauthorized && !fresh {
			m.token.drop(ctx, token)
			continue
		}
		if status != http.StatusOK {
			return nil, statusFailure(action, status)
		}
		return body, nil
	}
}

// request sends one request and reads the reply, within the timeout.
func (m *Metadata) request(ctx context.Context, action, method, path string, header http.Header) (int, []byte, *Error) {
	limited, cancel := context.WithTimeout(ctx, m.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(limited, method, m.base.JoinPath("latest", path).String(), http.NoBody)
	if err != nil {
		return 0, nil, invalid(action, "%v", withoutURL(err))
	}
	req.Header = header
	resp, body, err := exchange(m.http, req, maxMetadata)
	if err != nil {
		failure := transportFailure(ctx, limited, action, err, nil, m.timeout)
		if failure.Class == ClassNetwork {
			failure.Hint = "check that this is an ECS instance and that " + m.base.Host + " can be reached"
		}
		return 0, nil, failure
	}
	return resp.StatusCode, body, nil
}

// statusFailure sorts an HTTP status of the metadata service.
func statusFailure(action string, status int) *Error {
	e := &Error{Action: action, HTTPStatus: status, Message: "the service answered " + strings.ToLower(http.StatusText(status))}
	switch {
	case status == http.StatusNotFound:
		e.Class = ClassNotFound
	case status == http.StatusUnauthorized:
		e.Class, e.Message = ClassDenied, "the service refused a token that it had just given"
	case status == http.StatusForbidden:
		e.Class, e.Hint = ClassDenied, "check that the metadata service is enabled for this instance"
	case status == http.StatusTooManyRequests:
		e.Class = ClassThrottled
	case status >= 500:
		e.Class = ClassServer
	default:
		e.Class = ClassMalformed
	}
	return e
}
