//go:build netns

package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/safchain/ethtool"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 60 * time.Second

// host is an instance: NICs, a cloud at its real addresses, and folders.
type host struct {
	t     *testing.T
	cloud *ecssim.Cloud
	down  func() // ends the cloud's services
	dir   string
	env   []string
}

// newHost makes an instance whose cloud is reached by the default configuration.
func newHost(t *testing.T) *host {
	t.Helper()
	netns.Addr(t, "lo", world.MetadataAddress+"/32")
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	h := &host{t: t, cloud: world.New(), dir: t.TempDir()}
	var ca string
	ca, h.down = world.Serve(t, h.cloud, world.MetadataAddress, "127.0.0.1")
	h.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "RUNTIME_DIRECTORY="+h.dir, "GORACE=halt_on_error=1 exitcode=66 atexit_sleep_ms=0")
	h.configure("")
	return h
}

// configure writes the configuration: what a namespace needs, and more.
func (h *host) configure(more string) {
	h.t.Helper()
	text := "discovery: {virtual_devices: true}\nstate_dir: " + filepath.Join(h.dir, "state") + "\nweb: {listen: [\"127.0.0.1:10056\"]}\n" + more
	if err := os.WriteFile(filepath.Join(h.dir, "config.yaml"), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

// nic adds a NIC with 8 queues to the guest, one of them in use.
func (h *host) nic(name, mac string) {
	h.t.Helper()
	netns.Veth(h.t, netns.VethPair{Name: name, Queues: 8, Channels: 1, MAC: mac})
}

type result struct {
	stdout, stderr string
	code           int
}

func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(world.BinaryKey), append([]string{"--config", filepath.Join(h.dir, "config.yaml")}, args...)...)
	cmd.Env = h.env
	return cmd
}

// run runs enitune to its end.
func (h *host) run(args ...string) result {
	h.t.Helper()
	return h.finish(h.command(args...))
}

