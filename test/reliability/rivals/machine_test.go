//go:build netns

package rivals

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 60 * time.Second

// Every ENI of these tests has 4 queues, every NIC offers 8 and starts with 4.
const (
	offered = 8
	granted = 4
)

// machine is an instance whose NICs are as its ENIs want them.
type machine struct {
	t       *testing.T
	cloud   *ecssim.Cloud
	env     []string
	writes  *monitor
	devices []string
}

// newMachine makes an instance with these NICs.
func newMachine(t *testing.T, devices ...string) *machine {
	t.Helper()
	netns.Addr(t, "lo", world.MetadataAddress+"/32")
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	m := &machine{t: t, cloud: world.New()}
	ca, _ := world.Serve(t, m.cloud, world.MetadataAddress, "127.0.0.1")
	m.env = append(os.Environ(), "SSL_CERT_FILE="+ca, world.RaceOptions)
	for _, device := range devices {
		m.plug(device, granted)
	}
	m.writes = listen(t)
	return m
}

// plug gives the instance an ENI, and its NIC with some channels in use.
func (m *machine) plug(device string, channels int) {
	m.t.Helper()
	m.devices = append(m.devices, device)
	mac := fmt.Sprintf("00:16:3e:00:00:%02x", len(m.devices))
	m.cloud.PutENI(world.ENI("eni-"+device, mac, granted))
	netns.Veth(m.t, netns.VethPair{Name: device, Queues: offered, Channels: channels, MAC: mac})
}

// rival runs a shell script until stop is called or the test ends.
func (m *machine) rival(script string) (stop func()) {
	m.t.Helper()
	cmd := exec.Command("sh", "-c", script)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	started, ended := make(chan error), make(chan struct{})
	go func() {
		// It dies with the thread that starts it, which therefore is to last.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			_ = cmd.Wait()
			close(ended)
		}
	}()
	if err := <-started; err != nil {
		m.t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // and the ethtool that it runs
		<-ended
	})
	m.t.Cleanup(stop)
	return stop
}

// loop is a script that sets NICs' channels to 1 and to 2, as fast as it can.
func loop(devices ...string) string {
	script := "while :; do\n"
	for _, n := range []int{1, 2} {
		for _, device := range devices {
			script += fmt.Sprintf("ethtool -L %s rx %d tx %d\n", device, n, n)
		}
	}
	return script + "done"
}

// daemon is a running `enitune run` with a configuration of its own.
type daemon struct {
	*world.Daemon
	m    *machine
	dir  string
	port int
}

// start starts a daemon with what a namespace needs and more, and waits until it
// knows what the cloud wants.
func (m *machine) start(more string) *daemon {
	m.t.Helper()
	return m.startAs(os.Getenv(world.BinaryKey), 10056, more)
}

// startSecond starts another daemon beside the first.
func (m *machine) startSecond(more string) *daemon {
	m.t.Helper()
	return m.startAs(os.Getenv(world.BinaryKey), 10057, more)
}

// startAs does the same with another binary or port.
func (m *machine) startAs(binary string, port int, more string) *daemon {
	m.t.Helper()
	d := &daemon{m: m, dir: m.t.TempDir(), port: port}
	d.configure(more)
	cmd := exec.Command(binary, "--config", d.configFile(), "run")
	cmd.Env = append(slices.Clone(m.env), "RUNTIME_DIRECTORY="+d.dir)
	d.Daemon = world.StartDaemon(m.t, cmd)
	d.await("the desired state is known", func() bool { return d.report().Desired.Origin == agent.OriginAPI })
	return d
}

func (d *daemon) configFile() string { return filepath.Join(d.dir, "config.yaml") }

func (d *daemon) configure(more string) {
	d.m.t.Helper()
	text := fmt.Sprintf("discovery: {virtual_devices: true}\nstate_dir: %s/state\nweb: {listen: [\"127.0.0.1:%d\"]}\n%s\n", d.dir, d.port, more)
	if err := os.WriteFile(d.configFile(), []byte(text), 0o644); err != nil {
		d.m.t.Fatal(err)
	}
}

// budget is the configuration of a budget, in full seconds.
func budget(burst int, per time.Duration) string {
	return fmt.Sprintf("reconcile: {change_budget: {burst: %d, per: %s}}", burst, per)
}

func (d *daemon) page(path string) *http.Response {
	d.m.t.Helper()
	ctx, cancel := context.WithTimeout(d.m.t.Context(), patience)
	d.m.t.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("http://127.0.0.1:%d%s", d.port, path), nil)
	if err != nil {
		d.m.t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		d.m.t.Fatal(err)
	}
	return resp
}

