package eni

import (
	"errors"
	"os"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
)

// defaultChain is the SDK's default chain with a RAM-role provider of ours. The
// first provider that gives credentials is asked from then on. It is for one
// goroutine.
type defaultChain struct {
	providers []credentials.CredentialsProvider
	inUse     credentials.CredentialsProvider
}

// newDefaultChain makes the chain anew from the environment, in the order of the
// SDK's NewDefaultCredentialsProvider.
func newDefaultChain(metadata *Metadata) *defaultChain {
	list := []credentials.CredentialsProvider{credentials.NewEnvironmentVariableCredentialsProvider()}
	if oidc, err := credentials.NewOIDCCredentialsProviderBuilder().Build(); err == nil {
		list = append(list, oidc)
	}
	list = append(list, credentials.NewCLIProfileCredentialsProviderBuilder().Build(), credentials.NewProfileCredentialsProviderBuilder().Build())
	if role := newRoleProvider(metadata); role != nil {
		list = append(list, role)
	}
	if os.Getenv("ALIBABA_CLOUD_CREDENTIALS_URI") != "" {
		if uri, err := credentials.NewURLCredentialsProviderBuilderBuilder().Build(); err == nil {
			list = append(list, uri)
		}
	}
	return &defaultChain{providers: list}
}

func (c *defaultChain) GetProviderName() string { return "default" }

// GetCredentials returns the credentials of the provider in use, or of the first
// that has any. An error is a *chainError, which tells of all that were asked.
func (c *defaultChain) GetCredentials() (*credentials.Credentials, error) {
	asked := c.providers
	if c.inUse != nil {
		asked = []credentials.CredentialsProvider{c.inUse}
	}
	var texts, reasons []string
	for _, p := range asked {
		found, err := p.GetCredentials()
		if err == nil && found != nil {
			c.inUse = p
			named := *found
			if named.ProviderName == "" {
				named.ProviderName = p.GetProviderName()
			}
			named.ProviderName = c.GetProviderName() + "/" + named.ProviderName
			return &named, nil
		}
		if ours, ok := errors.AsType[*chainError](err); ok {
			reasons = append(reasons, ours.reason)
		} else if err != nil {
			texts = append(texts, err.Error())
		}
	}
	if len(texts) > 0 || len(reasons) == 0 {
		reasons = append([]string{explainChain(strings.Join(texts, ", "))}, reasons...)
	}
	return nil, &chainError{reason: strings.Join(reasons, "; ")}
}
