//go:build netns

package integration

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
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
	h.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "RUNTIME_DIRECTORY="+h.dir, world.RaceOptions)
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

func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(world.BinaryKey), append([]string{"--config", filepath.Join(h.dir, "config.yaml")}, args...)...)
	cmd.Env = h.env
	return cmd
}

// run runs enitune to its end.
func (h *host) run(args ...string) world.Result {
	h.t.Helper()
	return world.Finish(h.t, h.command(args...))
}

// report runs a command with -o json and reads its document.
func (h *host) report(args ...string) (agent.Report, int) {
	h.t.Helper()
	res := h.run(append(args, "-o", "json")...)
	var r agent.Report
	dec := json.NewDecoder(strings.NewReader(res.Stdout))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		h.t.Fatalf("enitune %v: %v\nstdout: %s\nstderr: %s", args, err, res.Stdout, res.Stderr)
	}
	return r, res.Code
}

// daemon is a running `enitune run`.
type daemon struct {
	*world.Daemon
	h *host
}

// start starts the daemon and waits until both event sources are up.
func (h *host) start() *daemon {
	h.t.Helper()
	return &daemon{world.StartDaemon(h.t, h.command("run")), h}
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

// post asks one of the daemon's pages to do something.
func (d *daemon) post(path string) (string, int) {
	d.h.t.Helper()
	return d.request(http.MethodPost, "127.0.0.1:10056", path)
}

func (d *daemon) request(method, address, path string) (string, int) {
	d.h.t.Helper()
	body, status, err := world.Ask(method, "http://"+address+path)
	if err != nil {
		d.h.t.Fatal(err)
	}
	return body, status
}

// metric finds the value of a series in the daemon's exposition; "" if it is not
// there.
func (d *daemon) metric(series string) string {
	d.h.t.Helper()
	body, _ := d.get("/metrics")
	return world.Metric(body, series)
}
