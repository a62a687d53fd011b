package ecssim_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/enitune/enitune/internal/ecssim"
)

// clock is a cloud's time that stands still until it is moved.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock {
	return &clock{now: time.Date(2026, 11, 22, 21, 45, 5, 0, time.UTC)}
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// newCloud returns a cloud with one instance, the key ak/sk, and a standing clock.
func newCloud(opts ecssim.Options) (*ecssim.Cloud, *clock) {
	clk := newClock()
	opts.Clock = clk.Now
	c := ecssim.New(opts)
	c.SetInstance(ecssim.Instance{
		ID: "i-1", Region: "cn-hangzhou", Zone: "cn-hangzhou-i", Type: "ecs.g7.xlarge",
		Owner: "1609", RoleName: "TestRole",
	})
	c.AddAccessKey("ak", "sk")
	return c, clk
}

// client signs requests as the SDK does and hands them to a handler.
type client struct {
	handler           http.Handler
	clock             *clock
	id, secret, token string
	nonce             int
}

func newClient(c *ecssim.Cloud, clk *clock) *client {
	return &client{handler: c.ECS(), clock: clk, id: "ak", secret: "sk"}
}

// parameters returns a complete, unsigned request; pairs are name=value and
// win over the rest, and "name=" takes the parameter away.
func (c *client) parameters(action string, pairs ...string) map[string]string {
	c.nonce++
	p := map[string]string{
		"Action": action, "Version": "2014-05-26", "Format": "JSON", "RegionId": "cn-hangzhou",
		"AccessKeyId": c.id, "SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0",
		"SignatureNonce": fmt.Sprint("nonce-", c.nonce), "Timestamp": c.clock.Now().Format("2006-01-02T15:04:05Z"),
	}
	if c.token != "" {
		p["SecurityToken"] = c.token
	}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		p[name] = value
		if value == "" {
			delete(p, name)
		}
	}
	return p
}

// answer is a reply of the ECS API.
type answer struct {
	status int
	body   map[string]any
}

func (a answer) code() string {
	code, _ := a.body["Code"].(string)
	return code
}

func (c *client) call(t *testing.T, action string, pairs ...string) answer {
	t.Helper()
	p := c.parameters(action, pairs...)
	if _, given := p["Signature"]; !given {
		p["Signature"] = ecssim.Sign(http.MethodPost, p, c.secret)
	}
	return c.send(t, p)
}

func (c *client) send(t *testing.T, p map[string]string) answer {
	t.Helper()
	query := make(url.Values)
	for name, value := range p {
		query.Set(name, value)
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/?"+query.Encode(), nil))
	a := answer{status: w.Code}
	if err := json.Unmarshal(w.Body.Bytes(), &a.body); err != nil {
		t.Fatalf("the reply is not JSON: %v\n%s", err, w.Body)
	}
	return a
}

// ids lists the ENIs of a DescribeNetworkInterfaces reply.
func (a answer) ids(t *testing.T) []string {
	t.Helper()
	out := []string{}
	for _, set := range a.sets(t) {
		out = append(out, set["NetworkInterfaceId"].(string))
	}
	return out
}

func (a answer) sets(t *testing.T) []map[string]any {
	t.Helper()
	if a.status != http.StatusOK {
		t.Fatalf("status %d, body %v", a.status, a.body)
	}
	list := a.body["NetworkInterfaceSets"].(map[string]any)["NetworkInterfaceSet"].([]any)
	out := make([]map[string]any, len(list))
	for i, set := range list {
		out[i] = set.(map[string]any)
	}
	return out
}

// metadata is a client of the metadata service.
type metadata struct{ handler http.Handler }

func (m metadata) do(method, path string, header map[string]string) (status int, body string) {
	r := httptest.NewRequest(method, path, nil)
	for name, value := range maps.All(header) {
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	m.handler.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// token fetches a metadata token that lives for ttl seconds.
func (m metadata) token(t *testing.T, ttl string) string {
	t.Helper()
	status, token := m.do(http.MethodPut, "/latest/api/token", map[string]string{"X-aliyun-ecs-metadata-token-ttl-seconds": ttl})
	if status != http.StatusOK {
		t.Fatalf("token: status %d", status)
	}
	return token
}

func (m metadata) get(path, token string) (status int, body string) {
	return m.do(http.MethodGet, path, map[string]string{"X-aliyun-ecs-metadata-token": token})
}
