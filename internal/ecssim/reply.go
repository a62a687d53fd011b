package ecssim

import (
	"encoding/json"
	"maps"
	"slices"
)

// The types below are reply documents. A pointer without omitempty is a field
// that the API gives as null when it has nothing to say; with omitempty it is
// one that the API leaves out.

type eniPage struct {
	RequestID  string `json:"RequestId"`
	TotalCount int    `json:"TotalCount"`
	NextToken  string `json:"NextToken"`
	PageNumber int    `json:"PageNumber"`
	PageSize   int    `json:"PageSize"`
	Sets       struct {
		Set []eniSet `json:"NetworkInterfaceSet"`
	} `json:"NetworkInterfaceSets"`
}

type typePage struct {
	RequestID string `json:"RequestId"`
	NextToken string `json:"NextToken"`
	Types     struct {
		Type []InstanceType `json:"InstanceType"`
	} `json:"InstanceTypes"`
}

type eniAttribute struct {
	RequestID string `json:"RequestId"`
	eniSet
	EnhancedNetwork    enhancedNetwork     `json:"EnhancedNetwork"`
	ConnectionTracking *connectionTracking `json:"ConnectionTrackingConfiguration,omitempty"`
}

type eniSet struct {
	NetworkInterfaceID   string   `json:"NetworkInterfaceId"`
	NetworkInterfaceName *string  `json:"NetworkInterfaceName"`
	Description          *string  `json:"Description"`
	MacAddress           string   `json:"MacAddress"`
	Type                 string   `json:"Type"`
	Status               string   `json:"Status"`
	InstanceID           *maybe   `json:"InstanceId,omitempty"`
	OwnerID              string   `json:"OwnerId"`
	VPCID                *string  `json:"VpcId"`
	VSwitchID            *string  `json:"VSwitchId"`
	ZoneID               *string  `json:"ZoneId"`
	PrivateIPAddress     *string  `json:"PrivateIpAddress"`
	ServiceManaged       bool     `json:"ServiceManaged"`
	ServiceID            *int64   `json:"ServiceID"`
	QueueNumber          *int     `json:"QueueNumber,omitempty"`
	QueuePairNumber      *int     `json:"QueuePairNumber,omitempty"`
	RxQueueSize          *int     `json:"RxQueueSize,omitempty"`
	TxQueueSize          *int     `json:"TxQueueSize,omitempty"`
	TrafficMode          string   `json:"NetworkInterfaceTrafficMode"`
	TrafficConfig        *traffic `json:"NetworkInterfaceTrafficConfig,omitempty"`
	DeleteOnRelease      bool     `json:"DeleteOnRelease"`
	SourceDestCheck      bool     `json:"SourceDestCheck"`
	SecurityGroupIDs     struct {
		ID []string `json:"SecurityGroupId"`
	} `json:"SecurityGroupIds"`
	IPv6Sets struct {
		Set []ipv6 `json:"Ipv6Set"`
	} `json:"Ipv6Sets"`
	Attachment attachment `json:"Attachment"`
	Tags       struct {
		Tag []replyTag `json:"Tag"` // null without tags
	} `json:"Tags"`
}

// maybe is a string that is null when empty; a nil *maybe is left out.
type maybe string

func (m maybe) MarshalJSON() ([]byte, error) {
	if m == "" {
		return []byte("null"), nil
	}
	return json.Marshal(string(m))
}

type attachment struct {
	InstanceID              string  `json:"InstanceId,omitempty"`
	DeviceIndex             *int    `json:"DeviceIndex,omitempty"`
	NetworkCardIndex        *int    `json:"NetworkCardIndex,omitempty"`
	TrunkNetworkInterfaceID *string `json:"TrunkNetworkInterfaceId,omitempty"`
}

type ipv6 struct {
	Address string `json:"Ipv6Address"`
}

type replyTag struct {
	Key   string `json:"TagKey"`
	Value string `json:"TagValue"`
}

type traffic struct {
	Mode            string `json:"NetworkInterfaceTrafficMode"`
	QueueNumber     *int   `json:"QueueNumber,omitempty"`
	QueuePairNumber *int   `json:"QueuePairNumber,omitempty"`
	RxQueueSize     *int   `json:"RxQueueSize,omitempty"`
	TxQueueSize     *int   `json:"TxQueueSize,omitempty"`
}

type enhancedNetwork struct {
	EnableSriov                     *bool `json:"EnableSriov,omitempty"`
	EnableRss                       *bool `json:"EnableRss,omitempty"`
	VirtualFunctionTotalQueueNumber *int  `json:"VirtualFunctionTotalQueueNumber,omitempty"`
	VirtualFunctionQuantity         *int  `json:"VirtualFunctionQuantity,omitempty"`
}

