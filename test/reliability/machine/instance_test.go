//go:build netns

package machine

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 60 * time.Second

// The instance's NIC and its ENI.
const (
	device = "eth1"
	mac    = "00:16:3e:00:00:01"
	eni    = "eni-bp1machine00000001"
)

// instance is one with a NIC of 8 queues, a cloud at its real addresses, and folders.
type instance struct {
	t     *testing.T
	cloud *ecssim.Cloud
	down  func() // ends the cloud's services
	dir   string
	env   []string
}

// newInstance makes an instance whose ENI was given 4 queues, 1 of which is in use.
func newInstance(t *testing.T) *instance {
	t.Helper()
	netns.Addr(t, "lo", world.MetadataAddress+"/32")
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	dir, err := os.MkdirTemp("", "machine-") // its name leaves room for that of a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	i := &instance{t: t, cloud: world.New(), dir: dir}
	var ca string
	ca, i.down = world.Serve(t, i.cloud, world.MetadataAddress, "127.0.0.1")
	// Of the machine's hundred certificate authorities none is read.
	i.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "SSL_CERT_DIR="+t.TempDir(), "RUNTIME_DIRECTORY="+dir, world.RaceOptions)
	i.configure("")
	netns.Veth(t, netns.VethPair{Name: device, Queues: 8, Channels: 1, MAC: mac})
	i.give(4)
	return i
}

// give sets the queue number of the ENI.
func (i *instance) give(queues int) { i.cloud.PutENI(world.ENI(eni, mac, queues)) }

// asked counts the reads of the instance's ENIs.
func (i *instance) asked() (n int) {
	for _, r := range i.cloud.Requests() {
		if r.Action == "DescribeNetworkInterfaces" {
			n++
		}
	}
	return n
}

// path is a file of the instance's folder.
func (i *instance) path(elem ...string) string {
	return filepath.Join(append([]string{i.dir}, elem...)...)
}

// state is a file of the state folder.
func (i *instance) state(elem ...string) string { return i.path(append([]string{"state"}, elem...)...) }

// configure writes the configuration: what a namespace needs, and more.
func (i *instance) configure(more string) {
	i.t.Helper()
	text := "discovery: {virtual_devices: true}\nstate_dir: " + i.state() + "\nweb: {listen: [\"127.0.0.1:10056\"]}\n" + more
	write(i.t, i.path("config.yaml"), text)
}

// command is one that ends by itself.
func (i *instance) command(args ...string) *exec.Cmd { return i.with(world.PlainKey, args...) }

// daemon is the command that runs the daemon, with the race detector.
func (i *instance) daemon() *exec.Cmd { return i.with(world.BinaryKey, "run") }

func (i *instance) with(key string, args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(key), append([]string{"--config", i.path("config.yaml")}, args...)...)
	cmd.Env = i.env
	return cmd
}

// start starts the daemon and waits until both event sources are up.
func (i *instance) start() *world.Daemon {
	i.t.Helper()
	return world.StartDaemon(i.t, i.daemon())
}

// run runs enitune to its end.
func (i *instance) run(args ...string) world.Result {
	i.t.Helper()
	return world.Finish(i.t, i.command(args...))
}

// report runs a command with -o json and reads its document.
func (i *instance) report(args ...string) (agent.Report, int) {
	i.t.Helper()
	res := i.run(append(args, "-o", "json")...)
	var r agent.Report
	if err := json.Unmarshal([]byte(res.Stdout), &r); err != nil {
		i.t.Fatalf("enitune %v: %v\nstdout: %s\nstderr: %s", args, err, res.Stdout, res.Stderr)
	}
	return r, res.Code
}

// get reads one of the daemon's pages.
func (i *instance) get(path string) (body string, status int, err error) {
	return world.Ask(http.MethodGet, "http://127.0.0.1:10056"+path)
}

// daemonReport is the running daemon's last report.
func (i *instance) daemonReport() agent.Report {
	i.t.Helper()
	body, _, err := i.get("/status")
	var r agent.Report
	if err := errors.Join(err, json.Unmarshal([]byte(body), &r)); err != nil {
		i.t.Fatal(err)
	}
	return r
}

// channels fails the test if the NIC has another number of channels.
func (i *instance) channels(want int) {
	i.t.Helper()
	if got := netns.Channels(i.t, device); got != want {
		i.t.Errorf("%d channels, want %d", got, want)
	}
}

// awaitChannels waits until the NIC has a number of channels.
func (i *instance) awaitChannels(want int) {
	i.t.Helper()
	world.Await(i.t, "channels", func() (bool, any) {
		got := netns.Channels(i.t, device)
		return got == want, got
	})
}

// onDisk is the queue number of the state file; 0 without a file.
func (i *instance) onDisk() int {
	i.t.Helper()
	d, err := agent.StateFile{Path: i.state("state.json")}.Load()
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		i.t.Fatal(err)
	}
	return d.ENIs[0].Values[0].Value
}

// files lists a folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	list := []string{}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

// complaint is the first error of a report by a component, "" if there is none.
func complaint(r agent.Report, c agent.Component) string {
	for _, p := range r.Errors {
		if p.Component == c {
			return p.Message
		}
	}
	return ""
}

// complains fails the test if a report has no error of a component with a text.
func complains(t *testing.T, r agent.Report, c agent.Component, text string) {
	t.Helper()
	if got := complaint(r, c); !strings.Contains(got, text) || text == "" {
		t.Errorf("the report says %q of %s, want %q in it", got, c, text)
	}
}

// queues is what a report says of the NIC's queues.
func queues(r agent.Report) agent.SettingReport { return world.Setting(r, device, nic.Queues) }

// elsewhere runs f on a thread of its own, after prepare has changed what that
// thread passes on to the processes that it starts. The thread ends with f.
func elsewhere(t *testing.T, prepare func() error, f func()) {
	t.Helper()
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // for good: nobody else is to get this thread
		err := prepare()
		defer func() { done <- err }() // also if f ends the test
		if err == nil {
			f()
		}
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// ownMounts gives the calling thread mounts of its own.
func ownMounts() error {
	return unix.Unshare(unix.CLONE_FS | unix.CLONE_NEWNS)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
