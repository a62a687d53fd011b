package ecssim

// InstanceType holds the quotas of one instance type. A nil field is absent
// from the reply, as the API leaves out what a type does not define.
type InstanceType struct {
	InstanceTypeID           string               `json:"InstanceTypeId" yaml:"instance_type_id"`
	InstanceTypeFamily       string               `json:"InstanceTypeFamily,omitempty" yaml:"instance_type_family,omitempty"`
	CPUCoreCount             *int                 `json:"CpuCoreCount,omitempty" yaml:"cpu_core_count,omitempty"`
	EniQuantity              *int                 `json:"EniQuantity,omitempty" yaml:"eni_quantity,omitempty"`
	EniTotalQuantity         *int                 `json:"EniTotalQuantity,omitempty" yaml:"eni_total_quantity,omitempty"`
	EniTrunkSupported        *bool                `json:"EniTrunkSupported,omitempty" yaml:"eni_trunk_supported,omitempty"`
	PrimaryEniQueueNumber    *int                 `json:"PrimaryEniQueueNumber,omitempty" yaml:"primary_eni_queue_number,omitempty"`
	SecondaryEniQueueNumber  *int                 `json:"SecondaryEniQueueNumber,omitempty" yaml:"secondary_eni_queue_number,omitempty"`
	MaximumQueueNumberPerEni *int                 `json:"MaximumQueueNumberPerEni,omitempty" yaml:"maximum_queue_number_per_eni,omitempty"`
	TotalEniQueueQuantity    *int                 `json:"TotalEniQueueQuantity,omitempty" yaml:"total_eni_queue_quantity,omitempty"`
	QueuePairNumber          *int                 `json:"QueuePairNumber,omitempty" yaml:"queue_pair_number,omitempty"`
	EriQuantity              *int                 `json:"EriQuantity,omitempty" yaml:"eri_quantity,omitempty"`
	NetworkCardQuantity      *int                 `json:"NetworkCardQuantity,omitempty" yaml:"network_card_quantity,omitempty"`
	EnhancedNetwork          *TypeEnhancedNetwork `json:"EnhancedNetwork,omitempty" yaml:"enhanced_network,omitempty"`
}

// TypeEnhancedNetwork is the part of an instance type that tells of virtual
// functions; common types have an empty one.
type TypeEnhancedNetwork struct {
	SriovSupport        *bool `json:"SriovSupport,omitempty" yaml:"sriov_support,omitempty"`
	RssSupport          *bool `json:"RssSupport,omitempty" yaml:"rss_support,omitempty"`
	VfQueueNumberPerEni *int  `json:"VfQueueNumberPerEni,omitempty" yaml:"vf_queue_number_per_eni,omitempty"`
}

// builtinTypes are the types that every Cloud starts with. The numbers were
// read from real DescribeInstanceTypes replies; what those did not have, or
// nobody wrote down, is absent.
func builtinTypes() []InstanceType {
	return []InstanceType{
		{
			InstanceTypeID: "ecs.g7.xlarge", InstanceTypeFamily: "ecs.g7",
			CPUCoreCount: new(4), EniQuantity: new(4), EniTotalQuantity: new(20), EniTrunkSupported: new(true),
			PrimaryEniQueueNumber: new(4), SecondaryEniQueueNumber: new(4),
			MaximumQueueNumberPerEni: new(4), TotalEniQueueQuantity: new(16),
			EriQuantity: new(0), EnhancedNetwork: &TypeEnhancedNetwork{},
		},
		{
			InstanceTypeID: "ecs.u1-c1m4.xlarge", InstanceTypeFamily: "ecs.u1",
			CPUCoreCount: new(4), EniQuantity: new(3), EniTotalQuantity: new(6), EniTrunkSupported: new(true),
			PrimaryEniQueueNumber: new(2), SecondaryEniQueueNumber: new(2),
			TotalEniQueueQuantity: new(6), EriQuantity: new(0),
		},
		{
			InstanceTypeID: "ecs.ebmre7p.32xlarge", InstanceTypeFamily: "ecs.ebmre7p",
			PrimaryEniQueueNumber: new(32), SecondaryEniQueueNumber: new(16),
			TotalEniQueueQuantity: new(528),
		},
	}
}
