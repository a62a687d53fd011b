package ecssim

import (
	"fmt"
	"slices"
)

// accessDenied is AccessDeniedDetail as RAM's troubleshooting page shows it.
type accessDenied struct {
	AuthAction               string
	AuthResource             string `json:",omitempty"`
	AuthPrincipalDisplayName string
	AuthPrincipalOwnerID     string `json:"AuthPrincipalOwnerId"`
	AuthPrincipalType        string
	NoPermissionType         string
	PolicyType               string
	EncodedDiagnosticMessage string
}

// Deny makes Forbidden.RAM the answer to the given actions, and to them alone:
// Deny() allows everything.
func (c *Cloud) Deny(actions ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied = slices.Clone(actions)
}

// authorize refuses a denied action, with the detail that the cloud gives. c.mu is held.
func (c *Cloud) authorize(p params) error {
	action := p["Action"]
	if !slices.Contains(c.denied, action) {
		return nil
	}
	in := c.instances[c.current]
	resource := ""
	for _, name := range []string{"NetworkInterfaceId", "ResourceId.1"} {
		if id := p[name]; id != "" {
			resource = fmt.Sprintf("acs:ecs:%s:%s:eni/%s", p["RegionId"], in.Owner, id)
		}
	}
	return &apiError{
		code: codeForbidden, message: "User not authorized to operate on the specified resource, or this API doesn't support RAM.",
		denied: &accessDenied{
			AuthAction: "ecs:" + action, AuthResource: resource,
			AuthPrincipalDisplayName: in.RoleName + ":" + in.ID, AuthPrincipalOwnerID: in.Owner, AuthPrincipalType: "AssumedRoleUser",
			NoPermissionType: "ImplicitDeny", PolicyType: "AccountLevelIdentityBasedPolicy",
			EncodedDiagnosticMessage: "AQEAAAAA" + c.text(64, alphanumeric),
		},
	}
}
