package ecssim

import (
	"fmt"
	"maps"
	"net"
	"slices"
)

// ENI types, as the API spells them.
const (
	TypePrimary   = "Primary"
	TypeSecondary = "Secondary"
	TypeTrunk     = "Trunk"
	TypeMember    = "Member"
)

// ENI statuses, as the API spells them. The API has transient ones too
// (Attaching, Detaching, …); the model accepts any text.
const (
	StatusAvailable = "Available"
	StatusInUse     = "InUse"
)

// Instance statuses, as the API spells them.
const (
	InstanceRunning = "Running"
	InstanceStopped = "Stopped"
)

// Communication modes of an ENI.
const (
	TrafficStandard        = "Standard"
	TrafficHighPerformance = "HighPerformance"
)

// RingPlacement says where Describe replies carry an ENI's ring sizes.
type RingPlacement string

const (
	// RingsNowhere is what the API documents: ring sizes occur in requests only.
	RingsNowhere RingPlacement = ""
	// RingsTopLevel puts RxQueueSize and TxQueueSize beside QueueNumber.
	RingsTopLevel RingPlacement = "top"
	// RingsTrafficConfig puts them into NetworkInterfaceTrafficConfig.
	RingsTrafficConfig RingPlacement = "traffic_config"
)

// Instance is one ECS instance.
type Instance struct {
	ID     string `json:"id" yaml:"id"`
	Region string `json:"region" yaml:"region"`
	Zone   string `json:"zone" yaml:"zone"`
	Type   string `json:"type" yaml:"type"` // an instance type such as ecs.g7.xlarge
	Owner  string `json:"owner" yaml:"owner"`
	// Status is Running where empty.
	Status string `json:"status,omitempty" yaml:"status,omitempty"`
	// RoleName is the RAM role; "" means that the instance has none.
	RoleName string `json:"role_name,omitempty" yaml:"role_name,omitempty"`
	Name     string `json:"name,omitempty" yaml:"name,omitempty"`
	// OSType is linux where empty.
	OSType string `json:"os_type,omitempty" yaml:"os_type,omitempty"`
}

// ENI is one elastic network interface. Pointers and empty strings stand for
// what the cloud does not know and therefore leaves out of a reply or gives as
// null.
type ENI struct {
	ID  string `json:"id" yaml:"id"`
	MAC string `json:"mac" yaml:"mac"`
	// Type is Secondary where empty.
	Type string `json:"type,omitempty" yaml:"type,omitempty"`
	// Status is InUse where empty and InstanceID is set, else Available.
	Status      string `json:"status,omitempty" yaml:"status,omitempty"`
	InstanceID  string `json:"instance_id,omitempty" yaml:"instance_id,omitempty"`
	Name        string `json:"name,omitempty" yaml:"name,omitempty"`
	Description string `json:"description,omitempty" yaml:"description,omitempty"`
	// Region and Zone are those of the attached or else the current instance where empty.
	Region string `json:"region,omitempty" yaml:"region,omitempty"`
	Zone   string `json:"zone,omitempty" yaml:"zone,omitempty"`

	// ServiceManaged marks an ENI that another cloud service owns: replies
	// do not name its instance, and the InstanceId filter does not find it.
	ServiceManaged bool   `json:"service_managed,omitempty" yaml:"service_managed,omitempty"`
	ServiceID      *int64 `json:"service_id,omitempty" yaml:"service_id,omitempty"`

	QueueNumber     *int `json:"queue_number,omitempty" yaml:"queue_number,omitempty"`
	QueuePairNumber *int `json:"queue_pair_number,omitempty" yaml:"queue_pair_number,omitempty"`
	// RxQueueSize and TxQueueSize are ring depths in descriptors.
	RxQueueSize  *int          `json:"rx_queue_size,omitempty" yaml:"rx_queue_size,omitempty"`
	TxQueueSize  *int          `json:"tx_queue_size,omitempty" yaml:"tx_queue_size,omitempty"`
	RingsInReply RingPlacement `json:"rings_in_reply,omitempty" yaml:"rings_in_reply,omitempty"`
	// TrafficMode is Standard where empty.
	TrafficMode string `json:"traffic_mode,omitempty" yaml:"traffic_mode,omitempty"`

	Tags             map[string]string `json:"tags,omitempty" yaml:"tags,omitempty"`
	DeviceIndex      int               `json:"device_index,omitempty" yaml:"device_index,omitempty"`
	NetworkCardIndex *int              `json:"network_card_index,omitempty" yaml:"network_card_index,omitempty"`
	TrunkID          string            `json:"trunk_id,omitempty" yaml:"trunk_id,omitempty"`

	VPCID            string   `json:"vpc_id,omitempty" yaml:"vpc_id,omitempty"`
	VSwitchID        string   `json:"vswitch_id,omitempty" yaml:"vswitch_id,omitempty"`
	PrivateIP        string   `json:"private_ip,omitempty" yaml:"private_ip,omitempty"`
	IPv6s            []string `json:"ipv6s,omitempty" yaml:"ipv6s,omitempty"`
	SecurityGroupIDs []string `json:"security_group_ids,omitempty" yaml:"security_group_ids,omitempty"`
	DeleteOnRelease  bool     `json:"delete_on_release,omitempty" yaml:"delete_on_release,omitempty"`
	SourceDestCheck  bool     `json:"source_dest_check,omitempty" yaml:"source_dest_check,omitempty"`

	EnhancedNetwork    *EnhancedNetwork    `json:"enhanced_network,omitempty" yaml:"enhanced_network,omitempty"`
	ConnectionTracking *ConnectionTracking `json:"connection_tracking,omitempty" yaml:"connection_tracking,omitempty"`

	// HiddenFromMetadata keeps an attached ENI out of the metadata service,
	// as happens for a short time after a hot-plug.
	HiddenFromMetadata bool `json:"hidden_from_metadata,omitempty" yaml:"hidden_from_metadata,omitempty"`
}