// report is the daemon's last one.
func (d *daemon) report() agent.Report {
	d.m.t.Helper()
	resp := d.page("/status")
	defer resp.Body.Close()
	var r agent.Report
	if resp.StatusCode != http.StatusOK {
		return r // there is none yet
	}
	if err := json.NewDecoder(resp.Body).Decode(&r); err != nil {
		d.m.t.Fatal(err)
	}
	return r
}

// queues is what the last report says of a NIC's queues.
func (d *daemon) queues(device string) agent.SettingReport {
	d.m.t.Helper()
	for _, n := range d.report().NICs {
		for _, s := range n.Settings {
			if n.Device == device && s.Setting == nic.Queues {
				return s
			}
		}
	}
	return agent.SettingReport{}
}

// metrics reads all series.
func (d *daemon) metrics() map[string]float64 {
	d.m.t.Helper()
	resp := d.page("/metrics")
	defer resp.Body.Close()
	all := map[string]float64{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		at := strings.LastIndexByte(lines.Text(), ' ')
		if at < 0 || lines.Text()[0] == '#' {
			continue
		}
		v, err := strconv.ParseFloat(lines.Text()[at+1:], 64)
		if err != nil {
			d.m.t.Fatal(err)
		}
		all[lines.Text()[:at]] = v
	}
	return all
}

// counted is how often enitune wrote a NIC's queues by its own word, and how often it
// saw others do so.
func (d *daemon) counted(device string) (writes, foreign int) {
	d.m.t.Helper()
	all := d.metrics()
	for _, result := range []string{"ok", "refused"} {
		writes += int(all[fmt.Sprintf(`enitune_changes_total{device=%q,eni="eni-%s",result=%q,setting="queues"}`, device, device, result)])
	}
	return writes, int(all[fmt.Sprintf(`enitune_foreign_changes_total{device=%q,eni="eni-%s",setting="queues"}`, device, device)])
}

// alerted tells whether the selector of the shipped alert EnituneContested has a
// series of a NIC.
func (d *daemon) alerted(device string) bool {
	d.m.t.Helper()
	rules, err := os.ReadFile("../../../packaging/prometheus/enitune-alerts.rules.yml")
	if err != nil {
		d.m.t.Fatal(err)
	}
	selector := regexp.MustCompile(`(?s)alert: EnituneContested\s.*?enitune_setting_reason\{reason=~"([^"]*)"\}`).FindSubmatch(rules)
	if selector == nil {
		d.m.t.Fatal("the alert EnituneContested does not look at enitune_setting_reason{reason=~...} any more")
	}
	series := regexp.MustCompile(fmt.Sprintf(`^enitune_setting_reason\{device=%q,.*reason="(?:%s)"`, device, selector[1]))
	for name, value := range d.metrics() {
		if series.MatchString(name) && value == 1 {
			return true
		}
	}
	return false
}

// awaitReason waits until the report gives a NIC's queues a reason.
func (d *daemon) awaitReason(device string, want plan.Reason) {
	d.m.t.Helper()
	d.await(fmt.Sprintf("%s is %s", device, want), func() bool { return d.queues(device).Reason == want })
}

// agree waits until enitune counts as many writes to a NIC as the kernel told of, and
// gives their number.
func (d *daemon) agree(device string, value int) int {
	d.m.t.Helper()
	var told, counted int
	d.await(fmt.Sprintf("%s: the kernel and enitune tell of as many writes of %d", device, value), func() bool {
		told, _ = d.m.writes.of(device, value)
		counted, _ = d.counted(device)
		return told == counted
	})
	return told
}

// await asks again and again until check is content.
func (d *daemon) await(what string, check func() bool) {
	d.m.t.Helper()
	await(d.m.t, what, check)
}

func await(t *testing.T, what string, check func() bool) {
	t.Helper()
	world.Await(t, what, func() (ok, seen bool) { ok = check(); return ok, ok })
}

// calm waits until everything is as it is wanted.
func (d *daemon) calm() {
	d.m.t.Helper()
	d.await("in sync", func() bool { return d.report().InSync })
}

// spent is the CPU time of a process so far.
func spent(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var ticks time.Duration
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal(err)
		}
		ticks += time.Duration(n)
	}
	return ticks * 10 * time.Millisecond // USER_HZ is 100 everywhere
}
