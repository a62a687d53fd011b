package eni

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// parameter is one parameter of a [Modification], bound to its place in it. It
// is all that the program knows of the parameter but its rules, which stand in
// [Preflight].
type parameter struct {
	field string // as in [FieldChange]
	wire  string // the API's name
	group group
	// value is what the modification asks for: nil, a string, or several.
	value func() []string
	drop  func()
	// current is what a Describe reply says; known is false where it says nothing.
	current func(NetworkInterface) (text string, known bool)
	// list marks an array, on the wire .1, .2, …, that is compared as a set.
	list bool
	// unset marks what replies have only once it was set.
	unset bool
	// writeOnly marks what the API's documentation has in no reply.
	writeOnly bool
}

// group is a set of parameters that the API takes only together.
type group int

const (
	alone group = iota + 1
	rings
	trafficRings
	virtualFunctions
)

// verdict is the answer to whether an ENI has what was asked for.
type verdict int

const (
	_ verdict = iota
	holds
	differs
	silent // the API gives no such value
)

func (p parameter) isSet() bool { return p.value() != nil }

func (p parameter) text() string { return strings.Join(p.value(), ", ") }

func (p parameter) encode(to map[string]string) {
	values := p.value()
	if !p.list {
		to[p.wire] = values[0]
		return
	}
	for i, v := range values {
		to[p.wire+"."+strconv.Itoa(i+1)] = v
	}
}

// compare says whether n has what p asks for. An absent value that the API
// documents in its replies counts as different.
func (p parameter) compare(n NetworkInterface) verdict {
	text, known := p.current(n)
	want := p.text()
	if p.list {
		want = strings.Join(slices.Sorted(slices.Values(p.value())), ", ")
	}
	switch {
	case known && text == want:
		return holds
	case !known && p.writeOnly:
		return silent
	default:
		return differs
	}
}

// shown is compare for after a change: what a reply does not have says nothing.
func (p parameter) shown(n NetworkInterface) verdict {
	if _, known := p.current(n); !known && !p.unset {
		return silent
	}
	return p.compare(n)
}

// parameters returns all parameters of the API's page, in its order. They read
// and change m.
func (m *Modification) parameters() []parameter {
	list := []parameter{
		scalar("name", "NetworkInterfaceName", &m.Name, func(n NetworkInterface) *string { return &n.Name }),
		scalar("description", "Description", &m.Description, func(n NetworkInterface) *string { return &n.Description }),
		m.securityGroups(),
		scalar("delete_on_release", "DeleteOnRelease", &m.DeleteOnRelease, func(n NetworkInterface) *bool { return n.DeleteOnRelease }),
		scalar("source_dest_check", "SourceDestCheck", &m.SourceDestCheck, func(n NetworkInterface) *bool { return n.SourceDestCheck }),
		scalar("queue_number", "QueueNumber", &m.QueueNumber, NetworkInterface.queueNumber).onceSet(),
		scalar("rx_queue_size", "RxQueueSize", &m.RxQueueSize, NetworkInterface.rxQueueSize).in(rings).unread(),
		scalar("tx_queue_size", "TxQueueSize", &m.TxQueueSize, NetworkInterface.txQueueSize).in(rings).unread(),
	}
	if m.TrafficConfig != nil {
		list = append(list, m.TrafficConfig.parameters()...)
	}
	if m.ConnectionTracking != nil {
		list = append(list, m.ConnectionTracking.parameters()...)
	}
	if m.EnhancedNetwork != nil {
		list = append(list, m.EnhancedNetwork.parameters()...)
	}
	return list
}

func (m *Modification) securityGroups() parameter {
	return parameter{
		field: "security_group_ids", wire: "SecurityGroupId", group: alone, list: true,
		value: func() []string { return m.SecurityGroupIDs },
		drop:  func() { m.SecurityGroupIDs = nil },
		current: func(n NetworkInterface) (string, bool) {
			return strings.Join(slices.Sorted(slices.Values(n.SecurityGroupIDs)), ", "), n.SecurityGroupIDs != nil
		},
	}
}

func (t *TrafficConfigChange) parameters() []parameter {
	const field, wire = "traffic_config.", "NetworkInterfaceTrafficConfig."
	return []parameter{
		scalar(field+"mode", wire+"NetworkInterfaceTrafficMode", &t.Mode, NetworkInterface.trafficMode),
		scalar(field+"queue_number", wire+"QueueNumber", &t.QueueNumber, NetworkInterface.trafficQueueNumber),
		scalar(field+"queue_pair_number", wire+"QueuePairNumber", &t.QueuePairNumber, NetworkInterface.queuePairNumber),
		scalar(field+"rx_queue_size", wire+"RxQueueSize", &t.RxQueueSize, NetworkInterface.rxQueueSize).in(trafficRings).unread(),
		scalar(field+"tx_queue_size", wire+"TxQueueSize", &t.TxQueueSize, NetworkInterface.txQueueSize).in(trafficRings).unread(),
	}
}

