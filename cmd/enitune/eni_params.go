package main

import (
	"fmt"
	"strconv"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/enitune/enitune/eni"
)

// parameter is one request parameter of ModifyNetworkInterfaceAttribute as an
// operator gives it: a flag, a key of --file, and a place in a Modification.
// Exactly one of the four accessors is set, and says what kind of value it is.
type parameter struct {
	flag string // without the dashes
	key  string // in a file; a dot stands before a key of a nested mapping
	wire string // the API's name
	help string

	text    func(*eni.Modification) **string
	number  func(*eni.Modification) **int
	boolean func(*eni.Modification) **bool
	list    func(*eni.Modification) *[]string
}

// parameters lists every parameter in the order of the API's page. A new one is
// a row here.
func parameters() []parameter {
	traffic := func(m *eni.Modification) *eni.TrafficConfigChange { return ensure(&m.TrafficConfig) }
	tracking := func(m *eni.Modification) *eni.ConnectionTrackingChange { return ensure(&m.ConnectionTracking) }
	enhanced := func(m *eni.Modification) *eni.EnhancedNetworkChange { return ensure(&m.EnhancedNetwork) }
	return []parameter{
		{flag: "name", key: "name", wire: "NetworkInterfaceName", help: "`name`, 2 to 128 characters",
			text: func(m *eni.Modification) **string { return &m.Name }},
		{flag: "description", key: "description", wire: "Description", help: "`text`, 2 to 255 characters",
			text: func(m *eni.Modification) **string { return &m.Description }},
		{flag: "security-group", key: "security_group_ids", wire: "SecurityGroupId.N", help: "`id` of a security group; repeat it for each, together they replace the present ones",
			list: func(m *eni.Modification) *[]string { return &m.SecurityGroupIDs }},
		{flag: "delete-on-release", key: "delete_on_release", wire: "DeleteOnRelease", help: "`true|false`: release the ENI together with its instance",
			boolean: func(m *eni.Modification) **bool { return &m.DeleteOnRelease }},
		{flag: "source-dest-check", key: "source_dest_check", wire: "SourceDestCheck", help: "`true|false`: source/destination check; only in some regions",
			boolean: func(m *eni.Modification) **bool { return &m.SourceDestCheck }},
		{flag: "queues", key: "queue_number", wire: "QueueNumber", help: "`number` of queues, 1 to 2048; while the ENI is detached or its instance stopped",
			number: func(m *eni.Modification) **int { return &m.QueueNumber }},
		{flag: "rx-queue-size", key: "rx_queue_size", wire: "RxQueueSize", help: "receive queue depth in `entries`, 8192 or 16384; with the same --tx-queue-size (private preview)",
			number: func(m *eni.Modification) **int { return &m.RxQueueSize }},
		{flag: "tx-queue-size", key: "tx_queue_size", wire: "TxQueueSize", help: "transmit queue depth in `entries`, 8192 or 16384; with the same --rx-queue-size (private preview)",
			number: func(m *eni.Modification) **int { return &m.TxQueueSize }},
		{flag: "traffic-mode", key: "traffic_config.mode", wire: "NetworkInterfaceTrafficConfig.NetworkInterfaceTrafficMode", help: "`mode`: Standard (TCP) or HighPerformance (RDMA) (private preview)",
			text: func(m *eni.Modification) **string { return &traffic(m).Mode }},
		{flag: "traffic-queues", key: "traffic_config.queue_number", wire: "NetworkInterfaceTrafficConfig.QueueNumber", help: "`number` of queues, also while the ENI is in use (private preview)",
			number: func(m *eni.Modification) **int { return &traffic(m).QueueNumber }},
		{flag: "queue-pairs", key: "traffic_config.queue_pair_number", wire: "NetworkInterfaceTrafficConfig.QueuePairNumber", help: "`number` of RDMA queue pairs, HighPerformance only (private preview)",
			number: func(m *eni.Modification) **int { return &traffic(m).QueuePairNumber }},
		{flag: "traffic-rx-queue-size", key: "traffic_config.rx_queue_size", wire: "NetworkInterfaceTrafficConfig.RxQueueSize", help: "receive queue depth in `entries`, also while the ENI is in use (private preview)",
			number: func(m *eni.Modification) **int { return &traffic(m).RxQueueSize }},
		{flag: "traffic-tx-queue-size", key: "traffic_config.tx_queue_size", wire: "NetworkInterfaceTrafficConfig.TxQueueSize", help: "transmit queue depth in `entries`, also while the ENI is in use (private preview)",
			number: func(m *eni.Modification) **int { return &traffic(m).TxQueueSize }},
		{flag: "tcp-established-timeout", key: "connection_tracking.tcp_established_timeout", wire: "ConnectionTrackingConfiguration.TcpEstablishedTimeout", help: "`seconds`: 30, 60, 80, 100, 200, 300, 500, 700 or 910",
			number: func(m *eni.Modification) **int { return &tracking(m).TCPEstablishedTimeout }},
		{flag: "tcp-closed-time-wait-timeout", key: "connection_tracking.tcp_closed_and_time_wait_timeout", wire: "ConnectionTrackingConfiguration.TcpClosedAndTimeWaitTimeout", help: "`seconds`, 3 to 15",
			number: func(m *eni.Modification) **int { return &tracking(m).TCPClosedAndTimeWaitTimeout }},
		{flag: "udp-timeout", key: "connection_tracking.udp_timeout", wire: "ConnectionTrackingConfiguration.UdpTimeout", help: "`seconds`: 10, 20, 30, 60, 80 or 100",
			number: func(m *eni.Modification) **int { return &tracking(m).UDPTimeout }},
		{flag: "sriov", key: "enhanced_network.enable_sriov", wire: "EnhancedNetwork.EnableSriov", help: "`true|false`: SR-IOV; true needs --vf-queues and --vf-count (not publicly available)",
			boolean: func(m *eni.Modification) **bool { return &enhanced(m).EnableSriov }},
		{flag: "rss", key: "enhanced_network.enable_rss", wire: "EnhancedNetwork.EnableRss", help: "`true|false`: receive side scaling (not publicly available)",
			boolean: func(m *eni.Modification) **bool { return &enhanced(m).EnableRss }},
		{flag: "vf-queues", key: "enhanced_network.virtual_function_total_queue_number", wire: "EnhancedNetwork.VirtualFunctionTotalQueueNumber", help: "`number` of queues of all virtual functions together; with --sriov true",
			number: func(m *eni.Modification) **int { return &enhanced(m).VirtualFunctionTotalQueueNumber }},
		{flag: "vf-count", key: "enhanced_network.virtual_function_quantity", wire: "EnhancedNetwork.VirtualFunctionQuantity", help: "`number` of virtual functions, 1 to 256; with --sriov true",
			number: func(m *eni.Modification) **int { return &enhanced(m).VirtualFunctionQuantity }},
	}
}

