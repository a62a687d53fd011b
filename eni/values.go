package eni

// NetworkInterface is what the ECS API says of one ENI. A nil number is absent
// from the reply, which is not the same as 0: an ENI that was never modified may
// have no QueueNumber, and today's API documents no reply with ring sizes.
type NetworkInterface struct {
	ID          string // eni-…; never empty
	MAC         string // lower-case, with colons; "" when absent or malformed
	Name        string
	Description string
	Type        string // Primary, Secondary, Trunk, Member
	Status      string // Available, Attaching, InUse, Detaching, …
	InstanceID  string // "" when detached, and for an ENI of another cloud service
	VpcID       string
	VSwitchID   string
	ZoneID      string
	PrivateIP   string // the primary private IPv4 address
	IPv6s       []string

	ServiceManaged bool // another cloud service manages it
	ServiceID      string

	QueueNumber     *int
	QueuePairNumber *int // RDMA queue pairs of an ERI
	RxQueueSize     *int // entries
	TxQueueSize     *int // entries

	TrafficMode     string         // Standard or HighPerformance (RDMA)
	TrafficConfig   *TrafficConfig // nil when the reply has none
	EnhancedNetwork *EnhancedNetwork

	// ConnectionTracking is nil unless it was asked for, see [Client.NetworkInterfaceDetail].
	ConnectionTracking *ConnectionTracking

	Attachment       Attachment
	Tags             map[string]string
	SecurityGroupIDs []string
	DeleteOnRelease  *bool
	SourceDestCheck  *bool

	// Problem says what of this ENI could not be read; "" is the rule.
	Problem string
}

// TrafficConfig is NetworkInterfaceTrafficConfig. It repeats fields of the ENI;
// only some replies carry it.
type TrafficConfig struct {
	TrafficMode     string
	QueueNumber     *int
	QueuePairNumber *int
	RxQueueSize     *int // entries
	TxQueueSize     *int // entries
}

// EnhancedNetwork is the SR-IOV side of an ENI.
type EnhancedNetwork struct {
	EnableSriov                     *bool
	EnableRss                       *bool
	VirtualFunctionQuantity         *int
	VirtualFunctionTotalQueueNumber *int
}

// ConnectionTracking holds the connection timeouts of an ENI, in seconds.
type ConnectionTracking struct {
	TCPEstablishedTimeout       *int
	TCPClosedAndTimeWaitTimeout *int
	UDPTimeout                  *int
}

// Instance is what the ECS API says of one instance.
type Instance struct {
	ID       string // i-…; never empty
	Name     string
	Status   string // Pending, Starting, Running, Stopping, Stopped
	Type     string // ecs.g7.xlarge
	RegionID string
	ZoneID   string
	OSType   string // linux or windows
}

// InstancePage is one page of DescribeInstances.
type InstancePage struct {
	Instances []Instance
	NextToken string // "" on the last page
	RequestID string
}

// Attachment is where an ENI is attached.
type Attachment struct {
	InstanceID              string
	DeviceIndex             *int // 0 is the primary ENI
	NetworkCardIndex        *int
	TrunkNetworkInterfaceID string
}

// InstanceType is what an instance type allows. A nil number is absent from the
// reply: MaximumQueueNumberPerEni is for some families.
type InstanceType struct {
	ID     string // ecs.g7.xlarge; never empty
	Family string

	CpuCoreCount             *int
	EniQuantity              *int // ENIs that can be attached, the primary included
	EniTotalQuantity         *int // the same with trunk members
	EriQuantity              *int // RDMA interfaces among them
	NetworkCardQuantity      *int
	PrimaryEniQueueNumber    *int // queues of the primary ENI by default
	SecondaryEniQueueNumber  *int // queues of a secondary ENI by default
	MaximumQueueNumberPerEni *int
	TotalEniQueueQuantity    *int // queues of all ENIs together
	QueuePairNumber          *int // RDMA queue pairs of an ERI

	SriovSupport        *bool
	RssSupport          *bool
	VfQueueNumberPerEni *int
}

// NetworkInterfacePage is one page of DescribeNetworkInterfaces.
type NetworkInterfacePage struct {
	Interfaces []NetworkInterface
	NextToken  string // "" on the last page
	TotalCount *int   // ENIs on all pages together
	RequestID  string
	Problems   []string // what could not be read of single ENIs, each naming its ENI
}

// InstanceTypePage is one page of DescribeInstanceTypes.
type InstanceTypePage struct {
	Types     []InstanceType
	NextToken string // "" on the last page
	RequestID string
}

// Identity is who the instance is.
type Identity struct {
	InstanceID     string // i-…
	RegionID       string // cn-hangzhou
	ZoneID         string // cn-hangzhou-i
	InstanceType   string // ecs.g7.xlarge
	OwnerAccountID string
	MAC            string // of the primary ENI; lower-case, with colons
}

// MetadataInterface is an ENI as the metadata service lists it.
type MetadataInterface struct {
	MAC string // lower-case, with colons
	ENI string // eni-…; "" when the service does not have the id (yet)
}

// What the API says and the rules of a modification look at.
const (
	statusAvailable     = "Available"
	statusInUse         = "InUse"
	instanceStopped     = "Stopped"
	typePrimary         = "Primary"
	typeTrunk           = "Trunk"
	modeStandard        = "Standard"
	modeHighPerformance = "HighPerformance"
)