func (t *ConnectionTrackingChange) parameters() []parameter {
	const field, wire = "connection_tracking.", "ConnectionTrackingConfiguration."
	of := func(get func(ConnectionTracking) *int) func(NetworkInterface) *int {
		return func(n NetworkInterface) *int { return part(n.ConnectionTracking, get) }
	}
	return []parameter{
		scalar(field+"tcp_established_timeout", wire+"TcpEstablishedTimeout", &t.TCPEstablishedTimeout,
			of(func(c ConnectionTracking) *int { return c.TCPEstablishedTimeout })),
		scalar(field+"tcp_closed_and_time_wait_timeout", wire+"TcpClosedAndTimeWaitTimeout", &t.TCPClosedAndTimeWaitTimeout,
			of(func(c ConnectionTracking) *int { return c.TCPClosedAndTimeWaitTimeout })),
		scalar(field+"udp_timeout", wire+"UdpTimeout", &t.UDPTimeout, of(func(c ConnectionTracking) *int { return c.UDPTimeout })),
	}
}

func (e *EnhancedNetworkChange) parameters() []parameter {
	const field, wire = "enhanced_network.", "EnhancedNetwork."
	return []parameter{
		scalar(field+"enable_sriov", wire+"EnableSriov", &e.EnableSriov, func(n NetworkInterface) *bool {
			return part(n.EnhancedNetwork, func(e EnhancedNetwork) *bool { return e.EnableSriov })
		}).in(virtualFunctions),
		scalar(field+"enable_rss", wire+"EnableRss", &e.EnableRss, func(n NetworkInterface) *bool {
			return part(n.EnhancedNetwork, func(e EnhancedNetwork) *bool { return e.EnableRss })
		}),
		scalar(field+"virtual_function_total_queue_number", wire+"VirtualFunctionTotalQueueNumber", &e.VirtualFunctionTotalQueueNumber,
			func(n NetworkInterface) *int {
				return part(n.EnhancedNetwork, func(e EnhancedNetwork) *int { return e.VirtualFunctionTotalQueueNumber })
			}).in(virtualFunctions),
		scalar(field+"virtual_function_quantity", wire+"VirtualFunctionQuantity", &e.VirtualFunctionQuantity, func(n NetworkInterface) *int {
			return part(n.EnhancedNetwork, func(e EnhancedNetwork) *int { return e.VirtualFunctionQuantity })
		}).in(virtualFunctions),
	}
}

// scalar binds a parameter with one value.
func scalar[T string | int | bool](field, wire string, at **T, current func(NetworkInterface) *T) parameter {
	return parameter{
		field: field, wire: wire, group: alone,
		value: func() []string {
			if *at == nil {
				return nil
			}
			return []string{fmt.Sprint(**at)}
		},
		drop: func() { *at = nil },
		current: func(n NetworkInterface) (string, bool) {
			v := current(n)
			if v == nil {
				return "", false
			}
			return fmt.Sprint(*v), true
		},
	}
}

func (p parameter) in(g group) parameter { p.group = g; return p }

func (p parameter) onceSet() parameter {
	p.unset = true
	return p
}

func (p parameter) unread() parameter { p.writeOnly = true; return p }

// part reads a field of an object that may be absent.
func part[T, V any](object *T, get func(T) *V) *V {
	if object == nil {
		return nil
	}
	return get(*object)
}

// The API repeats these in NetworkInterfaceTrafficConfig, and some replies have
// only one of the two places.

func (n NetworkInterface) queueNumber() *int {
	return either(n.QueueNumber, n.TrafficConfig, func(t TrafficConfig) *int { return t.QueueNumber })
}

// trafficQueueNumber is queueNumber for a reply in which the two places differ: a
// change of the one place is looked for there.
func (n NetworkInterface) trafficQueueNumber() *int {
	if v := part(n.TrafficConfig, func(t TrafficConfig) *int { return t.QueueNumber }); v != nil {
		return v
	}
	return n.QueueNumber
}

func (n NetworkInterface) queuePairNumber() *int {
	return either(n.QueuePairNumber, n.TrafficConfig, func(t TrafficConfig) *int { return t.QueuePairNumber })
}

func (n NetworkInterface) rxQueueSize() *int {
	return either(n.RxQueueSize, n.TrafficConfig, func(t TrafficConfig) *int { return t.RxQueueSize })
}

func (n NetworkInterface) txQueueSize() *int {
	return either(n.TxQueueSize, n.TrafficConfig, func(t TrafficConfig) *int { return t.TxQueueSize })
}

func (n NetworkInterface) trafficMode() *string {
	text := func(s string) *string {
		if s == "" {
			return nil
		}
		return &s
	}
	return either(text(n.TrafficMode), n.TrafficConfig, func(t TrafficConfig) *string { return text(t.TrafficMode) })
}

func either[V any](top *V, config *TrafficConfig, get func(TrafficConfig) *V) *V {
	if top != nil {
		return top
	}
	return part(config, get)
}
