//go:build observe

package observe

import (
	"fmt"
	"os"
	"os/exec"
	"testing"

	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// contest has a rival change eth1 back until the daemon gives way.
func contest(i *instance) {
	i.daemon.Await("eth1 queues: 1 -> 4")
	for range 2 {
		i.setChannels(1)
		i.daemon.Await("eth1 queues: 1 -> 4")
	}
	i.setChannels(2)
	i.daemon.Await("another program keeps changing it back")
}

// exhaust has a rival change both NICs until their budgets are spent.
func exhaust(i *instance) {
	for _, device := range []string{"eth0", "eth1"} {
		i.ns.Do(func() { netns.SetChannels(i.t, device, 1) })
		i.daemon.Await(device + " queues: 1 -> 4")
		i.ns.Do(func() { netns.SetChannels(i.t, device, 2) })
		i.daemon.Await("change_budget is spent")
	}
}

// changeBackAndForth changes eth1 six times, and leaves it as it should be.
func changeBackAndForth(i *instance) {
	series := fmt.Sprintf(`enitune_foreign_changes_total{device="eth1",eni=%q,setting="queues"}`, i.eni())
	for n := range 6 {
		before := i.metric(series)
		i.setChannels(3 + n%2)
		world.Await(i.t, "the daemon sees the change", func() (bool, string) {
			got := i.metric(series)
			return got != before, got
		})
	}
}

// restart starts the daemon anew five times, each of which Prometheus sees.
func restart(i *instance) {
	for range 5 {
		started := i.prom.query(i.startTime())
		i.daemon.Stop()
		i.start()
		world.Await(i.t, "the restart is scraped", func() (bool, string) {
			v := i.prom.query(i.startTime())
			return len(v) == 1 && v[0].Value != started[0].Value, v.String()
		})
	}
}

func (i *instance) startTime() string {
	return fmt.Sprintf("process_start_time_seconds{instance=%q}", i.target())
}

// tag gives the ENI of eth1 a tag.
func (i *instance) tag(key, value string) {
	i.t.Helper()
	e, err := i.cloud.ENI(i.eni())
	if err != nil {
		i.t.Fatal(err)
	}
	e.Tags = map[string]string{key: value}
	i.cloud.PutENI(e)
}

// withoutCapability is the daemon without the capability to change NICs.
func withoutCapability(t *testing.T, i *instance) *exec.Cmd {
	t.Helper()
	run := i.command("run")
	cmd := exec.Command(tool(t, "setpriv"), append([]string{"--bounding-set", "-net_admin", "--inh-caps", "-net_admin"}, run.Args...)...)
	cmd.Env = run.Env
	return cmd
}

// launchStuck starts a daemon whose first call to a NIC's driver does not come
// back.
func (i *instance) launchStuck() {
	i.t.Helper()
	cmd := i.command("run")
	i.ns.Do(func() {
		faults.Under(i.t, cmd).On(faults.Match{Op: faults.GetChannels}, faults.Hang(nil))
		i.daemon = world.LaunchDaemon(i.t, cmd)
	})
}

// breakStateDir puts a file where the folder of the state is, which stops even
// root, unlike a mode.
func (i *instance) breakStateDir() {
	i.t.Helper()
	if err := os.Rename(i.stateDir(), i.stateDir()+".away"); err != nil {
		i.t.Fatal(err)
	}
	if err := os.WriteFile(i.stateDir(), nil, 0o600); err != nil {
		i.t.Fatal(err)
	}
}

func (i *instance) mendStateDir() {
	i.t.Helper()
	if err := os.Remove(i.stateDir()); err != nil {
		i.t.Fatal(err)
	}
	if err := os.Rename(i.stateDir()+".away", i.stateDir()); err != nil {
		i.t.Fatal(err)
	}
}
