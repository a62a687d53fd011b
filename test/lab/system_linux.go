package lab

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// agentUnit runs the harness's program in a guest with a disk. It starts as soon as there is a service manager and stays to
// the very end, so that a boot or a shutdown that goes wrong can be looked into.
const agentUnit = `[Unit]
Description=The test harness's agent
DefaultDependencies=no
IgnoreOnIsolate=yes

[Service]
ExecStart=` + wire.ServicePath + `
Restart=on-failure
TasksMax=infinity
`

// networksDir is where systemd-networkd finds what the harness writes. It is in memory: each boot has its own NICs.
const networksDir = "/run/systemd/network"

// addService adds what a guest with a disk has of the harness: its program as a service, its networks, its host names.
func addService(a *archive, guestinit string, o Options, config []byte) error {
	if err := addFile(a, wire.DiskTree+wire.ServicePath, guestinit); err != nil {
		return err
	}
	a.file(wire.DiskTree+wire.ServiceConfigPath, 0o644, config)
	const units = wire.DiskTree + "/run/systemd/system/"
	a.file(units+"lab-agent.service", 0o644, []byte(agentUnit))
	a.symlink(units+"sysinit.target.wants/lab-agent.service", "../lab-agent.service")
	for _, n := range o.NICs {
		if n.GuestAddr != "" {
			a.file(wire.DiskTree+n.networkFile(), 0o644, []byte(n.network()))
		}
	}
	if len(o.Hosts) > 0 {
		a.file(wire.DiskTree+"/etc/hosts", 0o644, hostsFile(o.Hosts))
	}
	return nil
}

// hostsFile is the /etc/hosts of a guest with a disk.
func hostsFile(addresses map[string]string) []byte {
	var b strings.Builder
	b.WriteString("127.0.0.1\tlocalhost\n127.0.1.1\tlab\n")
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		fmt.Fprintf(&b, "%s\t%s\n", addresses[name], name)
	}
	return []byte(b.String())
}

func (n NIC) networkFile() string { return networksDir + "/" + n.ID + ".network" }

// network is what systemd-networkd is told of n.
func (n NIC) network() string {
	var b strings.Builder
	fmt.Fprintf(&b, "[Match]\nMACAddress=%s\n\n[Network]\nAddress=%s\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n", n.MAC, n.GuestAddr)
	for _, prefix := range n.guest().Routes {
		fmt.Fprintf(&b, "\n[Route]\nDestination=%s\nScope=link\n", prefix)
	}
	return b.String()
}

// bare is n for an agent that is only to wait for it.
func (n NIC) bare() wire.NIC { return wire.NIC{MAC: n.MAC} }

// findDevices waits for the NICs in a guest with a disk, whose drivers may be loaded late, and notes their names.
func (g *Guest) findDevices(ctx context.Context, nics []NIC) error {
	for _, n := range nics {
		if err := g.setupNIC(ctx, n.ID, n.bare()); err != nil {
			return err
		}
	}
	return nil
}

// announce tells a guest's systemd-networkd of a NIC that is about to be plugged in.
func (g *Guest) announce(ctx context.Context, n NIC) error {
	if n.GuestAddr == "" {
		return nil
	}
	if err := g.WriteFile(ctx, n.networkFile(), []byte(n.network()), 0o644); err != nil {
		return err
	}
	if r := g.Run(ctx, "networkctl", "reload"); r.Code != 0 {
		return fmt.Errorf("networkctl reload: %+v", r)
	}
	return nil
}

// journalTimeout bounds how long a failed test's guest is asked for its journal.
const journalTimeout = 30 * time.Second

// logJournal writes the end of the journal of a guest with a disk to the log of a test, if the guest still answers.
func (g *Guest) logJournal(t testing.TB) {
	if g.disk == nil {
		return
	}
	// The test's own context has ended.
	ctx, cancel := context.WithTimeout(context.Background(), journalTimeout)
	defer cancel()
	if r := g.Run(ctx, "journalctl", "--no-pager", "-o", "short-monotonic", "-b", "-n", journalLines()); r.Code == 0 {
		t.Logf("journal of the guest:\n%s", r.Stdout)
	}
}

// journalLines is how much of its journal a failed guest shows; ENITUNE_LAB_JOURNAL=all shows everything.
func journalLines() string {
	if n := os.Getenv("ENITUNE_LAB_JOURNAL"); n != "" {
		return n
	}
	return "200"
}