func (h *host) finish(cmd *exec.Cmd) result {
	h.t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		h.t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// report runs a command with -o json and reads its document.
func (h *host) report(args ...string) (agent.Report, int) {
	h.t.Helper()
	res := h.run(append(args, "-o", "json")...)
	var r agent.Report
	dec := json.NewDecoder(strings.NewReader(res.stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		h.t.Fatalf("enitune %v: %v\nstdout: %s\nstderr: %s", args, err, res.stdout, res.stderr)
	}
	return r, res.code
}

// setting finds one setting in a report.
func setting(r agent.Report, device string, s nic.Setting) agent.SettingReport {
	for _, n := range r.NICs {
		for _, sr := range n.Settings {
			if n.Device == device && sr.Setting == s {
				return sr
			}
		}
	}
	return agent.SettingReport{}
}

// channels reads a NIC's rx channels with a tool of its own.
func channels(t *testing.T, device string) int {
	t.Helper()
	e, err := ethtool.NewEthtool()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	c, err := e.GetChannels(device)
	if err != nil {
		t.Fatal(err)
	}
	return int(c.RxCount)
}

// setChannels changes a NIC as another program would.
func setChannels(t *testing.T, device string, n uint32) {
	t.Helper()
	e, err := ethtool.NewEthtool()
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if _, err := e.SetChannels(device, ethtool.Channels{RxCount: n, TxCount: n}); err != nil {
		t.Fatal(err)
	}
}

// daemon is a running `enitune run`.
type daemon struct {
	h     *host
	cmd   *exec.Cmd
	ended chan struct{}

	mu    sync.Mutex
	log   []string
	read  int           // lines that await has gone past
	fresh chan struct{} // closed and replaced with every line
}

// start starts the daemon and waits for its first report with the given words.
func (h *host) start() *daemon {
	h.t.Helper()
	d := &daemon{h: h, cmd: h.command("run"), ended: make(chan struct{}), fresh: make(chan struct{})}
	d.cmd.Stderr = &lineWriter{d: d}
	if err := d.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		_ = d.cmd.Wait()
		close(d.ended)
	}()
	h.t.Cleanup(func() {
		_ = d.cmd.Process.Kill()
		<-d.ended
		if h.t.Failed() {
			d.mu.Lock()
			defer d.mu.Unlock()
			h.t.Logf("the daemon's log:\n%s", strings.Join(d.log, "\n"))
		}
	})
	d.awaitEvents()
	return d
}

// awaitEvents blocks until both event sources are up. It goes past no line: what
// else is logged meanwhile comes in any order.
func (d *daemon) awaitEvents() {
	d.h.t.Helper()
	const pattern = "event source is up"
	deadline := time.After(patience)
	for {
		d.mu.Lock()
		up := strings.Count(strings.Join(d.log, "\n"), pattern)
		fresh := d.fresh
		d.mu.Unlock()
		if up >= 2 {
			return
		}
		d.awaitLine(fresh, deadline, pattern)
	}
}

// awaitLine blocks until a line is logged.
func (d *daemon) awaitLine(fresh <-chan struct{}, deadline <-chan time.Time, pattern string) {
	d.h.t.Helper()
	select {
	case <-fresh:
	case <-d.ended:
		d.h.t.Fatalf("the daemon ended before it logged %q", pattern)
	case <-deadline:
		d.h.t.Fatalf("the daemon did not log %q", pattern)
	}
}

// lineWriter takes the daemon's log.
type lineWriter struct {
	d    *daemon
	rest string
}

func (w *lineWriter) Write(p []byte) (int, error) {
	w.rest += string(p)
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	for {
		line, rest, ok := strings.Cut(w.rest, "\n")
		if !ok {
			return len(p), nil
		}
		w.rest = rest
		w.d.log = append(w.d.log, line)
		close(w.d.fresh)
		w.d.fresh = make(chan struct{})
	}
}

// await blocks until a log line after those awaited before matches.
func (d *daemon) await(pattern string) string {
	d.h.t.Helper()
	re := regexp.MustCompile(pattern)
	deadline := time.After(patience)
	for {
		d.mu.Lock()
		for d.read < len(d.log) {
			line := d.log[d.read]
			d.read++
			if re.MatchString(line) {
				d.mu.Unlock()
				return line
			}
		}
		fresh := d.fresh
		d.mu.Unlock()
		d.awaitLine(fresh, deadline, pattern)
	}
}

// stop ends the daemon and gives its exit code and how long that took.
func (d *daemon) stop() (code int, took time.Duration) {
	d.h.t.Helper()
	start := time.Now()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		d.h.t.Fatal(err)
	}
	select {
	case <-d.ended:
	case <-time.After(patience):
		d.h.t.Fatal("the daemon does not end")
	}
	return d.cmd.ProcessState.ExitCode(), time.Since(start)
}

// get reads one of the daemon's pages.
func (d *daemon) get(path string) (string, int) {
	d.h.t.Helper()
	return d.request(http.MethodGet, "127.0.0.1:10056", path)
}

// getAt reads one of the daemon's pages at another address.
func (d *daemon) getAt(address, path string) (string, int) {
	d.h.t.Helper()
	return d.request(http.MethodGet, address, path)
}

// count counts the log lines so far that hold a text.
func (d *daemon) count(text string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(strings.Join(d.log, "\n"), text)
}

// post asks one of the daemon's pages to do something.
func (d *daemon) post(path string) (string, int) {
	d.h.t.Helper()
	return d.request(http.MethodPost, "127.0.0.1:10056", path)
}

func (d *daemon) request(method, address, path string) (string, int) {
	d.h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+address+path, nil)
	if err != nil {
		d.h.t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		d.h.t.Fatal(err)
	}
	defer resp.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(resp.Body); err != nil {
		d.h.t.Fatal(err)
	}
	return b.String(), resp.StatusCode
}

// metric finds the value of a series in the daemon's exposition; "" if it is not
// there.
func (d *daemon) metric(series string) string {
	d.h.t.Helper()
	body, _ := d.get("/metrics")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
