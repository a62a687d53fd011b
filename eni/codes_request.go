package eni

// Remedies that several codes share.
const (
	remedyValues  = "correct the value; enitune eni set checks every value before it sends anything"
	remedyLimits  = "see what is left with: enitune eni limits"
	remedyStop    = "stop the instance, run this again, start it; or detach the ENI, change it, attach it again"
	remedyPreview = "ask Alibaba Cloud for the preview with a ticket that names the account, the region and the parameter"
	remedyShow    = "see what the ENI is with: enitune eni show ENI"
)

// modifyRequestCodes are the codes of ModifyNetworkInterfaceAttribute for wrong
// parameters, objects that do not exist, and the cloud's own troubles.
func modifyRequestCodes() []Code {
	return []Code{
		{"MissingParameter", 400, ClassInvalid, "the request lacks a parameter", "see which one the message names"},
		{"UnsupportedParameter", 400, ClassUnsupported, "a parameter is not supported for this ENI, region or account", remedyPreview},
		{"InvalidParameter", 400, ClassInvalid, "a parameter has a value that the cloud does not accept", remedyValues},
		{"InvalidParameter.Conflict", 400, ClassInvalid, "two parameters contradict each other",
			"give each setting once: at the top or in the traffic configuration"},
		{"InvalidInstanceID.Malformed", 400, ClassInvalid, "the instance id is not one", "ids look like i-bp67acfmxazb4p1"},
		{"InvalidParams.EniId", 400, ClassInvalid, "the ENI id is not one", "ids look like eni-bp67acfmxazb4p1; list them with: enitune eni list"},
		{"InvalidParams.NetworkInterfaceName", 403, ClassInvalid, "the name is not allowed",
			"2 to 128 letters, digits, Chinese characters, : _ . -, beginning with a letter or a Chinese character, not with http:// or https://"},
		{"InvalidParameter.InvalidEniQueueNumber", 403, ClassInvalid, "the queue number is not allowed", "1 to 2048, within the instance type's limit; " + remedyLimits},
		{"InvalidParameter.EniQueueSize", 400, ClassInvalid, "the ring sizes are not equal or out of range", "give both the same: 8192 or 16384"},
		{"InvalidParameter.EniConnectionTrackingConfiguration", 400, ClassInvalid, "a connection timeout is not allowed",
			"TCP established 30, 60, 80, 100, 200, 300, 500, 700 or 910; TCP closed and time-wait 3 to 15; UDP 10, 20, 30, 60, 80 or 100 seconds"},
		{"InvalidParameter.EniTrafficMode", 400, ClassInvalid, "the traffic mode is neither of the two", "Standard or HighPerformance"},
		{"InvalidParameter.QueuePairNumberMustEmpty", 400, ClassInvalid, "queue pairs are for RDMA only", "leave them out, or set the traffic mode to HighPerformance"},
		{"InvalidParameter.EniEnhancedNetwork", 400, ClassInvalid, "the numbers of virtual functions do not go with SR-IOV as given",
			"with SR-IOV true give the total queues and 1 to 256 virtual functions; otherwise give neither"},
		{"InvalidParameter.SecurityGroupIdRepeated", 404, ClassInvalid, "a security group is given twice", "name each once"},
		{"InvalidSecurityGroupId.NotVpc", 403, ClassInvalid, "the security group does not belong to a VPC", "name a security group of the ENI's VPC"},
		{"InvalidOperation.AvailabilityZoneMismatch", 403, ClassInvalid, "the objects are in different zones", "name objects of the ENI's zone"},
		{"InvalidOperation.VpcMismatch", 403, ClassInvalid, "the objects belong to different VPCs", "name security groups of the ENI's VPC"},
		{"InvalidOperation.MultiGroupType", 403, ClassInvalid, "basic and enterprise security groups cannot be mixed on one ENI",
			"name groups of one type only"},
		{"InvalidEcsId.NotFound", 404, ClassNotFound, "the instance does not exist in this region", "check the id and the region"},
		{"InvalidEniId.NotFound", 404, ClassNotFound, "the ENI does not exist in this region", "check the id and the region; list them with: enitune eni list"},
		{"InvalidVSwitchId.NotFound", 404, ClassNotFound, "the vSwitch does not exist in this region", "check the id and the region"},
		{"InvalidSecurityGroupId.NotFound", 404, ClassNotFound, "the security group does not exist in this region", "check the id and the region"},
		{"Throttling", 400, ClassThrottled, "too many requests: the limit is shared by the whole account in this region",
			"it is tried again later; if this lasts, let fewer tools call the API at a time"},
		{"InternalError", 500, ClassServer, "the cloud failed", "try again; if it lasts, open a ticket with the request id"},
	}
}

