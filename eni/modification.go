package eni

// Modification is what ModifyNetworkInterfaceAttribute is asked to change. All
// of it is optional, and absent is not the zero value: a nil field is not sent.
// The tags are the keys of a YAML or JSON file with a modification.
//
// The ranges are those of the API's page; [Preflight] checks them.
type Modification struct {
	// Name has 2 to 128 characters.
	Name *string `json:"name,omitempty" yaml:"name,omitempty"`
	// Description has 2 to 255 characters.
	Description *string `json:"description,omitempty" yaml:"description,omitempty"`
	// SecurityGroupIDs replace all that the ENI has; order means nothing. Nil
	// leaves them as they are; there is no ENI without a security group.
	SecurityGroupIDs []string `json:"security_group_ids,omitempty" yaml:"security_group_ids,omitempty"`
	// DeleteOnRelease: the ENI goes when its instance is released.
	DeleteOnRelease *bool `json:"delete_on_release,omitempty" yaml:"delete_on_release,omitempty"`
	// SourceDestCheck works in some regions only.
	SourceDestCheck *bool `json:"source_dest_check,omitempty" yaml:"source_dest_check,omitempty"`
	// QueueNumber is 1 to 2048, for an ENI that is Available or whose instance
	// is Stopped.
	QueueNumber *int `json:"queue_number,omitempty" yaml:"queue_number,omitempty"`
	// RxQueueSize and TxQueueSize are 8192 or 16384 entries, both the same.
	RxQueueSize *int `json:"rx_queue_size,omitempty" yaml:"rx_queue_size,omitempty"`
	TxQueueSize *int `json:"tx_queue_size,omitempty" yaml:"tx_queue_size,omitempty"`

	TrafficConfig      *TrafficConfigChange      `json:"traffic_config,omitempty" yaml:"traffic_config,omitempty"`
	ConnectionTracking *ConnectionTrackingChange `json:"connection_tracking,omitempty" yaml:"connection_tracking,omitempty"`
	EnhancedNetwork    *EnhancedNetworkChange    `json:"enhanced_network,omitempty" yaml:"enhanced_network,omitempty"`
}

// TrafficConfigChange is NetworkInterfaceTrafficConfig, a private preview that
// also works on an ENI in use.
type TrafficConfigChange struct {
	// Mode is Standard or HighPerformance (RDMA).
	Mode *string `json:"mode,omitempty" yaml:"mode,omitempty"`
	// QueueNumber is 1 to 2048.
	QueueNumber *int `json:"queue_number,omitempty" yaml:"queue_number,omitempty"`
	// QueuePairNumber is the number of RDMA queue pairs, for HighPerformance.
	QueuePairNumber *int `json:"queue_pair_number,omitempty" yaml:"queue_pair_number,omitempty"`
	// RxQueueSize and TxQueueSize are 8192 or 16384 entries, both the same.
	RxQueueSize *int `json:"rx_queue_size,omitempty" yaml:"rx_queue_size,omitempty"`
	TxQueueSize *int `json:"tx_queue_size,omitempty" yaml:"tx_queue_size,omitempty"`
}

// ConnectionTrackingChange is ConnectionTrackingConfiguration, in seconds.
type ConnectionTrackingChange struct {
	// TCPEstablishedTimeout is 30, 60, 80, 100, 200, 300, 500, 700 or 910.
	TCPEstablishedTimeout *int `json:"tcp_established_timeout,omitempty" yaml:"tcp_established_timeout,omitempty"`
	// TCPClosedAndTimeWaitTimeout is 3 to 15.
	TCPClosedAndTimeWaitTimeout *int `json:"tcp_closed_and_time_wait_timeout,omitempty" yaml:"tcp_closed_and_time_wait_timeout,omitempty"`
	// UDPTimeout is 10, 20, 30, 60, 80 or 100.
	UDPTimeout *int `json:"udp_timeout,omitempty" yaml:"udp_timeout,omitempty"`
}

// EnhancedNetworkChange is EnhancedNetwork, which is not publicly available.
type EnhancedNetworkChange struct {
	// EnableSriov true needs both numbers of virtual functions; without it they
	// must be absent.
	EnableSriov *bool `json:"enable_sriov,omitempty" yaml:"enable_sriov,omitempty"`
	EnableRss   *bool `json:"enable_rss,omitempty" yaml:"enable_rss,omitempty"`
	// VirtualFunctionTotalQueueNumber is the queues of all virtual functions.
	VirtualFunctionTotalQueueNumber *int `json:"virtual_function_total_queue_number,omitempty" yaml:"virtual_function_total_queue_number,omitempty"`
	// VirtualFunctionQuantity is 1 to 256.
	VirtualFunctionQuantity *int `json:"virtual_function_quantity,omitempty" yaml:"virtual_function_quantity,omitempty"`
}

// FieldChange is what one field of an ENI becomes.
type FieldChange struct {
	// Field is the path of tags: queue_number, traffic_config.mode.
	Field string `json:"field" yaml:"field"`
	// Before is what the API says now; "" where it says nothing (Known false).
	Before string `json:"before" yaml:"before"`
	After  string `json:"after" yaml:"after"`
	// Known is false for what the API did not give: ring sizes as a rule, and the
	// queue number of an ENI that was never modified.
	Known bool `json:"known" yaml:"known"`
}

// Empty says whether m changes nothing at all.
func (m Modification) Empty() bool {
	for _, p := range m.parameters() {
		if p.isSet() {
			return false
		}
	}
	return true
}

// Params returns the request parameters in the API's dotted form, without the
// common ones and NetworkInterfaceId: NetworkInterfaceTrafficConfig.QueueNumber,
// SecurityGroupId.1.
func (m Modification) Params() map[string]string {
	out := make(map[string]string)
	for _, p := range m.parameters() {
		if p.isSet() {
			p.encode(out)
		}
	}
	return out
}

// Diff compares m with what the API says of the ENI. It returns the part of m
// that is left to do, and what it changes, in a fixed order. A value that the API
// does not give back is not taken for what m wants.
//
// Parameters that the API wants together stay together: both ring sizes, and
// EnableSriov with its numbers. Those of them that hold are in effective and not
// in changes.
func (m Modification) Diff(current NetworkInterface) (effective Modification, changes []FieldChange) {
	effective = m.clone()
	parameters := effective.parameters()
	open := make(map[group]bool)
	for _, p := range parameters {
		if p.isSet() && p.compare(current) != holds {
			before, known := p.current(current)
			changes = append(changes, FieldChange{Field: p.field, Before: before, After: p.text(), Known: known})
			open[p.group] = true
		}
	}
	for _, p := range parameters {
		if p.isSet() && p.compare(current) == holds && (p.group == alone || !open[p.group]) {
			p.drop()
		}
	}
	effective.prune()
	return effective, changes
}

// clone returns a copy that shares nothing that drop changes.
func (m Modification) clone() Modification {
	m.TrafficConfig = copyOf(m.TrafficConfig)
	m.ConnectionTracking = copyOf(m.ConnectionTracking)
	m.EnhancedNetwork = copyOf(m.EnhancedNetwork)
	return m
}

// prune makes objects without any field absent.
func (m *Modification) prune() {
	if m.TrafficConfig != nil && *m.TrafficConfig == (TrafficConfigChange{}) {
		m.TrafficConfig = nil
	}
	if m.ConnectionTracking != nil && *m.ConnectionTracking == (ConnectionTrackingChange{}) {
		m.ConnectionTracking = nil
	}
	if m.EnhancedNetwork != nil && *m.EnhancedNetwork == (EnhancedNetworkChange{}) {
		m.EnhancedNetwork = nil
	}
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
