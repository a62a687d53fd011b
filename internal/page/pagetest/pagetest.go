// Package pagetest has reports in every state that the page shows, for its tests.
package pagetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// Now is the time of all reports.
func Now() time.Time { return time.Date(2026, 3, 14, 9, 26, 53, 0, time.UTC) }

// State is a report with its name.
type State struct {
	Name   string
	Known  bool // false: there is no report yet
	Report agent.Report
}

// States are a report for each thing that the page can have to show.
func States() []State {
	var list []State
	add := func(name string, changes ...func(*agent.Report)) {
		r := InSync(2)
		for _, change := range changes {
			change(&r)
		}
		list = append(list, State{name, true, r})
	}
	list = append(list, State{Name: "no report"})
	add("in sync")
	add("no NICs", func(r *agent.Report) { r.NICs = nil })
	for _, c := range Drifts() {
		add("drift "+c.Name, func(r *agent.Report) { c.Apply(r, 1, 0) })
	}
	add("stale", stale)
	add("old report", func(r *agent.Report) { r.Time = Now().Add(-2 * time.Hour) })
	add("API down", stale, problem(agent.ComponentAPI, "network", "ecs: DescribeNetworkInterfaces: dial tcp: lookup ecs-vpc.cn-hangzhou.aliyuncs.com: no such host"))
	add("API denied", stale, denied)
	add("API denied and nothing known", denied, undetermined)
	add("metadata down", problem(agent.ComponentMetadata, "network", "metadata: no answer from http://100.100.100.200"), undetermined)
	add("kernel fails", problem(agent.ComponentKernel, "denied", "list NICs: operation not permitted"), undetermined, func(r *agent.Report) { r.NICs = nil })
	add("config refused", problem(agent.ComponentConfig, "other", "/etc/enitune/config.yaml:12:3: nics[0].queue: unknown key; did you mean queues?"),
		problem(agent.ComponentConfig, "other", "/etc/enitune/config.yaml:19:9: web.listen: must be a list"))
	add("a tag that cannot be used", problem(agent.ComponentAPI, "invalid", "ENI eni-bp1f8wdg9q3t6p1mke01: tag enitune:rx-queue-size: \"1000\" is no power of two"))
	add("state file unusable", problem(agent.ComponentState, "unusable", "/var/lib/enitune/state.json: of another instance (i-bp1other); ignored"))
	add("duplicate addresses", duplicates)
	add("no ENI", func(r *agent.Report) { noENI(r, 1) })
	add("not all settings", notAllSettings)
	add("unreadable", unreadable)
	add("ENIs without a NIC", unmatched)
	add("old kernel", func(r *agent.Report) { event(r, "unsupported", "the kernel has no ethtool netlink family") })
	add("event source down", func(r *agent.Report) { event(r, "other", "receive: connection reset") })
	add("only rules", func(r *agent.Report) {
		r.Desired = agent.Origin{Origin: agent.OriginNone}
		r.Instance = agent.Instance{}
	})
	add("changes", changes)
	list = append(list, State{"hostile", true, Hostile()}, State{"long names", true, long()}, State{"example", true, Example()},
		State{"1 NIC", true, InSync(1)}, State{"8 NICs", true, InSync(8)}, State{"64 NICs", true, InSync(64)}, State{"64 NICs drift", true, AllDrift(64)})
	return list
}

// InSync is a report of as many NICs, all as they are wanted.
func InSync(nics int) agent.Report {
	now := Now()
	seen := now.Add(-4 * time.Second)
	up := func(source string, at time.Time) agent.SourceHealth {
		return agent.SourceHealth{Source: source, Up: true, LastAttempt: at, LastSuccess: at}
	}
	r := agent.Report{
		Version: 1, Time: seen, InSync: true, Determined: true,
		Instance: agent.Instance{ID: "i-bp15spo63nptrmq5lsc7", Region: "cn-hangzhou", Type: "ecs.g8i.2xlarge"},
		Desired:  agent.Origin{Origin: agent.OriginAPI, FetchedAt: now.Add(-83 * time.Minute)},
		Sources:  []agent.SourceHealth{up("metadata", now.Add(-83*time.Minute)), up("api", now.Add(-83*time.Minute)), up("kernel", seen)},
		Events:   []agent.SourceHealth{up("ethtool", now.Add(-49*time.Hour)), up("rtnetlink", now.Add(-49*time.Hour))},
	}
	for i := range nics {
		n := agent.NICReport{
			Device: fmt.Sprintf("eth%d", i), MAC: fmt.Sprintf("00:16:3e:1a:2b:%02x", i), ENI: fmt.Sprintf("eni-bp1f8wdg9q3t6p1mke%02d", i),
			Type: "Secondary", Driver: "virtio_net",
			Settings: []agent.SettingReport{
				inSync(nic.Queues, 8, 8, plan.API), inSync(nic.RxRing, 1024, 1024, plan.Device), inSync(nic.TxRing, 1024, 1024, plan.Device),
			},
		}
		if i == 0 {
			n.Type = "Primary"
		}
		r.NICs = append(r.NICs, n)
	}
	return r
}

