package eni

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds from the API's page.
const (
	maxQueueNumber      = 2048
	minName, maxName    = 2, 128
	minText, maxDescr   = 2, 255
	minRing, maxRing    = 8192, 16384
	minClosed           = 3
	maxClosed           = 15
	maxVirtualFunctions = 256
)

var (
	// nameForm is a name: a letter, Chinese ones included, and then letters,
	// digits and : _ . -
	nameForm = lazily(`^\p{L}[\p{L}\p{Nd}:_.\-]*$`)
	// securityGroupForm is a security group's id.
	securityGroupForm = lazily(`^sg-[A-Za-z0-9]{1,64}$`)
	// numbered families: ecs.g7.xlarge, ecs.ebmg5s.24xlarge, ecs.hfc8i.large. The
	// families u, e, t and s count their generations differently.
	generationForm = lazily(`^ecs\.(?:ebm|scc)?(?:g|c|r|re|i|d|hfg|hfc|hfr|gn|vgn)(\d+)`)
)

func (p *preflight) text() {
	if name := p.m.Name; name != nil {
		const rule, field = "name-format", "name"
		switch n := utf8.RuneCountInString(*name); {
		case isURL(*name):
			p.add(SeverityError, rule, field, "", "name %q: want a name that does not begin with http:// or https://", shorten(*name, maxSnippet))
		case n < minName || n > maxName:
			p.add(SeverityError, rule, field, "", "name %q: has %d characters, want %d to %d", shorten(*name, maxSnippet), n, minName, maxName)
		case !nameForm().MatchString(*name):
			p.add(SeverityError, rule, field, "", "name %q: want a letter first, then letters, digits and : _ . - only", shorten(*name, maxSnippet))
		}
	}
	if d := p.m.Description; d != nil {
		const rule, field = "description-format", "description"
		switch n := utf8.RuneCountInString(*d); {
		case isURL(*d):
			p.add(SeverityError, rule, field, "", "description %q: want a text that does not begin with http:// or https://", shorten(*d, maxSnippet))
		case n < minText || n > maxDescr:
			p.add(SeverityError, rule, field, "", "description %q: has %d characters, want %d to %d", shorten(*d, maxSnippet), n, minText, maxDescr)
		}
	}
}

func isURL(s string) bool {
	s = strings.ToLower(s)
	return strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://")
}

func (p *preflight) securityGroups() {
	const field = "security_group_ids"
	groups := p.m.SecurityGroupIDs
	if groups != nil && len(groups) == 0 {
		p.add(SeverityError, "security-group-empty", field, "name at least one, or leave it out",
			"an empty list of security groups: an ENI belongs to at least one")
	}
	for i, g := range groups {
		if !securityGroupForm().MatchString(g) {
			p.add(SeverityError, "security-group-format", field, "", "security group %q: want an id such as sg-bp67acfmxazb4p1", shorten(g, maxSnippet))
		} else if slices.Contains(groups[:i], g) {
			p.add(SeverityError, "security-group-repeated", field, "name it once", "security group %s is given twice", g)
		}
	}
}

func (p *preflight) connectionTracking() {
	t := p.m.ConnectionTracking
	if t == nil {
		return
	}
	oneOf := func(rule, field string, value *int, allowed ...int) {
		if value != nil && !slices.Contains(allowed, *value) {
			p.add(SeverityError, rule, "connection_tracking."+field, "", "%s %d: want %s seconds", field, *value, alternatives(allowed))
		}
	}
	oneOf("tcp-established-timeout", "tcp_established_timeout", t.TCPEstablishedTimeout, 30, 60, 80, 100, 200, 300, 500, 700, 910)
	oneOf("udp-timeout", "udp_timeout", t.UDPTimeout, 10, 20, 30, 60, 80, 100)
	if v := t.TCPClosedAndTimeWaitTimeout; v != nil && (*v < minClosed || *v > maxClosed) {
		const field = "tcp_closed_and_time_wait_timeout"
		p.add(SeverityError, "tcp-closed-and-time-wait-timeout", "connection_tracking."+field, "",
			"%s %d: want %d to %d seconds", field, *v, minClosed, maxClosed)
	}
}

// alternatives writes 1, 2 or 3.
func alternatives(values []int) string {
	text := strings.Trim(strings.Join(strings.Fields(fmt.Sprint(values)), ", "), "[]")
	if i := strings.LastIndex(text, ", "); i >= 0 {
		return text[:i] + " or " + text[i+2:]
	}
	return text
}

// ringValues: both sizes, equal, a power of two from 8192 to 16384.
func (p *preflight) ringValues() {
	traffic := p.m.traffic()
	p.ringPair("", p.m.RxQueueSize, p.m.TxQueueSize)
	p.ringPair("traffic_config.", traffic.RxQueueSize, traffic.TxQueueSize)
	top, nested := p.m.RxQueueSize, traffic.RxQueueSize
	if top != nil && nested != nil && *top != *nested {
		p.add(SeverityError, "ring-conflict", "rx_queue_size", "give it once",
			"rx_queue_size %d and traffic_config.rx_queue_size %d contradict each other", *top, *nested)
	}
}

// rings: the image and the instance type.
func (p *preflight) rings() {
	if p.m.RxQueueSize == nil && p.m.traffic().RxQueueSize == nil {
		return
	}
	if in := p.facts.Instance; in != nil && in.OSType != "" && !strings.EqualFold(in.OSType, "linux") {
		p.add(SeverityWarning, "ring-os", "rx_queue_size", "leave the ring sizes out",
			"%s runs %s; ring sizes apply to Linux images only", in.ID, in.OSType)
	}
	if t := p.facts.Type; t != nil {
		if g := generationForm().FindStringSubmatch(t.ID); g != nil && len(g[1]) == 1 && g[1] < "7" {
			p.add(SeverityWarning, "ring-generation", "rx_queue_size", "use a 7th-generation or later instance type, such as ecs.g7.xlarge",
				"%s is of generation %s; ring sizes need generation 7 or later", t.ID, g[1])
		}
	}
}

func (p *preflight) ringPair(prefix string, rx, tx *int) {
	const remedy = "give both the same: 8192 or 16384"
	switch {
	case rx == nil && tx == nil:
	case rx == nil:
		p.add(SeverityError, "ring-pair", prefix+"tx_queue_size", remedy, "%stx_queue_size %d without %[1]srx_queue_size; they must come together and be equal", prefix, *tx)
	case tx == nil:
		p.add(SeverityError, "ring-pair", prefix+"rx_queue_size", remedy, "%srx_queue_size %d without %[1]stx_queue_size; they must come together and be equal", prefix, *rx)
	case *rx != *tx:
		p.add(SeverityError, "ring-pair", prefix+"rx_queue_size", remedy, "%srx_queue_size %d and %[1]stx_queue_size %[3]d: must be equal", prefix, *rx, *tx)
	}
	for _, v := range []struct {
		field string
		value *int
	}{{"rx_queue_size", rx}, {"tx_queue_size", tx}} {
		if n := v.value; n != nil && (*n < minRing || *n > maxRing || *n&(*n-1) != 0) {
			p.add(SeverityError, "ring-range", prefix+v.field, remedy, "%s%s %d: want a power of two from %d to %d", prefix, v.field, *n, minRing, maxRing)
		}
	}
}
