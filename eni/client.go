package eni

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime"
	"strings"
	"time"
)

const (
	// DefaultTimeout bounds one attempt of an API call.
	DefaultTimeout = 10 * time.Second
	// DefaultAttempts is how often an API call is tried in all.
	DefaultAttempts = 4
	// abandoned bounds the making of a connection. It is longer than the usual
	// timeouts, which the configuration sets.
	abandoned = 30 * time.Second
	// firstAPIDelay is the mean of the first delay between attempts.
	firstAPIDelay = 500 * time.Millisecond
)

// ClientOptions says where the ECS API is and how to call it.
type ClientOptions struct {
	// Region is the region id, such as cn-hangzhou. Required. It must be a DNS
	// label, as it comes from outside and becomes part of a host name.
	Region string
	// Endpoint is a URL, https://host[:port]; http:// only for a loopback host.
	// "" means the region's own endpoint in Network.
	Endpoint string
	// Network picks the endpoint: "vpc" (the default), reachable from every
	// instance in a VPC without a public address, or "public".
	Network string
	// Timeout bounds one attempt, credentials included. 0 means [DefaultTimeout].
	Timeout time.Duration
	// Attempts is how often a call is tried in all when it is throttled or
	// fails on the cloud's side or the network's. 0 means [DefaultAttempts].
	Attempts int
	// MetadataURL is where the credentials of the instance's RAM role come from;
	// "" means [DefaultMetadataURL].
	MetadataURL string
	// Profile names a profile of the aliyun CLI (~/.aliyun/config.json), whose
	// credentials are then the only ones used. "" means the SDK's default chain.
	Profile string
	// UserAgent is the program's, in the form name/version; the platform is added.
	UserAgent string
	// OnRequest is told of every attempt: the ECS action and "OK", the cloud's
	// error code, or the [Class] as a word where no code came. It is called in
	// the caller's goroutine; nil means nobody.
	OnRequest func(action, code string)
	// Log gets one debug record for each attempt and a warning for an ENI with
	// a problem. nil means no log.
	Log *slog.Logger
}

// Client calls the ECS API. It is safe for several goroutines, which
// share nothing but the connections and the credentials.
type Client struct {
	region      string
	endpoint    *url.URL
	timeout     time.Duration
	attempts    int
	userAgent   string
	onRequest   func(action, code string)
	log         *slog.Logger
	http        *http.Client
	credentials credentialSource
}

// NewClient checks the options. It makes no call and looks for no credentials:
// that happens on the first call, and anew after each failure.
func NewClient(o ClientOptions) (*Client, error) {
	if !isDNSLabel(o.Region) {
		return nil, fmt.Errorf("region %q: want a region id of lower-case letters, digits and hyphens, such as cn-hangzhou", shorten(o.Region, maxSnippet))
	}
	endpoint, err := endpointURL(o)
	if err != nil {
		return nil, err
	}
	if o.Timeout < 0 || o.Attempts < 0 {
		return nil, fmt.Errorf("timeout %v, attempts %d: want 0 (the default) or more", o.Timeout, o.Attempts)
	}
	if strings.ContainsFunc(o.UserAgent, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, fmt.Errorf("user agent %q: want printable ASCII", o.UserAgent)
	}
	metadata, err := NewMetadata(MetadataOptions{BaseURL: o.MetadataURL, Timeout: max(o.Timeout, 0), Attempts: 1})
	if err != nil {
		return nil, err
	}
	c := &Client{
		region:    o.Region,
		endpoint:  endpoint,
		timeout:   o.Timeout,
		attempts:  o.Attempts,
		userAgent: strings.TrimSpace(fmt.Sprintf("%s (%s; %s) Go/%s", o.UserAgent, runtime.GOOS, runtime.GOARCH, strings.TrimPrefix(runtime.Version(), "go"))),
		onRequest: o.OnRequest,
		log:       o.Log,
		http:      newHTTPClient(http.ProxyFromEnvironment),

		credentials: credentialSource{profile: o.Profile, metadata: metadata},
	}
	if c.timeout == 0 {
		c.timeout = DefaultTimeout
	}
	if c.attempts == 0 {
		c.attempts = DefaultAttempts
	}
	if c.onRequest == nil {
		c.onRequest = func(string, string) {}
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return c, nil
}

// Endpoint returns the URL that the client calls, for messages.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// newHTTPClient returns a client that follows no redirects (neither the ECS API
// nor the metadata service sends any, and a signed request must not travel on).
// It has no overall timeout: each request's context bounds it. Those of the
// transport only end a connection that nobody waits for any more.
func newHTTPClient(proxy func(*http.Request) (*url.URL, error)) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                  proxy,
			DialContext:            (&net.Dialer{Timeout: abandoned}).DialContext,
			TLSHandshakeTimeout:    abandoned,
			MaxIdleConnsPerHost:    2,
			IdleConnTimeout:        30 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			ForceAttemptHTTP2:      true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// endpointURL is set by us in every case: the SDK's own resolution falls back to
// another region's endpoint for regions that it does not know, and to plain HTTP.
func endpointURL(o ClientOptions) (*url.URL, error) {
	if o.Endpoint != "" {
		return parseEndpoint(o.Endpoint)
	}
	switch o.Network {
	case "", "vpc":
		return &url.URL{Scheme: "https", Host: "ecs-vpc." + o.Region + ".aliyuncs.com"}, nil
	case "public":
		return &url.URL{Scheme: "https", Host: "ecs." + o.Region + ".aliyuncs.com"}, nil
	default:
		return nil, fmt.Errorf("endpoint network %q: want vpc or public", o.Network)
	}
}

func parseEndpoint(endpoint string) (*url.URL, error) {
	u, err := parseBaseURL(endpoint)
	if err != nil {
		return nil, fmt.Errorf("ECS endpoint: %w", err)
	}
	if u.Scheme == "http" && !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("ECS endpoint %q: http:// is accepted for loopback hosts only; write https://%s", u, u.Host)
	}
	return u, nil
}