// ensure makes the nested part of a modification that a value goes into.
func ensure[T any](part **T) *T {
	if *part == nil {
		*part = new(T)
	}
	return *part
}

// addParameterFlags defines a flag for each parameter. What is given goes into
// given, by the flag's name, to be applied over the file's values.
func addParameterFlags(cmd *cobra.Command, given map[string]func(*eni.Modification)) {
	for _, p := range parameters() {
		cmd.Flags().Var(&parameterFlag{p: p, given: given}, p.flag, p.help)
	}
}

// parameterFlag is the flag of one parameter. A boolean one takes its value
// explicitly, because there is no default that its absence could mean.
type parameterFlag struct {
	p     parameter
	given map[string]func(*eni.Modification)
	texts []string
}

// String is the flag's default for the help text: none.
func (f *parameterFlag) String() string { return "" }

// Type is what completion scripts and generated help call the value.
func (f *parameterFlag) Type() string {
	switch {
	case f.p.number != nil:
		return "int"
	case f.p.list != nil:
		return "strings"
	default:
		return "string"
	}
}

// Set takes a value as it stands on the command line.
func (f *parameterFlag) Set(text string) error {
	if f.p.list == nil && f.given[f.p.flag] != nil {
		return fmt.Errorf("it is given twice; keep one")
	}
	if err := checkPrintable(text); err != nil {
		return err
	}
	switch p := f.p; {
	case p.number != nil:
		n, ok := decimal(text)
		if !ok {
			return fmt.Errorf("want a whole number in decimal digits")
		}
		f.given[p.flag] = func(m *eni.Modification) { *p.number(m) = &n }
	case p.boolean != nil:
		if text != "true" && text != "false" {
			return fmt.Errorf("want true or false")
		}
		on := text == "true"
		f.given[p.flag] = func(m *eni.Modification) { *p.boolean(m) = &on }
	case p.list != nil:
		if text == "" {
			return fmt.Errorf("want an id such as sg-bp67acfmxazb4p1")
		}
		f.texts = append(f.texts, text)
		f.given[p.flag] = func(m *eni.Modification) { *p.list(m) = f.texts }
	default:
		f.given[p.flag] = func(m *eni.Modification) { *p.text(m) = &text }
	}
	return nil
}

// decimal reads a number. Signs, leading zeros, hexadecimal and grouped forms
// are refused: 010 is 8 to one reader and 10 to another.
func decimal(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && strconv.Itoa(n) == text
}

// checkPrintable refuses control characters, which would change what a terminal shows.
func checkPrintable(text string) error {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("the character %U does not print; remove it", r)
		}
	}
	return nil
}
