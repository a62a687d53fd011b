//go:build netns

package integration

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestAReloadPutsTheWholeFileInForce(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	pid := d.PID()

	h.configure("nics: [{match: {device: eth1}, queues: 2}]\nreconcile: {resync_interval: 10s}\n")
	res := h.run("reload")
	if res.Code != 0 || res.Stdout != "configuration in force: changed reconcile.resync_interval, nics\n" {
		t.Fatalf("%+v", res)
	}
	if got := netns.Channels(t, "eth1"); got != 2 {
		t.Errorf("%d channels when reload had ended, want 2", got)
	}
	if got := d.metric(`enitune_changes_total{device="eth1",eni="eni-1",result="ok",setting="queues"}`); got != "2" {
		t.Errorf("the counter of changes is %q after the reload, want 2", got)
	}
	if got := d.metric("enitune_config_last_reload_successful"); got != "1" {
		t.Errorf("enitune_config_last_reload_successful is %q", got)
	}
	netns.SetChannels(t, "eth1", 7)
	d.Await("eth1 queues: 7 -> 2")
	if res := h.run("reload"); res.Code != 0 || !strings.Contains(res.Stdout, "unchanged") {
		t.Errorf("a second reload: %+v", res)
	}
	if d.PID() != pid || d.Count("event source is up") != 2 {
		t.Error("the reload logged the event sources anew")
	}
	if code, _ := d.Stop(); code != 0 {
		t.Errorf("ended with %d", code)
	}
}

func TestARefusedReloadChangesNothing(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	for name, tt := range map[string]struct{ text, want string }{
		"a fault in the file":     {"nics: [{match: {device: eth1}, queues: 2}]\nreconcile: {mode: enforced}\n", "reconcile.mode"},
		"a file that was emptied": {"", "it is empty or not there"},
		"an address that is none": {"nics: [{match: {device: eth1}, queues: 2}]\n", "no network device here has the address of 203.0.113.1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			h.configure(tt.text)
			if tt.text == "" {
				if err := os.Truncate(filepath.Join(h.dir, "config.yaml"), 0); err != nil {
					t.Fatal(err)
				}
			}
			if strings.Contains(tt.want, "203") {
				h.listen("203.0.113.1:1")
			}
			res := h.run("reload")
			if res.Code != 1 || !strings.Contains(res.Stderr, tt.want) {
				t.Errorf("%+v", res)
			}
			if res := h.run("reload", "--quiet"); res.Code != 1 || res.Stdout+res.Stderr != "" {
				t.Errorf("quietly: %+v", res)
			}
			d.Await("configuration refused, the old one stays in force: .*" + tt.want)
			if tt.text != "" { // a third time would count as contested
				netns.SetChannels(t, "eth1", 1)
				d.Await("eth1 queues: 1 -> 4")
			}
			if got := d.metric("enitune_config_last_reload_successful"); got != "0" {
				t.Errorf("enitune_config_last_reload_successful is %q", got)
			}
			if body, _ := d.get("/status"); !strings.Contains(body, `"component":"config"`) {
				t.Errorf("the report does not tell: %s", body)
			}
		})
	}
	if res := h.run("status"); res.Code != 0 || !strings.Contains(res.Stdout, "error config") {
		t.Errorf("status with a refused file: %+v", res)
	}
	h.configure("")
	d.Signal(syscall.SIGHUP)
	d.Await("configuration unchanged")
	if body, _ := d.get("/status"); strings.Contains(body, `"component":"config"`) {
		t.Errorf("the report still tells of the fault: %s", body)
	}
}

func TestAReloadMovesTheListenerAndTheCloud(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("eth1 queues: 1 -> 4")
	h.configure("cloud: {enabled: false}\n")
	h.listen("127.0.0.1:10057")
	if res := h.run("reload"); res.Code != 0 || !strings.Contains(res.Stdout, "cloud.enabled, web.listen") {
		t.Fatalf("%+v", res)
	}
	if _, code := d.getAt("127.0.0.1:10057", "/readyz"); code != 200 {
		t.Errorf("/readyz at the new address: %d", code)
	}
	netns.SetChannels(t, "eth1", 1)
	h.configure("")
	if res := h.run("reload"); res.Code != 0 {
		t.Fatalf("%+v", res)
	}
	d.Await("eth1 queues: 1 -> 4")
	if _, code := d.get("/readyz"); code != 200 {
		t.Errorf("/readyz at the old address: %d", code)
	}
}

// listen replaces the web server's address in the configuration.
func (h *host) listen(address string) {
	h.t.Helper()
	path := filepath.Join(h.dir, "config.yaml")
	text, err := os.ReadFile(path)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "127.0.0.1:10056", address)), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func TestReloadsInAStormAskTheCloudNoMoreThanRefreshesDo(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	d := h.start()
	d.Await("desired state.*origin=api")
	for n := range 20 {
		h.configure("reconcile: {resync_interval: " + []string{"10s", "11s"}[n%2] + "}\n")
		if res := h.run("reload"); res.Code != 0 {
			t.Fatalf("%+v", res)
		}
	}
	asked := 0
	for _, r := range h.cloud.Requests() {
		if r.Action == "DescribeNetworkInterfaces" {
			asked++
		}
	}
	if asked > 8 { // one at the start, a burst of six, and one that the time brings
		t.Errorf("the API was asked %d times in 20 reloads", asked)
	}
	if body, _ := d.get("/metrics"); strings.Contains(body, `code="canceled"`) {
		t.Error("calls that a reload ended before they were sent are counted")
	}
	if code, took := d.Stop(); code != 0 {
		t.Errorf("ended with %d after %v", code, took)
	}
}
