//go:build netns

package machine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// page is what a tmpfs gives out at a time.
var page = os.Getpagesize()

// mountState puts a small file system where the state folder is.
func (i *instance) mountState(options string) {
	i.t.Helper()
	if err := errors.Join(os.MkdirAll(i.state(), 0o755), unix.Mount("tmpfs", i.state(), "tmpfs", 0, "mode=755,"+options)); err != nil {
		i.t.Fatal(err)
	}
	i.t.Cleanup(func() { _ = unix.Unmount(i.state(), unix.MNT_DETACH) })
}

// fill takes all the room of the state folder but some pages.
func (i *instance) fill(leave int) {
	i.t.Helper()
	file, err := os.Create(i.state("filler"))
	if err != nil {
		i.t.Fatal(err)
	}
	defer file.Close()
	var taken int
	for buf := make([]byte, page); err == nil; {
		var n int
		n, err = file.Write(buf)
		taken += n
	}
	if !errors.Is(err, unix.ENOSPC) {
		i.t.Fatal(err)
	}
	if err := file.Truncate(int64(taken - leave*page)); err != nil {
		i.t.Fatal(err)
	}
}

func (i *instance) makeRoom() {
	i.t.Helper()
	if err := os.Remove(i.state("filler")); err != nil {
		i.t.Fatal(err)
	}
}

func TestADaemonOnAFullDiskSetsTheNICsAndTellsAndWritesWhenThereIsRoom(t *testing.T) {
	i := newInstance(t)
	i.mountState("size=64k")
	i.fill(0)
	d := i.start()
	d.Await("desired state is not kept on disk.*no space left on device")
	i.awaitChannels(4)
	complains(t, i.daemonReport(), agent.ComponentState, "no space left on device")
	if diff := cmp.Diff([]string{"filler"}, files(t, i.state())); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if res := i.run("refresh"); res.Code != 0 {
		t.Errorf("refresh: %+v", res)
	}
	world.Await(t, "a second attempt", func() (bool, any) {
		n := i.asked()
		return n >= 2, n
	})
	i.makeRoom()
	i.run("refresh")
	world.Await(t, "the state on disk", func() (bool, any) { n := i.onDisk(); return n == 4, n })
	world.Await(t, "a report without a complaint", func() (bool, any) {
		c := complaint(i.daemonReport(), agent.ComponentState)
		return c == "", c
	})
	if n := d.Count("no space left on device"); n != 1 {
		t.Errorf("the full disk is told %d times", n)
	}
}

func TestADiskThatGetsFullInTheMiddleOfAWriteKeepsTheOldState(t *testing.T) {
	i := newInstance(t)
	i.mountState("size=256k")
	for n := 2; n < 60; n++ { // so many that the file takes some pages
		i.cloud.PutENI(world.ENI(fmt.Sprintf("%s%d", eni, n), fmt.Sprintf("00:16:3e:00:00:%02x", n), 4))
	}
	i.run("apply")
	old := read(t, i.state("state.json"))
	if len(old) < 2*page {
		t.Fatalf("the state takes %d bytes, too few for this test", len(old))
	}
	i.give(8)
	for room := range 3 {
		i.fill(room)
		r, code := i.report("apply")
		if code != 0 { // the NICs are in line
			t.Errorf("exit code %d, want 0", code)
		}
		complains(t, r, agent.ComponentState, "no space left on device")
		if got := read(t, i.state("state.json")); got != old {
			t.Errorf("with room for %d pages the old state is no longer there", room)
		}
		for _, name := range files(t, i.state()) {
			if strings.HasPrefix(name, ".") {
				t.Errorf("%s is left", name)
			}
		}
		i.channels(8)
		i.makeRoom()
	}
	i.run("apply")
	if n := i.onDisk(); n != 8 {
		t.Errorf("with room enough %d queues are on disk, want 8", n)
	}
}

func TestAStateFolderThatCannotBeUsedKeepsNoNICFromBeingSet(t *testing.T) {
	tests := map[string]struct {
		inject  func(i *instance)
		prepare func() error // on the thread that starts enitune
		want    string
	}{
		"read-only": {func(i *instance) {
			i.mountState("size=64k")
			if err := unix.Mount("", i.state(), "", unix.MS_REMOUNT|unix.MS_RDONLY, "mode=755"); err != nil {
				t.Fatal(err)
			}
		}, nil, "read-only file system"},
		"without inodes": {func(i *instance) {
			i.mountState("size=64k,nr_inodes=2")
			write(t, i.state("filler"), "")
		}, nil, "no space left on device"},
		"a file": {func(i *instance) { write(t, i.state(), "") }, nil, "not a directory"},
		"a link to nowhere": {func(i *instance) {
			if err := os.Symlink(i.path("none"), i.state()); err != nil {
				t.Fatal(err)
			}
		}, nil, "file exists"},
		"not ours": {func(i *instance) {
			if err := os.Mkdir(i.state(), 0); err != nil {
				t.Fatal(err)
			}
		}, likeAnyUser, "permission denied"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			i := newInstance(t)
			tt.inject(i)
			prepare := tt.prepare
			if prepare == nil {
				prepare = func() error { return nil }
			}
			elsewhere(t, prepare, func() {
				r, code := i.report("apply")
				if code != 0 || !r.InSync {
					t.Errorf("apply: exit code %d, in sync %v", code, r.InSync)
				}
				complains(t, r, agent.ComponentState, tt.want)
				i.channels(4)
				netns.SetChannels(t, device, 1)
				d := i.start()
				i.awaitChannels(4)
				world.Await(t, "a complaint", func() (bool, any) {
					c := complaint(i.daemonReport(), agent.ComponentState)
					return strings.Contains(c, tt.want), c
				})
				if code, _ := d.Stop(); code != 0 {
					t.Errorf("the daemon ends with %d", code)
				}
				if res := i.run("plan", "--offline"); res.Code == 0 || res.Stderr+res.Stdout == "" {
					t.Errorf("offline: %+v", res)
				}
			})
		})
	}
}

// likeAnyUser takes the power to pass by the modes of files from the processes that
// the calling thread starts.
func likeAnyUser() error {
	return errors.Join(unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_DAC_OVERRIDE, 0, 0, 0),
		unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_DAC_READ_SEARCH, 0, 0, 0))
}

func TestAMissingStateFolderIsMade(t *testing.T) {
	i := newInstance(t)
	i.configure("")
	if res := i.run("apply"); res.Code != 0 {
		t.Errorf("apply: %+v", res)
	}
	if n := i.onDisk(); n != 4 {
		t.Errorf("%d queues on disk, want 4", n)
	}
}
