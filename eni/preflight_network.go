package eni

import "fmt"

// trafficValues checks the communication mode and the RDMA queue pairs by
// themselves.
func (p *preflight) trafficValues() {
	t := p.m.traffic()
	if t.Mode != nil && *t.Mode != modeStandard && *t.Mode != modeHighPerformance {
		p.add(SeverityError, "traffic-mode-value", "traffic_config.mode", "", "mode %q: want Standard or HighPerformance", shorten(*t.Mode, maxSnippet))
	}
	if t.QueuePairNumber == nil {
		return
	}
	const field = "traffic_config.queue_pair_number"
	n := *t.QueuePairNumber
	if n < 1 {
		p.add(SeverityError, "queue-pair-range", field, "", "queue_pair_number %d: want 1 or more", n)
	}
	if t.Mode != nil && *t.Mode == modeStandard {
		p.add(SeverityError, "queue-pair-mode", field, remedyQueuePairs, "queue_pair_number %d with mode Standard: queue pairs go with HighPerformance only", n)
	}
}

const remedyQueuePairs = "set the mode to HighPerformance too (it cannot be set back), or leave the queue pairs out"

// traffic checks the communication mode and the RDMA queue pairs.
func (p *preflight) traffic() {
	t := p.m.traffic()
	if t.Mode != nil {
		p.mode(*t.Mode)
	}
	if t.QueuePairNumber != nil {
		p.queuePairs(t.Mode, *t.QueuePairNumber)
	}
}

func (p *preflight) mode(mode string) {
	const field = "traffic_config.mode"
	current := p.facts.ENI.trafficMode()
	switch {
	case mode == modeStandard && current != nil && *current == modeHighPerformance:
		p.add(SeverityWarning, "traffic-mode-standard", field, "create another ENI and attach it in its place",
			"mode Standard: %s is in HighPerformance mode, from which there is no way back", p.facts.ENI.ID)
	case mode == modeHighPerformance && (current == nil || *current != modeHighPerformance):
		if len(p.facts.ENI.IPv6s) > 0 {
			p.add(SeverityWarning, "traffic-mode-ipv6", field, "take the IPv6 addresses off the ENI first",
				"mode HighPerformance: %s has IPv6 addresses (%s), which RDMA does not support", p.facts.ENI.ID, p.facts.ENI.IPv6s[0])
		}
		p.eriQuota()
	}
}

// eriQuota: how many RDMA ENIs the instance type allows.
func (p *preflight) eriQuota() {
	const field = "traffic_config.mode"
	t := p.facts.Type
	if t == nil || p.facts.ENI.Status == statusAvailable {
		return
	}
	others := 0
	for _, s := range p.facts.Siblings {
		if mode := s.trafficMode(); s.ID != p.facts.ENI.ID && mode != nil && *mode == modeHighPerformance {
			others++
		}
	}
	switch quota := t.EriQuantity; {
	case quota == nil:
		p.add(SeverityNote, "eri-quota", field, "", "mode HighPerformance: how many RDMA ENIs %s allows is not published", t.ID)
	case *quota == 0:
		p.add(SeverityWarning, "eri-unsupported", field, "change to an instance type with RDMA: enitune eni limits --instance-type TYPE",
			"mode HighPerformance: %s has no RDMA (ERI quota 0)", t.ID)
	case others+1 > *quota:
		p.add(SeverityWarning, "eri-quota", field, "detach another RDMA ENI of the instance first, or change to a larger instance type",
			"mode HighPerformance: %d of %d RDMA ENIs: %d others + this; more than %s allows", others+1, *quota, others, t.ID)
	}
}

func (p *preflight) queuePairs(mode *string, n int) {
	const field = "traffic_config.queue_pair_number"
	if current := p.facts.ENI.trafficMode(); mode == nil && current != nil && *current == modeStandard {
		p.add(SeverityWarning, "queue-pair-mode", field, remedyQueuePairs,
			"queue_pair_number %d: %s is in Standard mode; queue pairs go with HighPerformance only", n, p.facts.ENI.ID)
	}
	t := p.facts.Type
	if t == nil || p.facts.ENI.Status == statusAvailable {
		return
	}
	switch limit := t.QueuePairNumber; {
	case limit == nil:
		p.add(SeverityNote, "queue-pair-limit", field, "", "queue_pair_number %d: the maximum for one RDMA ENI is not published for %s", n, t.ID)
	case n > *limit:
		p.add(SeverityWarning, "queue-pair-limit", field, fmt.Sprintf("ask for at most %d", *limit),
			"queue_pair_number %d: %s allows one RDMA ENI at most %d", n, t.ID, *limit)
	}
}