// EnhancedNetwork is the ENI attribute of that name.
type EnhancedNetwork struct {
	EnableSriov     *bool `json:"enable_sriov,omitempty" yaml:"enable_sriov,omitempty"`
	EnableRss       *bool `json:"enable_rss,omitempty" yaml:"enable_rss,omitempty"`
	VFTotalQueues   *int  `json:"vf_total_queues,omitempty" yaml:"vf_total_queues,omitempty"`
	VirtualFunction *int  `json:"vf_quantity,omitempty" yaml:"vf_quantity,omitempty"`
}

// ConnectionTracking holds the connection timeouts of an ENI, in seconds.
type ConnectionTracking struct {
	TCPEstablishedTimeout       *int `json:"tcp_established_timeout,omitempty" yaml:"tcp_established_timeout,omitempty"`
	TCPClosedAndTimeWaitTimeout *int `json:"tcp_closed_and_time_wait_timeout,omitempty" yaml:"tcp_closed_and_time_wait_timeout,omitempty"`
	UDPTimeout                  *int `json:"udp_timeout,omitempty" yaml:"udp_timeout,omitempty"`
}

// clone returns a copy that shares nothing with e.
func (e ENI) clone() ENI {
	e.Tags = maps.Clone(e.Tags)
	e.SecurityGroupIDs = slices.Clone(e.SecurityGroupIDs)
	e.IPv6s = slices.Clone(e.IPv6s)
	for _, p := range []**int{&e.QueueNumber, &e.QueuePairNumber, &e.RxQueueSize, &e.TxQueueSize, &e.NetworkCardIndex} {
		*p = copyOf(*p)
	}
	e.ServiceID = copyOf(e.ServiceID)
	if e.EnhancedNetwork != nil {
		n := *e.EnhancedNetwork
		n.EnableSriov, n.EnableRss = copyOf(n.EnableSriov), copyOf(n.EnableRss)
		n.VFTotalQueues, n.VirtualFunction = copyOf(n.VFTotalQueues), copyOf(n.VirtualFunction)
		e.EnhancedNetwork = &n
	}
	if e.ConnectionTracking != nil {
		t := *e.ConnectionTracking
		t.TCPEstablishedTimeout = copyOf(t.TCPEstablishedTimeout)
		t.TCPClosedAndTimeWaitTimeout = copyOf(t.TCPClosedAndTimeWaitTimeout)
		t.UDPTimeout = copyOf(t.UDPTimeout)
		e.ConnectionTracking = &t
	}
	return e
}

// withDefaults fills the type and status that the field comments promise.
func (e ENI) withDefaults() ENI {
	if e.Type == "" {
		e.Type = TypeSecondary
	}
	if e.Status == "" {
		e.Status = StatusAvailable
		if e.InstanceID != "" {
			e.Status = StatusInUse
		}
	}
	if e.TrafficMode == "" {
		e.TrafficMode = TrafficStandard
	}
	return e
}

// Validate reports the first field that no ENI can have. The control API and
// layouts are checked with it; tests in the same process may do as they like.
func (e ENI) Validate() error {
	if e.ID == "" {
		return fmt.Errorf("ENI: id is empty; give it one such as eni-bp1example")
	}
	if _, err := net.ParseMAC(e.MAC); err != nil {
		return fmt.Errorf("ENI %s: mac: %w; write it as 00:16:3e:00:00:01", e.ID, err)
	}
	switch e.Type {
	case "", TypePrimary, TypeSecondary, TypeTrunk, TypeMember:
	default:
		return fmt.Errorf("ENI %s: type %q: allowed are Primary, Secondary, Trunk, Member", e.ID, e.Type)
	}
	switch e.RingsInReply {
	case RingsNowhere, RingsTopLevel, RingsTrafficConfig:
	default:
		return fmt.Errorf("ENI %s: rings_in_reply %q: allowed are \"\", top, traffic_config", e.ID, e.RingsInReply)
	}
	return nil
}

func copyOf[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}
