package eni

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The SDK reads DEBUG and net/http reads the proxy variables once in a process,
// so these tests run a call in a process of its own.

// childEndpoint names the variable with which a test makes its own binary the child.
const childEndpoint = "ENI_TEST_CHILD_ENDPOINT"

// TestChild is the child: whether its client would use a proxy, and, when no
// packet can leave this machine by it, the outcome of one call.
func TestChild(t *testing.T) {
	endpoint := os.Getenv(childEndpoint)
	if endpoint == "" {
		t.Skip("only as a child of the other tests here")
	}
	c := newClient(t, ClientOptions{Endpoint: endpoint, Attempts: 1}, nil)
	proxy, err := c.http.Transport.(*http.Transport).Proxy(&http.Request{URL: c.endpoint})
	fmt.Println("proxied:", proxy != nil)
	if proxy != nil || err != nil || isLoopback(c.endpoint.Hostname()) {
		fmt.Printf("outcome: %v\n", listOwn(t.Context(), c))
	}
}

// runChild returns all that the child printed.
func runChild(t *testing.T, endpoint string, env ...string) string {
	t.Helper()
	setCredentials(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$")
	cmd.Env = append(os.Environ(), childEndpoint+"="+endpoint,
		"HTTP_PROXY=", "http_proxy=", "HTTPS_PROXY=", "https_proxy=", "NO_PROXY=", "no_proxy=")
	cmd.Env = append(cmd.Env, env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}

func TestTheSDKsDebugVariablePrintsNothing(t *testing.T) {
	s := httptest.NewServer(answers(answer{200, emptyPage}))
	t.Cleanup(s.Close)
	out := runChild(t, s.URL, "DEBUG=sdk")
	if !strings.HasPrefix(out, "proxied: false\noutcome: <nil>\nPASS\n") {
		t.Errorf("output: %s", out)
	}
	mustNotLeak(t, out)
}

func TestAPICallsFollowTheProxyVariablesAsGoReadsThem(t *testing.T) {
	for _, tt := range []struct {
		name, noProxy string
		wantProxied   bool
	}{
		{"HTTPS_PROXY alone", "", true},
		{"another host excepted", "other.example", true},
		{"suffix excepted", ".invalid", false},
		{"a list that is no regular expression", "[,*.other,ecs.invalid", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			proxy, connects := newProxy(t)
			out := runChild(t, "https://ecs.invalid", "HTTPS_PROXY=http://me:"+canaryPassword+"@"+proxy, "NO_PROXY="+tt.noProxy)
			if want := fmt.Sprintf("proxied: %v\n", tt.wantProxied); !strings.HasPrefix(out, want) {
				t.Errorf("output %s, want %s", out, want)
			}
			if tt.wantProxied {
				if got := <-connects; got != "CONNECT ecs.invalid:443" {
					t.Errorf("the proxy saw %q", got)
				}
				if !strings.Contains(out, "Forbidden (network)") {
					t.Errorf("output: %s", out)
				}
			}
			mustNotLeak(t, out)
			if strings.Contains(out, canaryPassword) {
				t.Errorf("output: %s", out)
			}
		})
	}
}

func TestABrokenProxyVariableDoesNotShowItsPassword(t *testing.T) {
	out := runChild(t, "https://ecs.invalid", "HTTPS_PROXY=http://me:"+canaryPassword+"@proxy:not a port")
	if strings.Contains(out, canaryPassword) || !strings.Contains(out, "proxy") {
		t.Errorf("output: %s", out)
	}
}

const canaryPassword = "canaryPassword"

// newProxy starts a proxy that refuses every request and tells of each.
func newProxy(t *testing.T) (address string, connects <-chan string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	seen := make(chan string, 8)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			if r, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
				seen <- r.Method + " " + r.Host
			}
			_, _ = fmt.Fprint(conn, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
			_ = conn.Close()
		}
	}()
	return l.Addr().String(), seen
}