// enhancedNetwork checks SR-IOV and RSS.
func (p *preflight) enhancedNetwork() {
	e := p.m.EnhancedNetwork
	if e == nil {
		return
	}
	if e.EnableSriov != nil && *e.EnableSriov {
		p.sriov(*e)
	}
	if e.EnableRss != nil && *e.EnableRss {
		p.typeSupport("rss-support", "enable_rss", "RSS", func(t InstanceType) *bool { return t.RssSupport })
	}
}

// virtualFunctions: both numbers with SR-IOV, none without.
func (p *preflight) virtualFunctions() {
	e := p.m.EnhancedNetwork
	if e == nil {
		return
	}
	const rule, prefix = "sriov-numbers", "enhanced_network."
	on := e.EnableSriov != nil && *e.EnableSriov
	for _, v := range []struct {
		field string
		value *int
		upTo  int // 0 for no bound
	}{
		{"virtual_function_total_queue_number", e.VirtualFunctionTotalQueueNumber, 0},
		{"virtual_function_quantity", e.VirtualFunctionQuantity, maxVirtualFunctions},
	} {
		switch {
		case !on && v.value != nil:
			p.add(SeverityError, rule, prefix+v.field, "set enable_sriov to true too, or leave it out",
				"%s %d without enable_sriov true: goes with SR-IOV only", v.field, *v.value)
		case on && v.value == nil:
			p.add(SeverityError, rule, prefix+v.field, "give it", "enable_sriov true without %s: needs both numbers of virtual functions", v.field)
		case on && (*v.value < 1 || v.upTo > 0 && *v.value > v.upTo):
			want := "1 or more"
			if v.upTo > 0 {
				want = fmt.Sprintf("1 to %d", v.upTo)
			}
			p.add(SeverityError, rule, prefix+v.field, "", "%s %d: want %s", v.field, *v.value, want)
		}
	}
}

func (p *preflight) sriov(e EnhancedNetworkChange) {
	const field = "enhanced_network.enable_sriov"
	p.typeSupport("sriov-support", "enable_sriov", "SR-IOV", func(t InstanceType) *bool { return t.SriovSupport })
	n := p.facts.ENI
	if n.Type == typeTrunk && n.Status != statusAvailable && n.Status != "" {
		p.add(SeverityWarning, "sriov-trunk", field, "detach the ENI, run this again, attach it",
			"enable_sriov true: %s is a trunk ENI and %s; SR-IOV of a trunk ENI is switched on while it is detached", n.ID, n.Status)
	}
	now := n.EnhancedNetwork
	if now == nil || now.EnableSriov == nil || !*now.EnableSriov {
		return
	}
	if changed(now.VirtualFunctionTotalQueueNumber, e.VirtualFunctionTotalQueueNumber) || changed(now.VirtualFunctionQuantity, e.VirtualFunctionQuantity) {
		p.add(SeverityWarning, "sriov-fixed", field, "switch SR-IOV off first (enable_sriov false), then on with the new numbers",
			"%s has SR-IOV already; the numbers of virtual functions cannot be changed while it is on", n.ID)
	}
}

// changed: both are known and differ.
func changed(now, wanted *int) bool { return now != nil && wanted != nil && *now != *wanted }

// typeSupport: does the instance type have a feature.
func (p *preflight) typeSupport(rule, field, feature string, get func(InstanceType) *bool) {
	t := p.facts.Type
	if t == nil || p.facts.ENI.Status == statusAvailable {
		return
	}
	switch has := get(*t); {
	case has == nil:
		p.add(SeverityNote, rule, "enhanced_network."+field, "", "%s true: whether %s has %s is not published", field, t.ID, feature)
	case !*has:
		p.add(SeverityWarning, rule, "enhanced_network."+field, "leave it out, or change to an instance type with "+feature,
			"%s true: %s has no %s", field, t.ID, feature)
	}
}
