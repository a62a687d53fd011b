//go:build observe

package observe

import (
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
)

// scenario is an instance to which something happens.
type scenario struct {
	name   string
	alerts []string // those that fire, and no others
	config string   // beside what each instance has
	// begin starts what is scraped; nil is the daemon.
	begin func(*instance)
	// blank tells that there is no report before the cure.
	blank bool
	// textfile tells that node_exporter is scraped, and no daemon.
	textfile bool
	// inject makes the fault; cure ends it as an operator would.
	inject, cure func(*instance)
	// passes tells that the fault ends by itself: it is made again until its alert
	// fires, as a slow machine stretches it beyond the alert's range.
	passes bool

	instance *instance
}

// target is what Prometheus scrapes, and the label instance of the alerts.
func (s *scenario) target() string {
	if s.textfile {
		return s.instance.nodeTarget()
	}
	return s.instance.target()
}

// scenarios are the faults, one instance each.
func scenarios(t *testing.T) []*scenario {
	return append(append(settingScenarios(t), cloudScenarios()...), agentScenarios(t)...)
}

// inSync starts the daemon on a NIC that needs no change.
func inSync(i *instance) {
	i.setChannels(4)
	i.start()
}

// settingScenarios are what can be wrong with a setting.
func settingScenarios(t *testing.T) []*scenario {
	return []*scenario{
		{
			name: "drift", alerts: []string{"EnituneDrift"}, begin: inSync,
			inject: func(i *instance) {
				i.configure("nics: [{match: {device: eth1}, queues: 16}]\n") // of 8
				i.run([]int{0}, "reload")
			},
			cure: func(i *instance) { i.configure(""); i.run([]int{0}, "reload"); i.setChannels(4) },
		},
		{
			name: "observed", alerts: []string{"EnituneDriftObserved"}, config: "  mode: observe\n", begin: inSync,
			inject: func(i *instance) { i.setChannels(2); i.ns.Do(func() { netns.SetChannels(t, "eth0", 2) }) },
			cure:   func(i *instance) { i.setChannels(4); i.ns.Do(func() { netns.SetChannels(t, "eth0", 4) }) },
		},
		{
			name: "contested", alerts: []string{"EnituneContested"},
			inject: contest,
			cure:   func(i *instance) { i.setChannels(4) }, // the rival is taught better
		},
		{
			// As when queues and rings are changed: the budget ends before it is seen as a fight.
			name: "held", alerts: []string{"EnituneContested"}, config: "  change_budget: {burst: 1}\n", begin: inSync,
			inject: exhaust,
			cure:   func(i *instance) { i.setChannels(4); i.ns.Do(func() { netns.SetChannels(t, "eth0", 4) }) },
		},
		{
			name: "above", alerts: []string{"EnituneAboveDesired"},
			inject: func(i *instance) { i.giveQueues(2); i.refresh() },
			cure:   func(i *instance) { i.configure("  shrink: true\n"); i.run([]int{0}, "reload") },
		},
		{
			name: "restart", alerts: []string{"EnituneRestartNeeded"},
			inject: func(i *instance) { i.giveQueues(16); i.refresh() },
			cure:   func(i *instance) { i.unplug(); i.plug(16, 16) }, // detached and attached
		},
		{
			// As with the drop-in observe-only.conf: the kernel refuses its writes.
			name: "refused", alerts: []string{"EnituneKernelRefused"},
			begin:  func(i *instance) { i.setChannels(4); i.startAs(withoutCapability(t, i)) },
			inject: func(i *instance) { i.setChannels(1); i.ns.Do(func() { netns.SetChannels(t, "eth0", 1) }) },
			cure:   func(i *instance) { i.daemon.Stop(); i.start() },
		},
		{
			name: "foreign", alerts: []string{"EnituneForeignChanges"}, config: "  mode: observe\n", begin: inSync,
			inject: changeBackAndForth, passes: true,
			cure: func(*instance) {}, // whoever it was has come to an end
		},
		{
			name: "missing", alerts: []string{"EnituneNICMissing"},
			inject: func(i *instance) { i.unplug() },
			cure:   func(i *instance) { i.plug(8, 4) },
		},
		{
			name: "twins", alerts: []string{"EnituneUndetermined"},
			inject: func(i *instance) {
				i.ns.Do(func() { netns.Veth(t, netns.VethPair{Name: "eth2", Peer: "twin", MAC: i.mac(1)}) })
			},
			cure: func(i *instance) { i.ns.Do(func() { netns.Delete(t, "eth2") }) },
		},
	}
}