func inSync(s nic.Setting, value, most int, source plan.Source) agent.SettingReport {
	return agent.SettingReport{Setting: s, Current: value, Desired: value, Max: most, Source: source, Action: plan.None, Reason: plan.InSync}
}

// Drift is a way to drift.
type Drift struct {
	Name, Runbook string
	decision      plan.Decision
}

// Drifts are all of them, each with the alert that belongs to it.
func Drifts() []Drift {
	d := func(name, runbook string, reason plan.Reason, action plan.Action, source plan.Source, current, desired, most int, detail string) Drift {
		return Drift{name, runbook, plan.Decision{Setting: nic.Queues, Current: current, Desired: desired, Max: most, Source: source,
			Action: action, Reason: reason, Drift: true, Detail: detail}}
	}
	return []Drift{
		d("below, to be written", "EnituneDrift", plan.BelowDesired, plan.Set, plan.API, 2, 8, 8, ""),
		d("below, only reported", "EnituneDriftObserved", plan.BelowDesired, plan.Report, plan.API, 2, 8, 8, ""),
		d("above", "EnituneAboveDesired", plan.AboveDesired, plan.Report, plan.API, 8, 4, 8, ""),
		d("above a rule, only reported", "EnituneAboveDesired", plan.AboveDesired, plan.Report, plan.Override, 8, 4, 8, ""),
		d("above, to be written", "EnituneAboveDesired", plan.AboveDesired, plan.Set, plan.Override, 8, 4, 8, ""),
		d("needs a restart", "EnituneRestartNeeded", plan.DeviceMax, plan.Report, plan.API, 4, 8, 4, ""),
		d("rule too high", "EnituneDrift", plan.DeviceMax, plan.Report, plan.Override, 4, 16, 4, ""),
		d("refused", "EnituneKernelRefused", plan.KernelRefused, plan.Report, plan.API, 8, 4, 8, "set channels: invalid argument (virtio_net: XDP is in use)"),
		d("contested", "EnituneContested", plan.Contested, plan.Report, plan.API, 2, 8, 8, ""),
		d("held", "EnituneContested", plan.Held, plan.Report, plan.API, 2, 8, 8, ""),
	}
}

// Apply makes a setting of a report's NIC drift.
func (d Drift) Apply(r *agent.Report, device, setting int) {
	s := &r.NICs[device].Settings[setting]
	dec := d.decision
	dec.Setting = s.Setting
	if s.Setting != nic.Queues {
		dec.Current, dec.Desired, dec.Max = dec.Current*128, dec.Desired*128, dec.Max*128
	}
	*s = agent.SettingReport{
		Setting: dec.Setting, Current: dec.Current, Desired: dec.Desired, Max: dec.Max, Source: dec.Source, Action: dec.Action,
		Reason: dec.Reason, Drift: true, DriftSince: Now().Add(-14 * time.Minute), Message: dec.Message(),
	}
	r.InSync = false
}

// AllDrift has as many NICs, and each setting waits for a restart.
func AllDrift(nics int) agent.Report {
	r := InSync(nics)
	for i := range r.NICs {
		for j := range r.NICs[i].Settings {
			restart().Apply(&r, i, j)
		}
	}
	return r
}

func restart() Drift { return drift("needs a restart") }

func drift(name string) Drift {
	for _, d := range Drifts() {
		if d.Name == name {
			return d
		}
	}
	panic("pagetest: no drift " + name)
}

