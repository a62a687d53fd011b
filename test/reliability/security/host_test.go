//go:build netns

package security

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

const (
	// patience bounds every wait for an event; it is only reached by a failure.
	patience = 60 * time.Second
	mac1     = "00:16:3e:00:00:01"
	address  = "127.0.0.1:10056"
)

// host is an instance: NICs, a cloud at its real addresses, and folders.
type host struct {
	t     *testing.T
	cloud *ecssim.Cloud
	dir   string
	env   []string

	mu   sync.Mutex
	seen []string // secrets that went over the wire: metadata tokens, signatures
	echo echo     // how the ECS API answers
}

// newHost makes an instance with one NIC, which is that of an ENI with 4 queues.
func newHost(t *testing.T) *host {
	t.Helper()
	netns.Addr(t, "lo", world.MetadataAddress+"/32")
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	h := &host{t: t, cloud: world.New(), dir: t.TempDir()}
	h.env = append(os.Environ(), "SSL_CERT_FILE="+h.serve(), "RUNTIME_DIRECTORY="+h.path("run"), "HOME="+h.dir, world.RaceOptions)
	for _, dir := range []string{"run", "textfile"} {
		h.must(os.Mkdir(h.path(dir), 0o755))
	}
	h.configure("")
	netns.Veth(t, netns.VethPair{Name: "eth1", Queues: 8, Channels: 1, MAC: mac1})
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	return h
}

// serve serves the cloud and notes the secrets that go over the wire. It gives the
// file of the authority that clients are to trust.
func (h *host) serve() (caFile string) {
	h.t.Helper()
	cert, ca, err := ecssim.SelfSignedTLS(world.ECSHost)
	h.must(err)
	caFile = h.path("ca.pem")
	h.must(os.WriteFile(caFile, ca, 0o644))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for addr, handler := range map[string]http.Handler{world.MetadataAddress + ":80": h.noting(h.cloud.Metadata()), "127.0.0.1:443": h.noting(h.cloud.ECS())} {
		var config *tls.Config
		if strings.HasSuffix(addr, ":443") {
			config = &tls.Config{Certificates: []tls.Certificate{cert}}
		}
		l, err := net.Listen("tcp", addr)
		h.must(err)
		wg.Go(func() {
			if err := ecssim.Serve(ctx, l, handler, config); err != nil {
				h.t.Errorf("serve %s: %v", addr, err)
			}
		})
	}
	h.t.Cleanup(func() { cancel(); wg.Wait() })
	return caFile
}

// echo is an ECS API that gives back what it was sent. The zero value does not.
type echo int

const (
	echoPage    echo = iota + 1 // as a proxy's error page
	echoRefusal                 // as the API's own words on a wrong signature
	echoReply                   // as a reply that is no JSON
)

func (h *host) setEcho(e echo) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.echo = e
}

// answer answers with the secrets of a request; false if it is to be answered as
// ever.
func (e echo) answer(w http.ResponseWriter, r *http.Request) bool {
	token, query := r.URL.Query().Get("SecurityToken"), r.URL.RawQuery
	switch e {
	case echoPage:
		w.WriteHeader(http.StatusBadGateway)
		fmt.Fprintf(w, "<html>%s %s https://example.com/?%s</html>", token, r.URL.Query().Get("Signature"), query)
	case echoRefusal:
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintf(w, `{"RequestId":"R","Code":"SignatureDoesNotMatch","Message":"token %s; server string to sign is:POST&%%2F&%s","Recommend":"https://example.com/?%s"}`,
			token, url.QueryEscape(query), query)
	case echoReply:
		fmt.Fprintf(w, "not JSON: %s %s", url.QueryEscape(token), query)
	default:
		return false
	}
	return true
}

func (h *host) noting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		for _, secret := range []string{r.Header.Get("X-Aliyun-Ecs-Metadata-Token"), r.URL.Query().Get("Signature"), r.URL.Query().Get("SecurityToken")} {
			if secret != "" {
				h.seen = append(h.seen, secret)
			}
		}
		e := h.echo
		h.mu.Unlock()
		if r.TLS == nil || !e.answer(w, r) {
			next.ServeHTTP(w, r)
		}
	})
}

// onTheWire are the secrets that were sent so far.
func (h *host) onTheWire() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]string(nil), h.seen...)
}

// configure writes the configuration: what a namespace needs, and more.
func (h *host) configure(more string) {
	h.t.Helper()
	text := "discovery: {virtual_devices: true}\nstate_dir: " + h.path("state") + "\n" + more
	if !strings.Contains(more, "web:") {
		text += "web: {listen: [\"" + address + "\"]}\n"
	}
	h.must(os.WriteFile(h.path("config.yaml"), []byte(text), 0o644))
}

func (h *host) path(names ...string) string {
	return filepath.Join(append([]string{h.dir}, names...)...)
}

func (h *host) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// read gives a file's text.
func (h *host) read(names ...string) string {
	h.t.Helper()
	data, err := os.ReadFile(h.path(names...))
	h.must(err)
	return string(data)
}

func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(world.BinaryKey), append([]string{"--config", h.path("config.yaml")}, args...)...)
	cmd.Env, cmd.Dir = h.env, h.dir
	return cmd
}

// run runs enitune to its end.
func (h *host) run(args ...string) world.Result {
	h.t.Helper()
	return world.Finish(h.t, h.command(args...))
}

// underUmask runs f with another umask, which processes started by it inherit.
// Tests here do not run in parallel.
func underUmask(mask int, f func()) {
	old := syscall.Umask(mask)
	defer syscall.Umask(old)
	f()
}

// start starts the daemon and waits until it has written the NIC.
func (h *host) start(args ...string) *world.Daemon {
	h.t.Helper()
	d := world.LaunchDaemon(h.t, h.command(append([]string{"run"}, args...)...))
	d.Await("event source is up")
	return d
}

// request asks the daemon over TCP.
func (h *host) request(method, path string, change ...func(*http.Request)) (status int, body string) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, nil)
	h.must(err)
	for _, f := range change {
		f(req)
	}
	return h.roundTrip(req, &http.Transport{DisableKeepAlives: true})
}

// overSocket asks the daemon over its Unix socket.
func (h *host) overSocket(method, path string) (status int, body string) {
	h.t.Helper()
	body, status, err := world.AskSocket(h.path("run", "enitune.sock"), method, path)
	h.must(err)
	return status, body
}

func (h *host) roundTrip(req *http.Request, transport *http.Transport) (status int, body string) {
	h.t.Helper()
	resp, err := transport.RoundTrip(req)
	h.must(err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	h.must(err)
	return resp.StatusCode, string(data)
}

// raw sends bytes over TCP and gives all that comes back until the daemon closes.
func (h *host) raw(text string) string {
	h.t.Helper()
	conn, err := net.DialTimeout("tcp", address, patience)
	h.must(err)
	defer conn.Close()
	h.must(conn.SetDeadline(time.Now().Add(patience)))
	_, _ = io.WriteString(conn, text) // fails when it is refused on the way
	data, _ := io.ReadAll(conn)       // or reset behind the answer
	return string(data)
}