// modifyFeatureCodes are its codes for states, quotas and features.
func modifyFeatureCodes() []Code {
	return []Code{
		{"InvalidOperation.NotSupportModifyQueueNumber", 400, ClassUnsupported, "the queue number of this ENI cannot be changed",
			"the instance type or the ENI's type does not allow it; " + remedyLimits},
		{"InvalidOperation.InvalidEcsState", 400, ClassState, "the instance is not in a state that allows this", remedyStop},
		{"InvalidOperation.InvalidEniState", 400, ClassState, "the ENI is not in a state that allows this",
			"wait until it is Available or InUse; " + remedyShow},
		{"InvalidOperation.InvalidEniState", 403, ClassState, "the queue number changes only while the ENI is Available or its instance is Stopped", remedyStop},
		{"InvalidOperation.DetachPrimaryEniNotAllowed", 400, ClassState, "the primary ENI cannot be detached", "stop the instance instead, or use a secondary ENI"},
		{"InvalidOperation.InvalidEniType", 403, ClassState, "an ENI of this type cannot be changed like this", remedyShow},
		{"InvalidOperation.EniTypeUnsupported", 403, ClassUnsupported, "ENIs of this type are not supported for this", remedyShow},
		{"InvalidOperation.ModifyPrimaryEniQueueNumber", 403, ClassState, "the queue number of a primary ENI is fixed when its instance is launched",
			"launch the instance with the number you need, or use a secondary ENI"},
		{"InvalidOperation.PrimaryEniOnlySupportModifyNameAndDesc", 404, ClassState, "only the name and the description of a primary ENI can be changed",
			"leave the rest out, or use a secondary ENI"},
		{"InvalidOperation.MaxEniQueueNumberExceeded", 403, ClassQuota, "more queues than the instance type allows one ENI", remedyLimits},
		{"InvalidOperation.ExceedInstanceTypeQueueNumber", 403, ClassQuota, "more queues than the instance type allows all its ENIs together",
			"lower another ENI of the instance first, or take a larger type; " + remedyLimits},
		{"InvalidParameter.InvalidQueuePairNumber", 400, ClassQuota, "more queue pairs than allowed", remedyLimits},
		{"InvalidOperation.MaxEniQueuePairNumberExceed", 400, ClassQuota, "more queue pairs than the instance type allows one RDMA ENI", remedyLimits},
		{"InvalidOperation.EniQueuePairNumberOverflow", 400, ClassQuota, "more queue pairs than the instance allows all its RDMA ENIs together",
			"lower another RDMA ENI of the instance first; " + remedyLimits},
		{"InvalidOperation.HighPerformanceEniPerInstanceLimitExceeded", 400, ClassQuota, "the instance has as many RDMA ENIs as its type allows", remedyLimits},
		{"InvalidOperation.InstanceTypeNotSupportHighPerformance", 400, ClassUnsupported, "the instance type has no RDMA", "take a type with an ERI quota; " + remedyLimits},
		{"InvalidTrafficMode.ModifyToStandardNotSupported", 400, ClassState, "an ENI in HighPerformance mode cannot go back to Standard", "create another ENI and attach it in its place"},
		{"InvalidOperation.EniTrafficModeNotSupportIPv6", 400, ClassState, "RDMA does not go with IPv6", "take the IPv6 addresses off the ENI first"},
		{"InvalidOperation.InstanceTypeNotSupportRss", 400, ClassUnsupported, "the instance type has no RSS", "leave RSS out, or take another type"},
		{"InvalidOperation.NotSupportModifyVFQueueNumberAndVFQuantity", 400, ClassState, "the numbers of virtual functions cannot be changed while SR-IOV is on",
			"switch SR-IOV off first, then on with the new numbers"},
		{"InvalidOperation.TrunkAttachmentMustEmpty", 400, ClassState, "SR-IOV of a trunk ENI can only be switched on while it is detached", "detach the ENI, run this again, attach it"},
		{"InvalidEniQueueSize.RegionOrUserNotSupported", 400, ClassUnsupported, "ring sizes are a private preview that this region or account does not have", remedyPreview},
		{"InvalidConnectionTrackingConfiguration.RegionOrUserNotSupported", 400, ClassUnsupported,
			"connection timeouts are not available in this region or to this account", remedyPreview},
		{"InvalidOperation.SourceDestCheckUnsupported", 400, ClassUnsupported, "this region has no source/destination check", "leave it out"},
		{"Forbidden.RegionId", 400, ClassUnsupported, "this region does not offer this", "use another region"},
		{"JoinedGroupLimitExceed", 400, ClassQuota, "the ENI would be in more security groups than its quota allows",
			"name fewer groups, or raise the quota in the Quota Center"},
		{"SecurityGroupInstanceLimitExceed", 403, ClassQuota, "the security group is full", "use another group"},
		{"InvalidOperation.EniCountExceeded", 403, ClassQuota, "the enterprise security group has as many ENIs as it can", "use another group"},
		{"MaxEniCountExceeded", 403, ClassQuota, "the account has as many ENIs as it can", "raise the quota in the Quota Center"},
		{"EniPerInstanceLimitExceeded", 403, ClassQuota, "the instance has as many ENIs as its type allows", remedyLimits},
		{"AclLimitExceed", 403, ClassQuota, "the security groups together have more rules than an ENI can carry", "name fewer groups, or groups with fewer rules"},
	}
}

// modifyDeniedCodes are its codes for who is not allowed to do it.
func modifyDeniedCodes() []Code {
	return []Code{
		{"InvalidUserType.NotSupported", 403, ClassUnsupported, "this kind of account cannot do this", "use another account, or ask Alibaba Cloud with a ticket"},
		{"Abs.InvalidAccount.NotFound", 403, ClassCredentials, "the account does not exist or its access key has expired", "use a valid access key or RAM role"},
		{"Forbidden.NotSupportRAM", 403, ClassDenied, "RAM users and roles cannot do this at all", "use the account itself"},
		{"Forbidden.SubUser", 403, ClassDenied, "this RAM user or role may not manage this object", "ask the account's owner to grant ecs:{action} on it"},
		{"InvalidOperation.EniServiceManaged", 403, ClassState, "another cloud service manages this ENI", "change it through that service; " + remedyShow},
		{"InvalidOperation.ResourceManagedByCloudProduct", 403, ClassState, "a cloud service manages the security group", "name groups of your own"},
	}
}