// Example is the report of the picture in the README: one NIC waits for a restart,
// one is contested.
func Example() agent.Report {
	r := InSync(3)
	drift("contested").Apply(&r, 1, 0)
	r.NICs[1].Settings[0].DriftSince = Now().Add(-6 * time.Minute)
	restart().Apply(&r, 2, 0)
	r.NICs[2].Settings[0].DriftSince = Now().Add(-83 * time.Minute)
	changes(&r)
	return r
}

// Changed is a report of the same instance a minute later, after a repair.
func Changed() agent.Report {
	r := InSync(3)
	changes(&r)
	return r
}

func changes(r *agent.Report) {
	for i, c := range []struct {
		ago    time.Duration
		device int
		from   int
		by     agent.ChangedBy
	}{{6, 1, 8, agent.ByOther}, {9, 1, 2, agent.ByEnitune}, {9, 1, 8, agent.ByOther}, {12, 1, 2, agent.ByEnitune}, {83, 2, 2, agent.ByEnitune}} {
		n := r.NICs[c.device%len(r.NICs)]
		to := map[int]int{8: 2, 2: 8}[c.from]
		if c.device == 2 {
			to = 4
		}
		r.Changes = append(r.Changes, agent.Change{
			Time: Now().Add(-c.ago*time.Minute - time.Duration(i)*time.Second), Device: n.Device, ENI: n.ENI, Setting: nic.Queues, From: c.from, To: to, By: c.by})
	}
}

func stale(r *agent.Report) {
	r.Desired = agent.Origin{Origin: agent.OriginCache, FetchedAt: Now().Add(-31 * time.Hour), Stale: true}
}

func problem(c agent.Component, class, text string) func(*agent.Report) {
	return func(r *agent.Report) {
		r.Errors = append(r.Errors, agent.Problem{Component: c, Class: class, Message: text})
		for i, s := range r.Sources {
			if s.Source == string(c) {
				r.Sources[i].Up, r.Sources[i].Error, r.Sources[i].Class = false, text, class
			}
		}
	}
}

func denied(r *agent.Report) {
	problem(agent.ComponentAPI, "denied", "ecs: DescribeNetworkInterfaces: Forbidden.RAM: User not authorized to operate on the specified resource (request id 75EB53E5-0650-B75C-75A3-C0A80F6C37C7)")(r)
}

func undetermined(r *agent.Report) {
	r.Determined, r.InSync = false, false
	r.Desired = agent.Origin{Origin: agent.OriginNone}
	for i := range r.NICs {
		for j := range r.NICs[i].Settings {
			s := &r.NICs[i].Settings[j]
			*s = decided(plan.Decision{Setting: s.Setting, Current: s.Current, Max: s.Max, Action: plan.None, Reason: plan.NoDesiredValue})
		}
	}
}

func decided(d plan.Decision) agent.SettingReport {
	return agent.SettingReport{Setting: d.Setting, Current: d.Current, Max: d.Max, Desired: d.Desired, Source: d.Source,
		Action: d.Action, Reason: d.Reason, Drift: d.Drift, Message: d.Message()}
}

func noENI(r *agent.Report, device int) {
	n := &r.NICs[device]
	n.ENI, n.Type = "", ""
	for i, s := range n.Settings {
		n.Settings[i] = decided(plan.Decision{Setting: s.Setting, Current: s.Current, Max: s.Max, Action: plan.None, Reason: plan.NoENI})
	}
}

func duplicates(r *agent.Report) {
	r.Determined, r.InSync = false, false
	r.NICs[1].MAC = r.NICs[0].MAC
	for n := range r.NICs {
		for i, s := range r.NICs[n].Settings {
			r.NICs[n].Settings[i] = decided(plan.Decision{Setting: s.Setting, Current: s.Current, Max: s.Max, Action: plan.Report, Reason: plan.DuplicateMAC})
		}
	}
	problem(agent.ComponentKernel, "duplicate", "eth0 and eth1 have the same address "+r.NICs[0].MAC)(r)
}

