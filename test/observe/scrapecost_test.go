//go:build observe

package observe

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/world"
)

// costly are the system calls that ask a NIC, the kernel's netlink or anybody on
// the network. A scrape is to make none of them.
const costly = "ioctl,socket,connect,bind,sendto,sendmsg,sendmmsg,recvfrom,recvmsg,recvmmsg"

// trace is the growing output of strace.
type trace struct {
	t    *testing.T
	file string
}

// calls gives the calls so far whose lines match.
func (tr trace) calls(pattern string) []string {
	tr.t.Helper()
	text, err := os.ReadFile(tr.file)
	if err != nil {
		tr.t.Fatal(err)
	}
	re := regexp.MustCompile(pattern)
	var found []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); re.MatchString(line) {
			found = append(found, line)
		}
	}
	return found
}

// startTraced starts the daemon under strace, which tells of costly calls and of
// connections accepted.
func (i *instance) startTraced() trace {
	i.t.Helper()
	tr := trace{i.t, filepath.Join(i.dir, "trace")}
	cmd := exec.Command(tool(i.t, "strace"), "-f", "-qq", "-o", tr.file, "-e", "trace=accept4,"+costly,
		os.Getenv(world.PlainKey), "--config", i.configFile(), "run")
	cmd.Env = i.env
	i.ns.Do(func() { i.daemon = world.StartDaemon(i.t, cmd) })
	i.t.Cleanup(i.killTraced)
	return tr
}

// killTraced ends strace and the daemon below it.
func (i *instance) killTraced() {
	children, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", i.daemon.PID()))
	if err != nil {
		return // it is gone
	}
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		if err != nil {
			i.t.Fatal(err)
		}
		_ = unix.Kill(pid, unix.SIGKILL)
	}
	i.daemon.Kill()
}

// Lines of the trace. A call that another thread interrupts has a second line, which
// begins with <... and ends with what the call returned.
const (
	costlyLine   = `^\d+ +(ioctl|socket|connect|bind|send\w+|recv\w+)\(`
	acceptedLine = `accept4.* = \d+$`
)

func TestAScrapeCostsNoCallToTheKernelOrTheCloud(t *testing.T) {
	const scrapes = 100
	i := newInstance(t, 1, "cost")
	i.configureWith("1h", "")
	tr := i.startTraced()
	i.daemon.Await("eth1 queues: 1 -> 4")
	i.settle(tr)

	before, accepted, asked := len(tr.calls(costlyLine)), len(tr.calls(acceptedLine)), len(i.cloud.Requests())
	for n := range scrapes {
		i.get("/metrics", []string{"", acceptOpenMetrics, acceptProtobuf}[n%3])
	}
	world.Await(t, "strace has told of each connection", func() (bool, string) {
		n := len(tr.calls(acceptedLine)) - accepted
		return n >= scrapes, fmt.Sprint(n)
	})
	if calls := tr.calls(costlyLine); len(calls) != before {
		t.Errorf("%d scrapes made %d calls:\n%s", scrapes, len(calls)-before, strings.Join(calls[before:], "\n"))
	}
	if n := len(i.cloud.Requests()) - asked; n != 0 {
		t.Errorf("%d scrapes made %d requests to the cloud", scrapes, n)
	}

	// The same trace tells when the daemon does look.
	i.refresh()
	if n := len(i.cloud.Requests()) - asked; n == 0 {
		t.Error("a refresh made no request to the cloud")
	}
	world.Await(t, "a refresh makes calls that strace tells", func() (bool, string) {
		more := strings.Join(tr.calls(costlyLine)[before:], "\n")
		return strings.Contains(more, "ioctl(") && strings.Contains(more, "AF_NETLINK"), more
	})
	if len(tr.calls(`connect\(.*AF_INET`)) == 0 {
		t.Error("strace did not tell of the connection to the cloud at the start")
	}
}

// settle waits until the daemon has made no costly call in ten looks at the trace:
// what its own work at the start makes it do is no scrape's.
func (i *instance) settle(tr trace) {
	i.t.Helper()
	last, same := -1, 0
	world.Await(i.t, "the daemon is at rest", func() (bool, string) {
		now := len(tr.calls(costlyLine))
		if same++; now != last {
			last, same = now, 0
		}
		return same >= 10, fmt.Sprint(now)
	})
}
