package eni

const (
	remedyClock = "check this machine's clock: the cloud accepts 15 minutes of difference"
	remedyDate  = "check this machine's clock: the certificate is not valid at the time that it tells"
	remedyKeys  = "check the RAM role or access key; new credentials are looked up on the next call"
	remedyGrant = "grant ecs:{action} to the RAM role or user whose credentials are used"
)

// gatewayCodes are answered by the API's gateway to any action: who is asking,
// and is there such an action.
func gatewayCodes() []Code {
	return []Code{
		{"Forbidden.RAM", 403, ClassDenied, "the credentials lack this permission", remedyGrant},
		{"NoPermission", 403, ClassDenied, "the credentials lack this permission", remedyGrant},
		{"Forbidden", 403, ClassDenied, "the credentials lack this permission", remedyGrant},
		{"InvalidAccessKeyId.NotFound", 404, ClassCredentials, "the cloud does not know this access key", remedyKeys},
		{"InvalidAccessKeyId.Inactive", 400, ClassCredentials, "this access key is disabled", "enable it, or use another"},
		{"InvalidAccessKeyId", 400, ClassCredentials, "the cloud does not know this access key", remedyKeys},
		{"SignatureDoesNotMatch", 400, ClassCredentials, "the secret does not belong to the access key", "check the access key secret"},
		{"IncompleteSignature", 400, ClassCredentials, "the signature is incomplete", "check the access key secret"},
		{"SignatureNonceUsed", 400, ClassRetry, "the cloud saw this very request before", "run it again"},
		{"InvalidTimeStamp.Expired", 400, ClassCredentials, "the request's time is too far from the cloud's", remedyClock},
		{"InvalidTimeStamp.Format", 400, ClassCredentials, "the request's time cannot be read", remedyClock},
		{"IllegalTimestamp", 400, ClassCredentials, "the request's time is too far from the cloud's", remedyClock},
		{"MissingSecurityToken", 400, ClassCredentials, "the access key is a temporary one and its security token is missing", "set ALIBABA_CLOUD_SECURITY_TOKEN too, or use a RAM role"},
		{"InvalidSecurityToken.Expired", 400, ClassCredentials, "the temporary credentials have expired", remedyKeys},
		{"InvalidSecurityToken.Malformed", 400, ClassCredentials, "the security token is not one", remedyKeys},
		{"InvalidSecurityToken.MismatchWithAccessKey", 400, ClassCredentials, "the security token belongs to another access key", remedyKeys},
		{"InvalidSecurityToken", 400, ClassCredentials, "the cloud does not accept the security token", remedyKeys},
		{"InvalidAction.NotFound", 404, ClassInvalid, "the endpoint does not know the action", "check that the endpoint is the ECS API"},
		{"InvalidVersion", 400, ClassInvalid, "the endpoint does not know the API's version", "check that the endpoint is the ECS API"},
		{"InvalidRegionId.NotFound", 404, ClassNotFound, "the endpoint does not know the region", "check the region id; each region has an endpoint of its own"},
		{"ServiceUnavailable", 503, ClassServer, "the cloud is not available for now", "try again later"},
	}
}

// otherCodes are those of TagResources and the Describe actions.
func otherCodes() []Code {
	return []Code{
		{"InvalidResourceId.NotFound", 404, ClassNotFound, "the ENI does not exist in this region", "check the id and the region; list them with: enitune eni list"},
		{"InvalidResourceType.NotFound", 404, ClassInvalid, "objects of this type have no tags", "check that the endpoint is the ECS API"},
		{"NumberExceed.Tags", 400, ClassQuota, "the ENI would have more tags than it can (20)", "take a tag off the ENI first"},
		{"NumberExceed.ResourceIds", 400, ClassInvalid, "too many objects at a time", "name fewer"},
		{"Duplicate.TagKey", 400, ClassInvalid, "a tag is given twice", "name each once"},
		{"InvalidTagKey.Malformed", 400, ClassInvalid, "the tag's key is not allowed", "at most 128 characters, not beginning with aliyun or acs:"},
		{"InvalidTagValue.Malformed", 400, ClassInvalid, "the tag's value is not allowed", "at most 128 characters"},
		{"InvalidInstanceId.NotFound", 404, ClassNotFound, "the instance does not exist in this region", "check the id and the region"},
		{"IncorrectInstanceStatus", 403, ClassState, "the instance is not in a state that allows this", "wait until it is Running or Stopped"},
		{"InvalidInstanceType.ValueNotSupported", 400, ClassNotFound, "the region does not know the instance type", "check the type's name"},
		{"OperationConflict", 409, ClassRetry, "something else is changing the same object", "it is tried again; run it later if this lasts"},
		{"LastTokenProcessing", 403, ClassRetry, "the request before it is still under way", "it is tried again; run it later if this lasts"},
	}
}