// parseBaseURL accepts scheme://host[:port] and nothing more. Its errors do not
// repeat a password.
func parseBaseURL(text string) (*url.URL, error) {
	const want = "want http(s)://host[:port] without user, path or query"
	if strings.Contains(text, "@") {
		return nil, fmt.Errorf("a URL with user information; %s", want)
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%q is no URL; %s", oneLine(text), want)
	}
	if u.Path == "/" {
		u.Path = ""
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.Path != "" ||
		u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		return nil, fmt.Errorf("%q: %s", oneLine(text), want)
	}
	return u, nil
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// call makes one API call, with retries, and returns its JSON reply.
// Failures are *Error. The parameters are those of the action; the common ones
// are added.
func (c *Client) call(ctx context.Context, action string, params map[string]string) (reply, error) {
	return retry(ctx, c.attempts, newBackOff(firstAPIDelay), func() (reply, *Error) {
		return c.once(ctx, action, params)
	})
}

// expiredToken is the code for temporary credentials that have run out. Nothing
// was done, so that the call can be made at once with new ones.
const expiredToken = "InvalidSecurityToken.Expired"

// once makes one attempt, and a second one if the role's credentials were
// replaced in between.
func (c *Client) once(ctx context.Context, action string, params map[string]string) (reply, *Error) {
	answer, failure := c.onceWithCurrent(ctx, action, params)
	if failure != nil && failure.Code == expiredToken {
		answer, failure = c.onceWithCurrent(ctx, action, params)
	}
	return answer, failure
}

// onceWithCurrent makes one attempt with the credentials at hand and tells
// whoever wants to know of each.
func (c *Client) onceWithCurrent(ctx context.Context, action string, params map[string]string) (reply, *Error) {
	start := time.Now()
	answer, failure := c.attempt(ctx, action, params)
	code := "OK"
	if failure != nil {
		code = codeLabel(failure)
		if failure.Class == ClassCredentials && failure.HTTPStatus != 0 {
			c.credentials.forget() // the cloud rejected what the chain has cached
		}
	}
	c.onRequest(action, code)
	c.log.DebugContext(ctx, "ECS API call", "action", action, "code", code, "duration", time.Since(start))
	return answer, failure
}

// codeLabel is the cloud's code if it looks like one, else the class.
func codeLabel(e *Error) string {
	if e.Code != "" && len(e.Code) <= 64 && isWord(e.Code) {
		return e.Code
	}
	return e.Class.String()
}
