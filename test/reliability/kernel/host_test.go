//go:build netns

package kernel

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

const (
	mac1 = "00:16:3e:00:00:01"
	mac2 = "00:16:3e:00:00:02"

	// wanted is the queue number of both ENIs.
	wanted = 4

	// patience bounds every wait for an event; it is only reached by a failure.
	patience = 60 * time.Second
)

// host is an instance with two NICs of 8 queues, one of them in use, and their ENIs. eth1 is the one that the faults
// are about, eth2 the one that they must not hinder.
type host struct {
	t     *testing.T
	cloud *ecssim.Cloud
	dir   string
	env   []string
}

func newHost(t *testing.T) *host {
	t.Helper()
	netns.Addr(t, "lo", world.MetadataAddress+"/32")
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	h := &host{t: t, cloud: world.New(), dir: t.TempDir()}
	ca, _ := world.Serve(t, h.cloud, world.MetadataAddress, "127.0.0.1")
	h.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "RUNTIME_DIRECTORY="+h.dir, world.RaceOptions)
	h.configure("")
	h.nic("eth1", mac1)
	h.nic("eth2", mac2)
	h.cloud.PutENI(world.ENI("eni-1", mac1, wanted))
	h.cloud.PutENI(world.ENI("eni-2", mac2, wanted))
	return h
}

func (h *host) nic(name, mac string) {
	h.t.Helper()
	netns.Veth(h.t, netns.VethPair{Name: name, Queues: 8, Channels: 1, MAC: mac})
}

// configure writes the configuration: what a namespace needs, and more of the section reconcile.
func (h *host) configure(reconcile string) {
	h.t.Helper()
	text := "discovery: {virtual_devices: true}\nstate_dir: " + filepath.Join(h.dir, "state") +
		"\nweb: {listen: [\"127.0.0.1:10056\"]}\nreconcile: {" + reconcile + "}\n"
	if err := os.WriteFile(filepath.Join(h.dir, "config.yaml"), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(world.BinaryKey), append([]string{"--config", filepath.Join(h.dir, "config.yaml")}, args...)...)
	cmd.Env = h.env
	return cmd
}

// in is the same host with its NICs as they were at the start, for a subtest.
func (h *host) in(t *testing.T) *host {
	t.Helper()
	for _, name := range []string{"eth1", "eth2"} {
		netns.SetChannels(t, name, 1)
	}
	sub := *h
	sub.t = t
	return &sub
}

// apply runs one `enitune apply` under the given faults, and gives its report and exit code.
func (h *host) apply(rules func(*faults.Injector)) (*faults.Injector, agent.Report, int) {
	h.t.Helper()
	cmd := h.command("apply", "-o", "json")
	f := faults.Under(h.t, cmd)
	rules(f)
	res := world.Finish(h.t, cmd)
	var r agent.Report
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		h.t.Fatalf("%v: %+v", err, res)
	}
	return f, r, res.Code
}

// none is no fault.
func none(*faults.Injector) {}

// heals tells that a first apply without the fault brings everything in line.
func (h *host) heals() {
	h.t.Helper()
	_, r, code := h.apply(none)
	if code != agent.ExitInSync || netns.Channels(h.t, "eth1") != wanted {
		h.t.Errorf("without the fault: exit %d, %+v", code, world.Setting(r, "eth1", nic.Queues))
	}
}

// daemon is a running `enitune run`.
type daemon struct {
	*world.Daemon
	h      *host
	f      *faults.Injector
	before int // writes that were made before the fault
	// holding has a word for each call in which the daemon hangs.
	holding chan struct{}
}

// writes counts the writes since the fault, to any NIC.
func (d *daemon) writes() int { return len(d.f.Writes("")) - d.before }

// start starts the daemon under the given faults and waits until both event sources are up.
func (h *host) start(rules func(*faults.Injector)) *daemon {
	h.t.Helper()
	cmd := h.command("run")
	f := faults.Under(h.t, cmd)
	rules(f)
	return &daemon{Daemon: world.StartDaemon(h.t, cmd), h: h, f: f}
}

// launch does the same without waiting.
func (h *host) launch(rules func(*faults.Injector)) *daemon {
	h.t.Helper()
	cmd := h.command("run")
	f := faults.Under(h.t, cmd)
	rules(f)
	return &daemon{Daemon: world.LaunchDaemon(h.t, cmd), h: h, f: f}
}

// get reads one of the daemon's pages; "" while it does not serve yet.
func (d *daemon) get(path string) string {
	body, status, err := world.Ask(http.MethodGet, "http://127.0.0.1:10056"+path)
	if err != nil || status != http.StatusOK {
		return ""
	}
	return body
}

// report is the daemon's last one.
func (d *daemon) report() agent.Report {
	var r agent.Report
	_ = json.Unmarshal([]byte(d.get("/status")), &r) // no report yet is one without NICs
	return r
}

// metric finds the value of a series; "" if it is not there.
func (d *daemon) metric(series string) string {
	return world.Metric(d.get("/metrics"), series)
}

// settles waits until the report is as it should be.
func (d *daemon) settles(what string, ok func(agent.Report) bool) agent.Report {
	d.h.t.Helper()
	return await(d.h.t, what, d.report, ok)
}

// converges waits until all is in line.
func (d *daemon) converges() agent.Report {
	d.h.t.Helper()
	return d.settles("everything in sync", func(r agent.Report) bool { return r.InSync && len(r.NICs) == 2 })
}

// ready waits until what the start finds is repaired and told.
func (d *daemon) ready() {
	d.h.t.Helper()
	d.Await("eth2 queues: 1 -> 4") // after eth1
	d.converges()
}

// await looks until what it sees is as it should be.
func await[T any](t *testing.T, what string, look func() T, ok func(T) bool) (seen T) {
	t.Helper()
	world.Await(t, what, func() (bool, T) {
		seen = look()
		return ok(seen), seen
	})
	return seen
}

// on names the calls of one operation on eth1.
func on(op faults.Op) faults.Match { return faults.Match{Op: op, Device: "eth1"} }

// link finds a device.
func link(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	if err != nil {
		t.Fatalf("find %s: %v", name, err)
	}
	return l
}
