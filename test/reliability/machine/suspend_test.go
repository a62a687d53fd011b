//go:build netns

package machine

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// The regular look is an hour away, so that what heals is the kernel's events that
// waited, and the sockets hold.
func TestADaemonThatWasStoppedHealsAtOnceWhatHappenedMeanwhile(t *testing.T) {
	const second, secondMAC = "eth2", "00:16:3e:00:00:02"
	i := newInstance(t)
	i.configure("reconcile: {resync_interval: 1h}")
	d := i.start()
	i.awaitChannels(4)
	for range 2 {
		d.Signal(unix.SIGSTOP)
		world.Await(t, "a process that stands still", func() (bool, any) {
			state := processState(t, d.PID())
			return state == "T", state
		})
		netns.SetChannels(t, device, 1)
		netns.SetChannels(t, device, 3)
		netns.Veth(t, netns.VethPair{Name: "passing", MAC: "00:16:3e:00:00:03"})
		netns.Delete(t, "passing")
		d.Signal(unix.SIGCONT)
		i.awaitChannels(4)
	}
	d.Signal(unix.SIGSTOP)
	netns.Veth(t, netns.VethPair{Name: second, Queues: 8, Channels: 1, MAC: secondMAC})
	i.cloud.PutENI(world.ENI("eni-bp1machine00000002", secondMAC, 2))
	d.Signal(unix.SIGCONT)
	world.Await(t, "channels of the new NIC", func() (bool, any) {
		got := netns.Channels(t, second)
		return got == 2, got
	})
}

// processState is the state of a process in a letter (proc_pid_stat(5)).
func processState(t *testing.T, pid int) string {
	t.Helper()
	_, rest, _ := strings.Cut(read(t, fmt.Sprintf("/proc/%d/stat", pid)), ") ")
	return rest[:1]
}
