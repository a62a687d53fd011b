package eni

import (
	"context"
	"strings"
)

// SourceRAMRole is the Source of a [CredentialSource] that the instance's RAM
// role gave.
const SourceRAMRole = "RAM role of the instance"

// CredentialSource names the credentials in use. It holds no secret.
type CredentialSource struct {
	// Source says in words where they come from, such as [SourceRAMRole].
	Source string
	// Provider is the SDK's name of it, such as default/ecs_ram_role.
	Provider string
	// AccessKeyID is the key's id, all but its last four characters hidden.
	AccessKeyID string
	// Temporary: there is a security token, so they expire and are renewed.
	Temporary bool
}

// CredentialSource looks for credentials as a call would, and tells where they
// come from. Its failures are [*Error] with ErrCredentials. That credentials
// were found does not mean that the cloud accepts them.
func (c *Client) CredentialSource(ctx context.Context) (CredentialSource, error) {
	const what = "credentials"
	limited, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	found, err := c.credentials.get(limited)
	if err != nil {
		return CredentialSource{}, credentialFailure(ctx, what, err, c.timeout)
	}
	return CredentialSource{
		Source:      sourceName(found.ProviderName),
		Provider:    oneLine(found.ProviderName),
		AccessKeyID: maskKey(found.AccessKeyId),
		Temporary:   found.SecurityToken != "",
	}, nil
}

// sourceName puts the SDK's name of a provider in words. In front of it stands
// "default/" when the default chain found it, behind it what the provider itself
// made use of.
func sourceName(provider string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(provider, "default/"), "/")
	switch first {
	case "env":
		return "environment (ALIBABA_CLOUD_ACCESS_KEY_ID)"
	case "oidc_role_arn":
		return "OIDC (RRSA)"
	case "cli_profile":
		return "profile of the aliyun CLI (" + cliConfigFile + ")"
	case "profile":
		return "credentials file (~/.alibabacloud/credentials)"
	case "ecs_ram_role":
		return SourceRAMRole
	case "credential_uri":
		return "ALIBABA_CLOUD_CREDENTIALS_URI"
	default:
		return oneLine(provider)
	}
}

// maskKey keeps the last four characters of an access key id, which tell keys
// apart, and nothing of an id that is hardly longer.
func maskKey(id string) string {
	const shown, hidden = 4, 4
	if len(id) < shown+hidden {
		return strings.Repeat("*", hidden)
	}
	return strings.Repeat("*", hidden) + oneLine(id[len(id)-shown:])
}
