//go:build lab

package scenarios

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/lab"
	"github.com/enitune/enitune/test/world"
)

const (
	mac0      = "00:16:3e:10:00:00"
	mac1      = "00:16:3e:10:00:01"
	guestAddr = "10.99.0.2"
	statePath = "/var/lib/enitune/state.json"
	serial    = "5e1f0a0e-77f4-4a31-9a52-000000000001"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 2 * time.Minute

// kernels are Debian's cloud kernels that the lab boots.
func kernels() []string { return []string{"6.1", "6.12"} }

// eachKernel runs f with each kernel.
func eachKernel(t *testing.T, f func(t *testing.T, kernel string)) {
	for _, k := range kernels() {
		t.Run(k, func(t *testing.T) { f(t, k) })
	}
}

// instance is a guest with a cloud.
type instance struct {
	t     *testing.T
	cloud *ecssim.Cloud
	down  func()
	guest *lab.Guest
}

// options say how an instance differs from the usual one: 4 CPUs and one NIC
// with 4 queue pairs.
type options struct {
	kernel string
	nic    lab.NIC
	serial string
	dark   bool // the cloud is not there

	more     []lab.NIC // beside nic
	memoryMB int
	drives   []*lab.Drive
	config   string // of the agent; "" leaves the defaults
}

// primary is the NIC over which a guest reaches the cloud.
func primary() lab.NIC {
	return lab.NIC{ID: "n0", MAC: mac0, Queues: 4, HostAddrs: []string{world.MetadataAddress + "/32", "10.99.0.1/24"}, GuestAddr: guestAddr + "/24"}
}

// boot starts a guest with enitune installed and configured by default.
func boot(t *testing.T, o options, enis ...ecssim.ENI) *instance {
	t.Helper()
	if o.nic.ID == "" {
		o.nic = primary()
	}
	if o.serial == "" {
		o.serial = serial
	}
	i := &instance{t: t, cloud: world.New(), down: func() {}}
	for _, e := range enis {
		i.cloud.PutENI(e)
	}
	files := map[string]string{"/usr/bin/enitune": os.Getenv(world.BinaryKey), "/usr/bin/guesttool": os.Getenv(toolKey)}
	i.guest = lab.Boot(t, lab.Options{
		Kernel: o.kernel, CPUs: 4, MemoryMB: o.memoryMB, Serial: o.serial, Files: files, Drives: o.drives,
		NICs:  append([]lab.NIC{o.nic}, o.more...),
		Hosts: map[string]string{world.ECSHost: world.MetadataAddress},
		Env:   []string{"SSL_CERT_FILE=/etc/ca.pem", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"},
	})
	if o.config != "" {
		i.write("/etc/enitune/config.yaml", o.config)
	}
	if !o.dark {
		var ca string
		ca, i.down = world.Serve(t, i.cloud, world.MetadataAddress, world.MetadataAddress)
		pem, err := os.ReadFile(ca)
		if err != nil {
			t.Fatal(err)
		}
		i.write("/etc/ca.pem", string(pem))
	}
	return i
}

// run runs a command that must end with code 0.
func (i *instance) run(argv ...string) string {
	i.t.Helper()
	res := i.guest.Run(i.t.Context(), argv...)
	if res.Code != 0 {
		i.t.Fatalf("%q ended with %+v", argv, res)
	}
	return res.Stdout
}

// write writes a file in the guest.
func (i *instance) write(path, content string) {
	i.t.Helper()
	if err := i.guest.WriteFile(i.t.Context(), path, []byte(content), 0o644); err != nil {
		i.t.Fatal(err)
	}
}

// report runs an enitune command and reads its document.
func (i *instance) report(args ...string) (agent.Report, int) {
	i.t.Helper()
	res := i.guest.Run(i.t.Context(), append([]string{"enitune", "-o", "json"}, args...)...)
	var r agent.Report
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		i.t.Fatalf("enitune %v: %v in %+v", args, err, res)
	}
	return r, res.Code
}

// combined and rxRing read a NIC with the real ethtool: the value in force.
func (i *instance) combined(device string) int { return i.current("-l", device, "Combined:") }
func (i *instance) rxRing(device string) int   { return i.current("-g", device, "RX:") }

func (i *instance) current(flag, device, row string) int {
	i.t.Helper()
	_, current, _ := strings.Cut(i.run("ethtool", flag, device), "Current hardware settings:")
	m := regexp.MustCompile(`(?m)^` + row + `\s+(\d+)`).FindStringSubmatch(current)
	if m == nil {
		i.t.Fatalf("no %s in %q", row, current)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		i.t.Fatal(err)
	}
	return n
}

// rxQueuesInSysfs counts the receive queues that sysfs shows.
func (i *instance) rxQueuesInSysfs(device string) int {
	i.t.Helper()
	return strings.Count(i.run("ls", "/sys/class/net/"+device+"/queues"), "rx-")
}

// interruptsOf counts the input interrupts that the virtio device of a NIC has.
func (i *instance) interruptsOf(device string) int {
	i.t.Helper()
	parent := strings.TrimSpace(i.run("basename", strings.TrimSpace(i.run("readlink", "/sys/class/net/"+device+"/device"))))
	return len(regexp.MustCompile(parent+`-input\.\d+`).FindAllString(i.run("cat", "/proc/interrupts"), -1))
}

// daemon is `enitune run` in a guest.
type daemon struct {
	*lab.Proc
	i *instance
}

// start starts the daemon and waits until both event sources are up and the
// desired state is read.
func (i *instance) start() daemon {
	i.t.Helper()
	i.run("mkdir", "-p", "/run/enitune")
	d := daemon{i.guest.Start(i.t.Context(), nil, "enitune", "run"), i}
	for range 3 {
		d.await("event source is up|desired state.*origin=api")
	}
	return d
}

// await waits for a log line.
func (d daemon) await(pattern string) {
	d.i.t.Helper()
	ctx, cancel := context.WithTimeout(d.i.t.Context(), patience)
	defer cancel()
	if _, err := d.WaitLine(ctx, regexp.MustCompile(pattern)); err != nil {
		d.i.t.Fatal(err)
	}
}

// metrics reads the daemon's exposition over the guest's network.
func (d daemon) metrics() string {
	d.i.t.Helper()
	ctx, cancel := context.WithTimeout(d.i.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+guestAddr+":10056/metrics", nil)
	if err != nil {
		d.i.t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		d.i.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.i.t.Fatal(err)
	}
	return string(body)
}

// sum adds up the samples of the series whose name and labels begin with a text.
func (d daemon) sum(series string) float64 {
	d.i.t.Helper()
	sum := 0.0
	for line := range strings.Lines(d.metrics()) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(name, series) {
			v, err := strconv.ParseFloat(value, 64)
			if err != nil {
				d.i.t.Fatalf("%q: %v", line, err)
			}
			sum += v
		}
	}
	return sum
}

// signal sends the daemon a signal.
func (d daemon) signal(s syscall.Signal) {
	d.i.t.Helper()
	if err := d.Signal(d.i.t.Context(), s); err != nil {
		d.i.t.Fatal(err)
	}
}

// has tells whether the exposition has a line.
func (d daemon) has(line string) bool {
	d.i.t.Helper()
	return strings.Contains("\n"+d.metrics(), "\n"+line+"\n")
}
