package eni

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
)

const (
	credentialsDir = "meta-data/ram/security-credentials/"
	// roleTimeout bounds a lookup of the role's credentials, at most four requests
	// that have a timeout each. Who waits for it, waits no longer than an attempt.
	roleTimeout = 30 * time.Second
	// roleMargin is how long before their end the role's credentials are renewed.
	roleMargin = 3 * time.Minute
)

// roleProvider gives the credentials of the instance's RAM role. It takes the
// place of the SDK's provider, which reads replies without a limit, follows
// redirects, asks through HTTP_PROXY and, where the service gives no token,
// without one. It is for one goroutine.
type roleProvider struct {
	metadata *Metadata
	name     string // of the role; "" asks for it

	found snapshot
	ends  time.Time // of found; zero while there are none
}

// newRoleProvider makes the provider; nil where ALIBABA_CLOUD_ECS_METADATA_DISABLED
// forbids it. ALIBABA_CLOUD_ECS_METADATA names the role.
func newRoleProvider(metadata *Metadata) *roleProvider {
	if strings.EqualFold(os.Getenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "true") {
		return nil
	}
	return &roleProvider{metadata: metadata, name: os.Getenv("ALIBABA_CLOUD_ECS_METADATA")}
}

func (p *roleProvider) GetProviderName() string { return "ecs_ram_role" }

// GetCredentials returns those found before, until shortly before their end; if
// they cannot be renewed then, until their end. An error is a *chainError.
func (p *roleProvider) GetCredentials() (*credentials.Credentials, error) {
	if left := time.Until(p.ends); left < roleMargin {
		ctx, cancel := context.WithTimeout(context.Background(), roleTimeout)
		defer cancel()
		if err := p.renew(ctx); err != nil && left <= 0 {
			return nil, err
		}
	}
	c := credentials.Credentials(p.found)
	return &c, nil
}

func (p *roleProvider) renew(ctx context.Context) error {
	name := p.name
	if name == "" {
		var err error
		name, err = p.metadata.RAMRole(ctx)
		switch {
		case errors.Is(err, ErrNotFound):
			return &chainError{reason: "no RAM role is attached to this instance"}
		case err != nil:
			return &chainError{reason: "the metadata service did not give the RAM role's name: " + err.Error()}
		}
	}
	if !isWord(name) {
		return &chainError{reason: "ALIBABA_CLOUD_ECS_METADATA is no name of a RAM role"}
	}
	body, err := p.metadata.get(ctx, credentialsDir+name)
	if err != nil {
		return &chainError{reason: "the metadata service gave no credentials for the RAM role: " + err.Error()}
	}
	found, ends, err := parseRoleCredentials(body)
	if err != nil {
		return &chainError{reason: "the metadata service gave no credentials for the RAM role: " + err.Error()}
	}
	found.ProviderName = p.GetProviderName()
	p.found, p.ends = found, ends
	return nil
}

// parseRoleCredentials reads a role's credentials. Its errors quote nothing of
// them.
func parseRoleCredentials(body []byte) (snapshot, time.Time, error) {
	var reply struct {
		AccessKeyID     string `json:"AccessKeyId"`
		AccessKeySecret string
		SecurityToken   string
		Expiration      time.Time // RFC 3339, in UTC
		Code            string
	}
	switch err := json.Unmarshal(body, &reply); {
	case err != nil:
		return snapshot{}, time.Time{}, errors.New("the reply cannot be read")
	case reply.Code != "Success":
		return snapshot{}, time.Time{}, errors.New("the reply does not say Success")
	case reply.AccessKeyID == "" || reply.AccessKeySecret == "" || reply.SecurityToken == "" || reply.Expiration.IsZero():
		return snapshot{}, time.Time{}, errors.New("the reply is incomplete")
	}
	return snapshot{
		AccessKeyId: reply.AccessKeyID, AccessKeySecret: reply.AccessKeySecret, SecurityToken: reply.SecurityToken,
	}, reply.Expiration, nil
}