// cloudScenarios are what can be wrong with the cloud.
func cloudScenarios() []*scenario {
	return []*scenario{
		{
			name: "denied", alerts: []string{"EnituneAPIDenied", "EnituneDesiredStale"}, // the second after hours
			inject: func(i *instance) { i.cloud.Deny("DescribeNetworkInterfaces"); i.refresh() },
			cure:   func(i *instance) { i.cloud.Deny(); i.refresh() },
		},
		{
			name: "invalid", alerts: []string{"EnituneAPIInvalid"},
			inject: func(i *instance) { i.tag("enitune:rx-queue-size", "many"); i.refresh() },
			cure:   func(i *instance) { i.giveQueues(4); i.refresh() },
		},
		{
			name: "dark", alerts: []string{"EnituneDesiredStale"},
			inject: func(i *instance) {
				i.cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, Drop: true},
					ecssim.Fault{Target: ecssim.TargetMetadata, Drop: true}, ecssim.Fault{Target: ecssim.TargetToken, Drop: true})
				i.refresh()
			},
			cure: func(i *instance) { i.cloud.ClearFaults(); i.refresh() },
		},
	}
}

// agentScenarios are what can be wrong with the agent.
func agentScenarios(t *testing.T) []*scenario {
	return []*scenario{
		{
			name: "down", alerts: []string{"EnituneDown"},
			inject: func(i *instance) { i.daemon.Kill() },
			cure:   func(i *instance) { i.start() },
		},
		{
			name: "restarting", alerts: []string{"EnituneRestarting"},
			inject: restart, passes: true,
			cure: func(*instance) {}, // it stays up
		},
		{
			name: "stuck", alerts: []string{"EnituneNotReady"}, blank: true,
			// It knows what to look for from the run before.
			begin:  func(i *instance) { i.run([]int{0}, "apply"); i.launchStuck() },
			inject: func(*instance) {},
			cure:   func(i *instance) { i.daemon.Kill(); i.start() },
		},
		{
			name: "config", alerts: []string{"EnituneConfigRefused"},
			inject: func(i *instance) { i.configure("  mode: maybe\n"); i.run([]int{1}, "reload") },
			cure:   func(i *instance) { i.configure(""); i.run([]int{0}, "reload") },
		},
		{
			name: "disk", alerts: []string{"EnituneStateFault"},
			inject: func(i *instance) { i.breakStateDir(); i.refresh() },
			cure:   func(i *instance) { i.mendStateDir(); i.refresh() },
		},
		{
			// A setting drifts, and then the timer of apply --textfile stops.
			name: "textfile", alerts: []string{"EnituneReportOld", "EnituneDriftObserved"}, textfile: true, config: "  mode: observe\n",
			begin:  func(i *instance) { i.setChannels(4); i.startNodeExporter(); i.applyToTextfile() },
			inject: func(i *instance) { i.setChannels(2); i.applyToTextfile() },
			cure:   func(i *instance) { i.setChannels(4); i.startTextfileTimer() },
		},
	}
}

// notRaised are the alerts that no scenario raises, with why.
func notRaised() map[string]string {
	return map[string]string{
		"EnituneAbsent":          "raised at the end, when the whole fleet is down",
		"EnituneFleetDown":       "raised at the end, too",
		"EnituneFleetDrift":      "raised by the scenarios together",
		"EnituneEventSourceDown": "nothing in a namespace ends a netlink socket; promtool tests the rule",
	}
}