type connectionTracking struct {
	TCPEstablishedTimeout       int `json:"TcpEstablishedTimeout"`
	TCPClosedAndTimeWaitTimeout int `json:"TcpClosedAndTimeWaitTimeout"`
	UDPTimeout                  int `json:"UdpTimeout"`
}

type emptyReply struct {
	RequestID string `json:"RequestId"`
}

// eniSet renders an ENI as the list does. c.mu is held.
func (c *Cloud) eniSet(e ENI) eniSet {
	_, zone := c.place(e)
	s := eniSet{
		NetworkInterfaceID: e.ID, NetworkInterfaceName: orNull(e.Name), Description: orNull(e.Description),
		MacAddress: e.MAC, Type: e.Type, Status: e.Status, OwnerID: c.owner(e),
		VPCID: orNull(e.VPCID), VSwitchID: orNull(e.VSwitchID), ZoneID: orNull(zone), PrivateIPAddress: orNull(e.PrivateIP),
		ServiceManaged: e.ServiceManaged, ServiceID: e.ServiceID,
		QueueNumber: e.QueueNumber, QueuePairNumber: e.QueuePairNumber, TrafficMode: e.TrafficMode,
		DeleteOnRelease: e.DeleteOnRelease, SourceDestCheck: e.SourceDestCheck,
		Attachment: attachmentOf(e),
	}
	if !e.ServiceManaged {
		s.InstanceID = new(maybe(e.InstanceID))
	}
	switch e.RingsInReply {
	case RingsTopLevel:
		s.RxQueueSize, s.TxQueueSize = e.RxQueueSize, e.TxQueueSize
	case RingsTrafficConfig:
		s.TrafficConfig = trafficConfigOf(e)
	case RingsNowhere:
	}
	s.SecurityGroupIDs.ID = slices.Concat([]string{}, e.SecurityGroupIDs)
	s.IPv6Sets.Set = []ipv6{}
	for _, address := range e.IPv6s {
		s.IPv6Sets.Set = append(s.IPv6Sets.Set, ipv6{address})
	}
	for _, key := range slices.Sorted(maps.Keys(e.Tags)) {
		s.Tags.Tag = append(s.Tags.Tag, replyTag{key, e.Tags[key]})
	}
	return s
}

// owner is the account of the ENI's instance, else of the current one. c.mu is held.
func (c *Cloud) owner(e ENI) string {
	if in, ok := c.instances[e.InstanceID]; ok {
		return in.Owner
	}
	return c.instances[c.current].Owner
}

func attachmentOf(e ENI) attachment {
	if e.InstanceID == "" {
		return attachment{}
	}
	a := attachment{DeviceIndex: new(e.DeviceIndex), NetworkCardIndex: e.NetworkCardIndex}
	if !e.ServiceManaged {
		a.InstanceID = e.InstanceID
	}
	if e.TrunkID != "" {
		a.TrunkNetworkInterfaceID = new(e.TrunkID)
	}
	return a
}

func trafficConfigOf(e ENI) *traffic {
	t := &traffic{Mode: e.TrafficMode, QueueNumber: e.QueueNumber, QueuePairNumber: e.QueuePairNumber}
	if e.RingsInReply == RingsTrafficConfig {
		t.RxQueueSize, t.TxQueueSize = e.RxQueueSize, e.TxQueueSize
	}
	return t
}

func enhancedNetworkOf(e ENI) enhancedNetwork {
	if e.EnhancedNetwork == nil {
		return enhancedNetwork{}
	}
	n := e.EnhancedNetwork
	return enhancedNetwork{n.EnableSriov, n.EnableRss, n.VFTotalQueues, n.VirtualFunction}
}

// connectionTrackingOf fills what was never set with the documented defaults.
func connectionTrackingOf(e ENI) *connectionTracking {
	t := &connectionTracking{TCPEstablishedTimeout: 910, TCPClosedAndTimeWaitTimeout: 3, UDPTimeout: 30}
	if e.ConnectionTracking == nil {
		return t
	}
	for _, f := range []struct {
		to   *int
		from *int
	}{
		{&t.TCPEstablishedTimeout, e.ConnectionTracking.TCPEstablishedTimeout},
		{&t.TCPClosedAndTimeWaitTimeout, e.ConnectionTracking.TCPClosedAndTimeWaitTimeout},
		{&t.UDPTimeout, e.ConnectionTracking.UDPTimeout},
	} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	return t
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
