package eni

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Canaries: none of them may appear in any text, in any encoding.
const (
	canaryKey    = "LTAIcanary"
	canarySecret = "canarySecret+/="
	canaryToken  = "canaryToken/with+signs=="
)

// setCredentials gives the SDK's default chain the canaries and nothing else.
func setCredentials(t *testing.T) {
	t.Helper()
	noCredentials(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", canaryKey)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", canarySecret)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", canaryToken)
}

// noCredentials empties the SDK's default chain, without any request.
func noCredentials(t *testing.T) {
	t.Helper()
	t.Setenv("HOME", t.TempDir())
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	for _, name := range []string{
		"ACCESS_KEY_ID", "ACCESS_KEY_SECRET", "SECURITY_TOKEN", "ROLE_ARN", "OIDC_PROVIDER_ARN", "OIDC_TOKEN_FILE",
		"PROFILE", "CREDENTIALS_FILE", "CREDENTIALS_URI", "ECS_METADATA", "CLI_PROFILE_DISABLED",
	} {
		t.Setenv("ALIBABA_CLOUD_"+name, "")
	}
}

// handlerTransport serves requests from a handler without a network, so that a
// test can run on synctest's clock.
type handlerTransport struct{ http.Handler }

func (h handlerTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, req)
	resp := rec.Result()
	resp.Request = req
	return resp, nil
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// newClient returns a client of cn-hangzhou whose requests go to transport.
func newClient(t *testing.T, o ClientOptions, transport http.RoundTripper) *Client {
	t.Helper()
	if o.Region == "" {
		o.Region = "cn-hangzhou"
	}
	c, err := NewClient(o)
	if err != nil {
		t.Fatal(err)
	}
	if transport != nil {
		c.http.Transport = transport
	}
	return c
}

// newServer starts an ECS API on a loopback socket and returns a client of it.
func newServer(t *testing.T, o ClientOptions, h http.HandlerFunc) *Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o.Endpoint = s.URL
	return newClient(t, o, nil)
}

// answers is a handler that gives each answer once, and then the last again.
func answers(list ...answer) *answering { return &answering{list: list} }

type answer struct {
	status int
	body   string
}

type answering struct {
	list  []answer
	calls int
}

func (a *answering) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	next := a.list[min(a.calls, len(a.list)-1)]
	a.calls++
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(next.status)
	_, _ = io.WriteString(w, next.body)
}

const emptyPage = `{"RequestId":"R","NetworkInterfaceSets":{"NetworkInterfaceSet":[]}}`

func refusalBody(code, message string) string {
	return `{"RequestId":"RID-1","HostId":"ecs.example","Code":"` + code + `","Message":"` + message + `","Recommend":"https://help.example/x"}`
}

// listOwn is the call that most tests make.
func listOwn(ctx context.Context, c *Client) error {
	_, err := c.NetworkInterfaces(ctx, Query{InstanceID: "i-1"})
	return err
}

// mustNotLeak fails when text carries a canary, or a piece of a signed URL.
func mustNotLeak(t *testing.T, text string) {
	t.Helper()
	for _, part := range []string{"canarySecret", "canaryToken", "Signature=", "SignatureNonce", "AccessKeyId="} {
		if strings.Contains(text, part) {
			t.Errorf("%q in: %s", part, text)
		}
	}
}
