//go:build netns

package machine

import (
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// killsKey is the environment variable that says how many kills a test makes.
const killsKey = "ENITUNE_KILLS"

// killsWanted is that number, or the one of an ordinary run.
func killsWanted(t *testing.T, ordinary int) int {
	t.Helper()
	text := os.Getenv(killsKey)
	if text == "" {
		return ordinary
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", killsKey, err)
	}
	return n
}

// victim is an instance whose agent gets killed: its ENI's queue number is 2 on disk
// and 4 in the cloud, and another NIC drifts for good, so that each run writes the
// state, the times of drift, a textfile, and a NIC.
type victim struct {
	*instance
	before, after contents // what the files hold before and after a whole run
}

// contents are what the agent's files hold.
type contents struct{ state, textfile string }

const driftingDevice = "eth2"

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{instance: newInstance(t)}
	netns.Veth(t, netns.VethPair{Name: driftingDevice, Queues: 8, MAC: "00:16:3e:00:00:02"})
	v.cloud.PutENI(world.ENI("eni-bp1machine00000002", "00:16:3e:00:00:02", 16))
	if err := os.Mkdir(v.state(), 0o755); err != nil {
		t.Fatal(err)
	}
	v.give(2)
	v.whole(2)
	v.before = v.files()
	v.give(4)
	v.whole(4)
	v.after = v.files()
	return v
}

func (v *victim) apply() []string { return []string{"apply", "--textfile", v.state("enitune.prom")} }

func (v *victim) files() contents {
	v.t.Helper()
	return contents{read(v.t, v.state("state.json")), read(v.t, v.state("enitune.prom"))}
}

// whole runs the agent to its end, and checks what it leaves.
func (v *victim) whole(want int) {
	v.t.Helper()
	if res := v.run(v.apply()...); res.Code != 2 { // the drift that lasts
		v.t.Fatalf("apply: %+v", res)
	}
	v.channels(want)
	if got := v.onDisk(); got != want {
		v.t.Errorf("%d queues on disk, want %d", got, want)
	}
	if diff := cmp.Diff([]string{"drift.json", "enitune.prom", "state.json"}, files(v.t, v.state())); diff != "" {
		v.t.Errorf("files (-want +got):\n%s", diff)
	}
}

// rewind makes it all as it was before the run that is killed.
func (v *victim) rewind() {
	v.t.Helper()
	write(v.t, v.state("state.json"), v.before.state)
	write(v.t, v.state("enitune.prom"), v.before.textfile)
	for _, name := range []string{"drift.json", "starts.json"} { // after many starts the daemon waits before it reads the cloud
		if err := os.Remove(v.state(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			v.t.Fatal(err)
		}
	}
	netns.SetChannels(v.t, device, 1)
}

// autopsy looks at what a kill has left: each file as it was, or as a whole run
// writes it.
func (v *victim) autopsy(when any) {
	v.t.Helper()
	if state := read(v.t, v.state("state.json")); state != v.before.state {
		if got := v.onDisk(); got != 4 { // it fails on a broken file
			v.t.Errorf("killed at %v: %d queues on disk", when, got)
		}
	}
	text := read(v.t, v.state("enitune.prom"))
	if text != v.before.textfile && last(text) != last(v.after.textfile) {
		v.t.Errorf("killed at %v: the textfile is broken:\n%s", when, text)
	}
	drift, err := os.ReadFile(v.state("drift.json"))
	if err == nil && len(agent.SinceFile{Path: v.state("drift.json")}.Load(time.Now())) != 1 {
		v.t.Errorf("killed at %v: the times of drift are broken: %s", when, drift)
	}
	if got := netns.Channels(v.t, device); got != 1 && got != 2 && got != 4 {
		v.t.Errorf("killed at %v: the NIC has %d channels", when, got)
	}
}

// last is the name of the last metric of an exposition, which is sorted by name; ""
// if it is not whole.
func last(text string) string {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || !strings.HasSuffix(text, "\n") {
		return ""
	}
	return slices.Max(slices.Collect(maps.Keys(families)))
}

// changing tells whether a system call can change a file, a NIC or what the cloud
// gets to see. One that makes a file is followed by one of these.
func changing(number uint64) bool {
	switch number {
	case unix.SYS_WRITE, unix.SYS_FCHMOD, unix.SYS_FLOCK, unix.SYS_FSYNC, unix.SYS_RENAMEAT, unix.SYS_UNLINKAT, unix.SYS_MKDIRAT, unix.SYS_IOCTL:
		return true
	}
	return false
}

// acting tells whether a system call does anything but wait.
func acting(number uint64) bool {
	switch number {
	case unix.SYS_NANOSLEEP, unix.SYS_FUTEX, unix.SYS_EPOLL_PWAIT:
		return false
	}
	return true
}

// A run makes some five hundred system calls that do not only wait, of which fifty
// change something. An ordinary test kills before each of those, ENITUNE_KILLS has it kill
// before all five hundred.
func TestAKillAtEachStepOfApplyLeavesWholeFilesAndANICThatTheNextRunHeals(t *testing.T) {
	v := newVictim(t)
	count := changing
	if os.Getenv(killsKey) != "" {
		count = acting
	}
	n := 1
	for ; ; n++ {
		v.rewind()
		if runKilledAt(t, v.command(v.apply()...), n, count, patience) < n {
			break // it has ended by itself
		}
		v.autopsy(n)
		v.whole(4)
		if t.Failed() {
			return
		}
	}
	if n < 30 {
		t.Errorf("only %d kills", n-1)
	}
	t.Logf("%d kills", n-1)
}

func TestKillsOfTheDaemonAtAnyTimeLeaveWholeFilesAndANICThatTheNextStartHeals(t *testing.T) {
	v := newVictim(t)
	random := rand.New(rand.NewPCG(1, 2))
	// A start makes about so many of the system calls that change something, and then
	// comes to rest.
	const calls, rest = 100, time.Second
	kills, written, rested := killsWanted(t, 40), 0, 0
	for n := range kills {
		v.rewind()
		at := 1 + random.IntN(calls)
		if made := runKilledAt(t, v.with(world.PlainKey, "run"), at, changing, rest); made < at {
			rested++
		}
		v.autopsy(n)
		if t.Failed() {
			return
		}
		if v.onDisk() == 4 {
			written++
		}
	}
	t.Logf("%d kills, %d of them after the state was written, %d at rest", kills, written, rested)
	netns.SetChannels(t, device, 1)
	v.start()
	v.awaitChannels(4)
	world.Await(t, "no litter", func() (bool, any) {
		list := files(t, v.state())
		return cmp.Equal(list, []string{"drift.json", "enitune.prom", "starts.json", "state.json"}), list
	})
	if _, status, err := v.get("/status"); status != 200 || err != nil {
		t.Errorf("status %d, %v", status, err)
	}
}
