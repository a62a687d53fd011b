//go:build netns

package cloud

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// The instance's one NIC. Its ENI has good queues, which is not the default of
// the instance type (4).
const (
	device = "eth1"
	mac    = "00:16:3e:00:00:01"
	eniID  = "eni-1"
	most   = 8
	good   = 6
)

// Where the instance finds the ECS API.
const ecsAddress = "100.100.0.80"

// host is an instance in a network namespace of its own.
type host struct {
	t        *testing.T
	ns       *netns.Namespace
	cloud    *ecssim.Cloud
	skew     atomic.Int64 // of the cloud's clock, in nanoseconds
	metadata *front
	ecs      *front
	names    *names
	trusted  *authority
	cert     *shown
	dir      string
	env      []string
	daemon   *world.Daemon

	mu      sync.Mutex
	secrets []string // that the cloud gave or got
	outputs []string // of all commands
}

// newHost makes an instance with one NIC and its ENI. more is added to the
// section cloud of the configuration.
func newHost(t *testing.T, more string) *host {
	t.Helper()
	if more == "" {
		more = "  timeout: 1m\n" // a machine may be slow
	}
	h := &host{t: t, ns: netns.New(t), cert: &shown{}, trusted: newAuthority(t)}
	var err error
	if h.dir, err = os.MkdirTemp("", "cloud-"); err != nil { // short, for the name of a socket
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(h.dir) })
	h.cloud = world.NewWith(ecssim.Options{Clock: func() time.Time { return time.Now().Add(time.Duration(h.skew.Load())) }})
	h.cloud.PutENI(world.ENI(eniID, mac, good))
	h.ns.Do(func() {
		netns.Addr(t, "lo", world.MetadataAddress+"/32")
		netns.Addr(t, "lo", ecsAddress+"/32")
		netns.Veth(t, netns.VethPair{Name: device, Queues: most, Channels: 1, MAC: mac})
	})
	h.cert.show(h.trusted.issue(world.ECSHost, time.Hour))
	h.metadata = newFront(t, h.ns, world.MetadataAddress+":80", h.noting(h.cloud.Metadata()), nil)
	h.ecs = newFront(t, h.ns, ecsAddress+":443", h.noting(h.cloud.ECS()), h.cert.config())
	h.names = newNames(t, h.ns, ecsAddress)
	h.env = append(cleanEnv(), "SSL_CERT_FILE="+h.trusted.file(), "RUNTIME_DIRECTORY="+h.dir, "HOME="+h.dir,
		world.RaceOptions, "GODEBUG=netdns=go")
	text := "discovery: {virtual_devices: true}\nstate_dir: " + h.stateDir() + "\nweb: {listen: []}\n" +
		"cloud:\n  refresh_interval: 1m\n" + more
	if err := os.WriteFile(h.configFile(), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.checkSecrets)
	return h
}

// cleanEnv is the environment without credentials and proxies.
func cleanEnv() []string {
	var env []string
	for _, e := range os.Environ() {
		name := strings.ToUpper(e[:strings.IndexByte(e, '=')])
		if !strings.HasPrefix(name, "ALIBABA_CLOUD_") && !strings.HasSuffix(name, "_PROXY") {
			env = append(env, e)
		}
	}
	return env
}

func (h *host) configFile() string { return filepath.Join(h.dir, "config.yaml") }
func (h *host) stateDir() string   { return filepath.Join(h.dir, "state") }

// noting notes the secrets that pass: the metadata service's tokens and the
// role's credentials, and the signatures of requests.
func (h *host) noting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s := r.URL.Query().Get("Signature"); s != "" {
			h.note(s)
		}
		path := r.URL.Path
		if !strings.HasSuffix(path, "api/token") && !strings.Contains(path, "security-credentials/") {
			next.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(&copying{ResponseWriter: w, note: h.noteReply}, r)
	})
}

// noteReply takes the secrets out of a reply.
func (h *host) noteReply(body []byte) {
	var credentials struct{ AccessKeySecret, SecurityToken string }
	switch {
	case json.Unmarshal(body, &credentials) == nil:
		h.note(credentials.AccessKeySecret)
		h.note(credentials.SecurityToken)
	case string(body) != world.Role:
		h.note(string(body))
	}
}

