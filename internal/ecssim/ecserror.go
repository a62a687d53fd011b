package ecssim

import (
	"fmt"
	"net/http"
	"net/url"
)

// code is an error code of the ECS API.
type code string

// Codes of the gateway, which every action can answer.
const (
	codeInvalidParameter       code = "InvalidParameter"
	codeMissingParameter       code = "MissingParameter"
	codeInvalidAction          code = "InvalidAction.NotFound"
	codeInvalidVersion         code = "InvalidVersion"
	codeInvalidRegion          code = "InvalidRegionId.NotFound"
	codeAccessKeyNotFound      code = "InvalidAccessKeyId.NotFound"
	codeSignatureMismatch      code = "SignatureDoesNotMatch"
	codeNonceUsed              code = "SignatureNonceUsed"
	codeTimestampFormat        code = "InvalidTimeStamp.Format"
	codeTimestampExpired       code = "InvalidTimeStamp.Expired"
	codeMissingSecurityToken   code = "MissingSecurityToken"
	codeSecurityTokenExpired   code = "InvalidSecurityToken.Expired"
	codeSecurityTokenMalformed code = "InvalidSecurityToken.Malformed"
	codeSecurityTokenMismatch  code = "InvalidSecurityToken.MismatchWithAccessKey"
	codeThrottling             code = "Throttling"
	codeForbidden              code = "Forbidden.RAM"
)

// Codes of the ENI actions, from the error table of
// ModifyNetworkInterfaceAttribute except for the last three.
const (
	codeENINotFound             code = "InvalidEniId.NotFound"
	codeServiceManaged          code = "InvalidOperation.EniServiceManaged"
	codeENIName                 code = "InvalidParams.NetworkInterfaceName"
	codeConflict                code = "InvalidParameter.Conflict"
	codeModifyPrimaryQueues     code = "InvalidOperation.ModifyPrimaryEniQueueNumber"
	codePrimaryNameAndDesc      code = "InvalidOperation.PrimaryEniOnlySupportModifyNameAndDesc"
	codeENIState                code = "InvalidOperation.InvalidEniState"
	codeQueueNumber             code = "InvalidParameter.InvalidEniQueueNumber"
	codeQueueNumberExceeded     code = "InvalidOperation.MaxEniQueueNumberExceeded"
	codeTotalQueuesExceeded     code = "InvalidOperation.ExceedInstanceTypeQueueNumber"
	codeQueueSize               code = "InvalidParameter.EniQueueSize"
	codeQueueSizeUnsupported    code = "InvalidEniQueueSize.RegionOrUserNotSupported"
	codeTrafficMode             code = "InvalidParameter.EniTrafficMode"
	codeQueuePairsMustBeEmpty   code = "InvalidParameter.QueuePairNumberMustEmpty"
	codeQueuePairNumberExceeded code = "InvalidOperation.MaxEniQueuePairNumberExceed"
	codeConnectionTracking      code = "InvalidParameter.EniConnectionTrackingConfiguration"
	codeEnhancedNetwork         code = "InvalidParameter.EniEnhancedNetwork"
	codeSecurityGroupRepeated   code = "InvalidParameter.SecurityGroupIdRepeated"
	codeSecurityGroupNotFound   code = "InvalidSecurityGroupId.NotFound"
	codeSecurityGroupsExceeded  code = "JoinedGroupLimitExceed"
	codeENIID                   code = "InvalidParams.EniId"
	codeToStandard              code = "InvalidTrafficMode.ModifyToStandardNotSupported"
	codeNoRDMA                  code = "InvalidOperation.InstanceTypeNotSupportHighPerformance"
	codeERIsExceeded            code = "InvalidOperation.HighPerformanceEniPerInstanceLimitExceeded"
	codeRDMAWithIPv6            code = "InvalidOperation.EniTrafficModeNotSupportIPv6"
	codeQueuePairNumber         code = "InvalidParameter.InvalidQueuePairNumber"
	codeTrackingUnsupported     code = "InvalidConnectionTrackingConfiguration.RegionOrUserNotSupported"
	codeSourceDestUnsupported   code = "InvalidOperation.SourceDestCheckUnsupported"
	codeNoRSS                   code = "InvalidOperation.InstanceTypeNotSupportRss"
	codeUnsupportedParameter    code = "UnsupportedParameter"
	codeVirtualFunctionsFixed   code = "InvalidOperation.NotSupportModifyVFQueueNumberAndVFQuantity"
	codeTrunkAttached           code = "InvalidOperation.TrunkAttachmentMustEmpty"
	codeResourceType            code = "InvalidResourceType.NotFound"
	codeResourceNotFound        code = "InvalidResourceId.NotFound"
	codeTooManyTags             code = "NumberExceed.Tags"
)