func notAllSettings(r *agent.Report) {
	r.NICs[0].Settings[1] = decided(plan.Decision{Setting: nic.RxRing, Current: 256, Max: 256, Desired: 1024, Source: plan.Tag, Action: plan.None, Reason: plan.Unsupported})
	r.NICs[0].Settings[2] = decided(plan.Decision{Setting: nic.TxRing, Current: 256, Max: 1024, Action: plan.None, Reason: plan.NoDesiredValue})
	r.NICs[1].Settings[0] = decided(plan.Decision{Setting: nic.Queues, Current: 2, Max: 8, Desired: 8, Source: plan.InstanceType, Action: plan.None, Reason: plan.Excluded})
}

func unreadable(r *agent.Report) {
	r.Determined, r.InSync = false, false
	r.NICs[1].Settings[0] = decided(plan.Decision{Setting: nic.Queues, Desired: 8, Source: plan.API, Action: plan.Report, Reason: plan.Unreadable, Detail: "eth1: read channels: input/output error"})
	problem(agent.ComponentKernel, "other", "eth1: read channels: input/output error")(r)
}

func unmatched(r *agent.Report) {
	r.Unmatched = []agent.Unmatched{
		{ENI: "eni-bp1missing000000000001", MAC: "00:16:3e:00:00:0a", Reason: agent.NICMissing},
		{ENI: "eni-bp1attaching0000000002", MAC: "00:16:3e:00:00:0b", Reason: agent.NotInUse},
		{ENI: "eni-bp1member0000000000003", Reason: agent.TrunkMember},
	}
}

func event(r *agent.Report, class, text string) {
	r.Events[0] = agent.SourceHealth{Source: "ethtool", LastAttempt: Now().Add(-time.Minute), Error: text, Class: class}
}

// Hostile has texts from outside that try to be more than text.
func Hostile() agent.Report {
	r := InSync(2)
	for _, d := range Drifts() {
		d.Apply(&r, 1, 0)
	}
	evil := "\"'><script>document.title='owned'</script><img src=x onerror=alert(1)>\u202egnp.exe\u2066\x00\x1b[31m\xff\xfe</title></style>"
	r.Instance = agent.Instance{ID: "i-" + evil, Region: evil, Type: "javascript:alert(1)"}
	r.NICs[0].Device, r.NICs[0].ENI, r.NICs[0].MAC, r.NICs[0].Type, r.NICs[0].Driver = "eth<b>0", evil, evil, evil, evil
	r.NICs[1].Device = evil
	r.NICs[1].Settings[0].Message = evil
	r.Unmatched = []agent.Unmatched{{ENI: evil, MAC: evil, Reason: agent.NICMissing}, {ENI: evil, MAC: evil, Reason: agent.UnmatchedReason(evil)}}
	r.Errors = []agent.Problem{{Component: agent.Component(evil), Class: evil, Message: evil}, {Component: agent.ComponentAPI, Class: "denied", Message: evil}}
	r.Sources[1].Up, r.Sources[1].Error = false, evil
	r.Sources = append(r.Sources, agent.SourceHealth{Source: evil, Error: evil})
	r.Events = append(r.Events, agent.SourceHealth{Source: evil, Error: evil, Class: evil})
	r.Desired.Origin = evil
	r.Changes = []agent.Change{{Time: Now(), Device: evil, ENI: evil, Setting: 99, From: -1, To: 1 << 40, By: agent.ChangedBy(evil)}}
	return r
}

func long() agent.Report {
	r := InSync(2)
	endless := strings.Repeat("x", 4096)
	restart().Apply(&r, 1, 0)
	r.Instance = agent.Instance{ID: "i-" + endless, Region: endless, Type: endless}
	r.NICs[0].Device, r.NICs[0].ENI, r.NICs[0].MAC, r.NICs[0].Type, r.NICs[0].Driver = endless, "eni-"+endless, endless, endless, endless
	r.NICs[1].Device, r.NICs[1].Settings[0].Message = endless, endless
	r.NICs[1].Settings[1].Current, r.NICs[1].Settings[1].Desired, r.NICs[1].Settings[1].Max = 1<<62, 1<<62, 1<<62
	r.Unmatched = []agent.Unmatched{{ENI: "eni-" + endless, MAC: endless, Reason: agent.NICMissing}}
	stale(&r)
	problem(agent.ComponentAPI, "server", endless)(&r)
	event(&r, "other", endless)
	changes(&r)
	r.Changes[0].Device = endless
	return r
}