func (h *host) note(secret string) {
	if len(secret) < 8 || strings.Contains(secret, "<") {
		return // an error page
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.secrets = append(h.secrets, secret)
}

// copying notes what is written as one reply.
type copying struct {
	http.ResponseWriter
	note func([]byte)
}

func (c *copying) Write(p []byte) (int, error) {
	c.note(bytes.Clone(p))
	return c.ResponseWriter.Write(p)
}

// checkSecrets fails if a secret is in anything that was printed or written.
func (h *host) checkSecrets() {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := strings.Join(h.outputs, "\n")
	if h.daemon != nil {
		all += h.daemon.Log()
	}
	files, _ := filepath.Glob(filepath.Join(h.stateDir(), "*"))
	for _, file := range files {
		data, _ := os.ReadFile(file)
		all += string(data)
	}
	for _, s := range h.secrets {
		if strings.Contains(all, s) {
			h.t.Errorf("a secret of %d bytes was given away", len(s))
		}
	}
}

func (h *host) keep(output string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.outputs = append(h.outputs, output)
}

func (h *host) channels() (n int) {
	h.ns.Do(func() { n = netns.Channels(h.t, device) })
	return n
}

// setChannels changes the NIC as another program would.
func (h *host) setChannels(n int) {
	h.ns.Do(func() { netns.SetChannels(h.t, device, n) })
}

// apply runs `enitune apply`, built as it is shipped, to its end, which must come
// in time.
func (h *host) apply(args ...string) (agent.Report, int) {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience/2)
	defer cancel()
	args = append([]string{"--config", h.configFile(), "--log-level", "debug", "apply", "-o", "json"}, args...)
	cmd := exec.CommandContext(ctx, os.Getenv(world.PlainKey), args...)
	cmd.Env = h.env
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	var err error
	h.ns.Do(func() { err = cmd.Run() })
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) || ctx.Err() != nil {
		h.t.Fatalf("enitune apply: %v\n%s", err, &stderr)
	}
	h.keep(stdout.String())
	h.keep(stderr.String())
	return h.parse(stdout.Bytes()), cmd.ProcessState.ExitCode()
}

func (h *host) parse(body []byte) agent.Report {
	h.t.Helper()
	var r agent.Report
	if err := json.Unmarshal(body, &r); err != nil {
		h.t.Fatalf("%v in the report: %s", err, body)
	}
	return r
}

// start starts the daemon of a binary and waits until it listens to the kernel.
func (h *host) start(binary string) {
	h.t.Helper()
	cmd := exec.Command(binary, "--config", h.configFile(), "--log-level", "debug", "run")
	cmd.Env = h.env
	h.ns.Do(func() { h.daemon = world.StartDaemon(h.t, cmd) })
}

// ask asks the daemon over its socket.
func (h *host) ask(method, path string) string {
	h.t.Helper()
	body, _, err := world.AskSocket(filepath.Join(h.dir, "enitune.sock"), method, path)
	if err != nil {
		h.t.Fatal(err)
	}
	h.keep(body)
	return body
}

// refresh asks the daemon to read the cloud now.
func (h *host) refresh() {
	h.t.Helper()
	h.ask(http.MethodPost, "/-/refresh")
}

// await asks for the daemon's report until it is right.
func (h *host) await(what string, right func(agent.Report) bool) agent.Report {
	h.t.Helper()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(patience)
	for {
		body := h.ask(http.MethodGet, "/status")
		var r agent.Report
		if err := json.Unmarshal([]byte(body), &r); err == nil && r.Version == 1 && right(r) {
			return r
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("%s: not within %v; last: %s", what, patience, body)
		}
		<-tick.C
	}
}

// awaitChannels waits until the NIC has n channels.
func (h *host) awaitChannels(n int) {
	h.t.Helper()
	h.await("the NIC has "+strconv.Itoa(n)+" queues", func(agent.Report) bool { return h.channels() == n })
}

// state is the desired state on disk, without the time of it; "" if there is none.
func (h *host) state() string {
	h.t.Helper()
	data, err := os.ReadFile(filepath.Join(h.stateDir(), "state.json"))
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	var file struct {
		Body struct{ Desired agent.Desired }
	}
	if err := errors.Join(err, json.Unmarshal(data, &file)); err != nil {
		h.t.Fatal(err)
	}
	d := file.Body.Desired
	return fmt.Sprintf("%s in %s: %+v", d.InstanceID, d.Region, d.ENIs)
}

// metric adds up the series whose names and labels begin with prefix.
func (h *host) metric(prefix string) (sum float64) {
	h.t.Helper()
	for line := range strings.Lines(h.ask(http.MethodGet, "/metrics")) {
		rest, ok := strings.CutPrefix(line, prefix)
		if !ok {
			continue
		}
		fields := strings.Fields(rest)
		v, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil {
			h.t.Fatalf("%q: %v", line, err)
		}
		sum += v
	}
	return sum
}

// source is the health of a source.
func source(r agent.Report, name agent.Component) agent.SourceHealth {
	for _, s := range r.Sources {
		if s.Source == string(name) {
			return s
		}
	}
	return agent.SourceHealth{}
}

// queues is the report on the NIC's queues.
func queues(r agent.Report) agent.SettingReport { return world.Setting(r, device, nic.Queues) }
