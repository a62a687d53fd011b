//go:build netns

package machine

import (
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// limit sets a soft limit of a running process, and gives the one before.
func limit(t *testing.T, pid, resource int, soft uint64) (before uint64) {
	t.Helper()
	var old unix.Rlimit
	if err := unix.Prlimit(pid, resource, nil, &old); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(pid, resource, &unix.Rlimit{Cur: soft, Max: old.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return old.Cur
}

func TestADaemonOutOfDescriptorsGoesOnAndRecovers(t *testing.T) {
	i := newInstance(t)
	d := i.start()
	i.awaitChannels(4)
	before := limit(t, d.PID(), unix.RLIMIT_NOFILE, 3) // not one more
	for n := range 2 {                                 // a third time would be a fight
		netns.SetChannels(t, device, 1+n)
		i.awaitChannels(4)
	}
	i.give(6)
	d.Signal(unix.SIGHUP)
	d.Await("too many open files")
	scraped := make(chan error, 1)
	go func() { // waits for as long as the daemon has no descriptor for it
		_, _, err := i.get("/metrics")
		scraped <- err
	}()
	limit(t, d.PID(), unix.RLIMIT_NOFILE, before)
	world.Await(t, "status", func() (bool, any) {
		_, status, err := i.get("/status")
		return status == 200, err
	})
	if err := <-scraped; err != nil {
		t.Error(err)
	}
	i.run("refresh")
	i.awaitChannels(6)
}

// under is a command that runs under a limit from its start.
func (i *instance) under(resource string, soft uint64, key string, args ...string) *exec.Cmd {
	cmd := i.with(key, args...)
	cmd.Args = append([]string{"sh", "-c", `ulimit -S -` + resource + ` "$1" && shift && exec "$@"`, "sh", strconv.FormatUint(soft, 10)}, cmd.Args...)
	cmd.Path = "/bin/sh"
	return cmd
}

func TestAStartWithFewDescriptorsSetsTheNICsOrSaysWhyNot(t *testing.T) {
	i := newInstance(t)
	set := 0
	for n := uint64(3); n < 14; n++ {
		netns.SetChannels(t, device, 1)
		res := world.Finish(t, i.under("n", n, world.PlainKey, "apply"))
		got := netns.Channels(t, device)
		switch {
		case got == 4 && res.Code == 0:
			set++
		case res.Code == 1 && strings.Contains(res.Stdout+res.Stderr, "too many open files"):
		default:
			t.Errorf("with %d descriptors: exit code %d, %d channels\n%s%s", n, res.Code, got, res.Stdout, res.Stderr)
		}
	}
	if set == 0 {
		t.Error("14 descriptors are too few")
	}
	i.run("apply")
	if n := i.onDisk(); n != 4 {
		t.Errorf("%d queues on disk, want 4", n)
	}
}

// A cgroup that kills does so by SIGKILL, for which there are other tests. Here the
// kernel refuses memory instead.
func TestAProcessWithoutMemoryEndsAndTheNextOneHeals(t *testing.T) {
	i := newInstance(t)
	i.run("apply")
	i.give(5)
	old, died := read(t, i.state("state.json")), 0
	for mib := uint64(60); mib <= 92; mib += 4 { // Go takes 64 MiB at its start, without using them
		netns.SetChannels(t, device, 1)
		write(t, i.state("state.json"), old)
		res := world.Finish(t, i.under("d", mib<<10, world.PlainKey, "apply"))
		if res.Code != 0 {
			died++
		} else if got := netns.Channels(t, device); got != 5 {
			t.Errorf("with %d MiB: %d channels, want 5", mib, got)
		}
		if n := i.onDisk(); n != 4 && n != 5 { // it fails on a broken file
			t.Errorf("with %d MiB: %d queues on disk", mib, n)
		}
		if res := i.run("apply"); res.Code != 0 {
			t.Errorf("the next one, after %d MiB: %+v", mib, res)
		}
		i.channels(5)
	}
	t.Logf("%d died", died)
	if died == 0 {
		t.Error("none ran out of memory")
	}
}

func TestADaemonThatRunsOutOfMemoryIsHealedByTheNextOne(t *testing.T) {
	i := newInstance(t)
	cmd := i.with(world.PlainKey, "run")
	d := world.StartDaemon(t, cmd)
	i.awaitChannels(4)
	limit(t, d.PID(), unix.RLIMIT_DATA, 1)
	i.give(5)
	d.Signal(unix.SIGHUP)
	// Scrapes make garbage until the heap has to grow. It ends, or lives on what it has.
	for range 300 {
		if _, _, err := i.get("/metrics"); err != nil {
			break
		}
	}
	d.Kill()
	if n := i.onDisk(); n != 4 && n != 5 {
		t.Errorf("%d queues on disk", n)
	}
	netns.SetChannels(t, device, 1)
	i.start()
	i.awaitChannels(5)
}