// httpStatus is the documented status of a code. What is not listed is 400,
// which is also the documented status of Throttling.
func (c code) httpStatus() int {
	switch c {
	case codeInvalidAction, codeInvalidRegion, codeAccessKeyNotFound, codeENINotFound, codeSecurityGroupNotFound,
		codeSecurityGroupRepeated, codePrimaryNameAndDesc, codeResourceType, codeResourceNotFound,
		"InvalidEcsId.NotFound", "InvalidVSwitchId.NotFound":
		return http.StatusNotFound
	case codeServiceManaged, codeENIName, codeModifyPrimaryQueues, codeENIState,
		codeQueueNumber, codeQueueNumberExceeded, codeTotalQueuesExceeded, codeForbidden, "NoPermission",
		"InvalidUserType.NotSupported", "Abs.InvalidAccount.NotFound", "Forbidden.NotSupportRAM", "Forbidden.SubUser",
		"MaxEniCountExceeded", "EniPerInstanceLimitExceeded", "InvalidOperation.AvailabilityZoneMismatch",
		"InvalidOperation.VpcMismatch", "SecurityGroupInstanceLimitExceed", "InvalidSecurityGroupId.NotVpc",
		"InvalidOperation.InvalidEniType", "InvalidOperation.MultiGroupType", "InvalidOperation.EniCountExceeded",
		"InvalidOperation.ResourceManagedByCloudProduct", "AclLimitExceed", "InvalidOperation.EniTypeUnsupported":
		return http.StatusForbidden
	case "InternalError":
		return http.StatusInternalServerError
	case "ServiceUnavailable":
		return http.StatusServiceUnavailable
	default:
		return http.StatusBadRequest
	}
}

// apiError is an error that the API answers with.
type apiError struct {
	code    code
	message string
	denied  *accessDenied // nil but for Forbidden.RAM
}

func (e *apiError) Error() string { return string(e.code) + ": " + e.message }

func apiErrorf(c code, format string, args ...any) error {
	return &apiError{code: c, message: fmt.Sprintf(format, args...)}
}

func invalidParameter(name string) error {
	return apiErrorf(codeInvalidParameter, "The specified parameter %q is not valid.", name)
}

// errorBody is the error document, in the cloud's order of fields.
type errorBody struct {
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
	Code      string `json:"Code"`
	Message   string `json:"Message"`
	Recommend string `json:"Recommend"`

	AccessDeniedDetail *accessDenied `json:"AccessDeniedDetail,omitempty"`
}

// errorReply renders an error as the API does; status 0 means the code's own.
func errorReply(requestID, region string, status int, e *apiError) reply {
	if status == 0 {
		status = e.code.httpStatus()
	}
	host := "ecs.aliyuncs.com"
	if region != "" {
		host = "ecs." + region + ".aliyuncs.com"
	}
	query := url.Values{"q": {string(e.code)}, "product": {"Ecs"}, "requestId": {requestID}}
	return jsonReply(status, string(e.code), errorBody{
		RequestID: requestID,
		HostID:    host,
		Code:      string(e.code),
		Message:   e.message,
		Recommend: "https://api.aliyun.com/troubleshoot?" + query.Encode(),

		AccessDeniedDetail: e.denied,
	})
}

// jsonReply renders a document of the API.
func jsonReply(status int, code string, document any) reply {
	return reply{status: status, code: code, contentType: "application/json;charset=utf-8", body: []byte(mustJSON(document))}
}
