package eni

import (
	"fmt"
	"strings"
)

// CheckRequest checks a modification against those rules of the API's page that
// look at it alone: its values, and whether they go together. Every finding is an
// error. It is for all that is asked for; what [Modification.Diff] leaves of that
// no longer shows a contradiction with what it dropped.
//
// Sources: the page of ModifyNetworkInterfaceAttribute, and for the values of
// ring sizes that of CreateNetworkInterface.
func CheckRequest(m Modification) []Finding {
	p := &preflight{m: m}
	p.text()
	p.securityGroups()
	p.connectionTracking()
	p.ringValues()
	p.queueValues()
	p.trafficValues()
	p.virtualFunctions()
	return p.findings
}

// Preflight checks what would be sent against those rules of the API's page that
// look at the state of the ENI, its instance, its type and its quotas; those of
// the request alone are in [CheckRequest]. It gives all findings: warnings, and
// notes on what cannot be checked. Facts that are not known are left to the API.
func Preflight(m Modification, facts Facts) []Finding {
	p := &preflight{m: m, facts: facts}
	p.rings()
	p.service()
	p.status()
	p.primary()
	p.queues()
	p.traffic()
	p.enhancedNetwork()
	p.previews()
	return p.findings
}

// NeedsInstance tells whether a rule of [Preflight] looks at the instance and its
// type for m.
func NeedsInstance(m Modification) bool {
	return m.QueueNumber != nil || m.RxQueueSize != nil || m.TxQueueSize != nil || m.TrafficConfig != nil || m.EnhancedNetwork != nil
}

// NeedsSiblings tells whether a rule of [Preflight] looks at the instance's other
// ENIs for m.
func NeedsSiblings(m Modification) bool {
	return m.QueueNumber != nil || m.traffic().QueueNumber != nil || m.traffic().Mode != nil
}

// preflight collects findings.
type preflight struct {
	m        Modification
	facts    Facts
	findings []Finding
}

func (p *preflight) add(severity Severity, rule, field, remedy, format string, args ...any) {
	p.findings = append(p.findings, Finding{
		Rule: rule, Severity: severity, Field: field, Message: oneLine(fmt.Sprintf(format, args...)), Remedy: remedy,
	})
}

// traffic returns the traffic configuration that is asked for, empty if none is.
func (m Modification) traffic() TrafficConfigChange {
	if m.TrafficConfig == nil {
		return TrafficConfigChange{}
	}
	return *m.TrafficConfig
}

// attachedTo is the instance that the ENI is attached to; "" if none is known.
func (p *preflight) attachedTo() string {
	for _, id := range []string{p.facts.ENI.InstanceID, p.facts.ENI.Attachment.InstanceID} {
		if id != "" {
			return id
		}
	}
	if p.facts.Instance != nil && p.facts.ENI.Status == statusInUse {
		return p.facts.Instance.ID
	}
	return ""
}

const remedyService = "change it through the service that manages it"

// service: only its owner changes the ENI of another cloud service.
func (p *preflight) service() {
	if p.facts.ENI.ServiceManaged {
		p.add(SeverityWarning, "eni-service-managed", "", remedyService,
			"%s is managed by another cloud service; its ENIs are changed only through it", p.facts.ENI.ID)
	}
}

// status: an ENI on its way from one state to another cannot be changed.
func (p *preflight) status() {
	switch status := p.facts.ENI.Status; status {
	case "", statusAvailable, statusInUse:
	default:
		p.add(SeverityWarning, "eni-status", "", "wait until it is Available or InUse: enitune eni show "+p.facts.ENI.ID,
			"%s is %s; it can be changed while it is Available or InUse", p.facts.ENI.ID, status)
	}
}

// primary: of a primary ENI only name and description can be changed.
func (p *preflight) primary() {
	if p.facts.ENI.Type != typePrimary {
		return
	}
	for _, q := range p.m.parameters() {
		switch {
		case !q.isSet() || q.field == "name" || q.field == "description":
		case strings.HasSuffix(q.field, "queue_number") && !strings.HasPrefix(q.field, "enhanced_network."):
			p.add(SeverityWarning, "primary-queue-number", q.field,
				"launch an instance with the number you need (RunInstances, NetworkInterface.N.QueueNumber), or use a secondary ENI",
				"%s %s: %s is the primary ENI, whose queue number is fixed at launch", q.field, q.text(), p.facts.ENI.ID)
		default:
			p.add(SeverityWarning, "primary-name-and-description", q.field, "leave it out, or use a secondary ENI",
				"%s %s: %s is the primary ENI, of which only name and description can be changed", q.field, q.text(), p.facts.ENI.ID)
		}
	}
}

// previews tells of what not every account or region has.
func (p *preflight) previews() {
	traffic := p.m.traffic()
	const ask = "if the API refuses it, ask for it with a ticket"
	if p.m.RxQueueSize != nil || p.m.TxQueueSize != nil || traffic.RxQueueSize != nil || traffic.TxQueueSize != nil {
		p.add(SeverityNote, "ring-preview", "", ask,
			"ring sizes are a private preview, for 7th-generation instance types and later with Linux images; the API does not show them afterwards")
	}
	if p.m.TrafficConfig != nil {
		p.add(SeverityNote, "traffic-config-preview", "traffic_config", ask, "the traffic configuration is a private preview")
	}
	if p.m.EnhancedNetwork != nil {
		p.add(SeverityNote, "enhanced-network-preview", "enhanced_network", ask, "enhanced networking is not publicly available")
	}
	if p.m.SourceDestCheck != nil {
		p.add(SeverityNote, "source-dest-check-region", "source_dest_check", "", "the source/destination check works in some regions only")
	}
}
