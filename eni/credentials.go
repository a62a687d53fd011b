package eni

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
)

// credentialSource serves credentials from one named profile of the aliyun CLI,
// or from the default chain: environment, OIDC (RRSA), the CLI's profile, the
// credentials file, the instance's RAM role, a credentials URI.
//
// The chain takes no context and is not safe for several goroutines. So it is
// asked by one goroutine at a time, for which every caller waits no longer than its context,
// and it is thrown away after a failure: an agent that was started before the
// network, or before the role was attached, recovers.
type credentialSource struct {
	profile  string    // "" for the default chain
	metadata *Metadata // gives the role's credentials

	mu    sync.Mutex
	chain credentials.CredentialsProvider // nil: build it anew
	asked *lookup                         // nil: none under way
}

// lookup is one question to the chain; done is closed when the rest is set.
type lookup struct {
	done  chan struct{}
	found snapshot
	err   error
}

// snapshot is what a request is signed with.
type snapshot credentials.Credentials

func (s snapshot) secrets() secrets {
	return secrets{s.AccessKeySecret, s.SecurityToken, s.BearerToken}
}

// get returns credentials, or ctx.Err(), or a *chainError. When ctx ends first,
// the lookup goes on by itself: it is the only one of this source, later callers
// join it, and the providers' own timeouts end it (roleTimeout; 15 s for STS and
// the credentials URI).
func (s *credentialSource) get(ctx context.Context) (snapshot, error) {
	l := s.lookup()
	select {
	case <-l.done:
		return l.found, l.err
	case <-ctx.Done():
		return snapshot{}, ctx.Err()
	}
}

func (s *credentialSource) lookup() *lookup {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.asked != nil {
		return s.asked
	}
	l := &lookup{done: make(chan struct{})}
	if s.chain == nil {
		if s.chain, l.err = newProvider(s.profile, s.metadata); l.err != nil {
			close(l.done)
			return l
		}
	}
	chain := s.chain
	s.asked = l
	go func() {
		defer close(l.done)
		l.found, l.err = ask(chain)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.asked = nil
		if l.err != nil {
			s.chain = nil
		}
	}()
	return l
}

// forget drops the chain with whatever it has cached; for credentials that the
// cloud has rejected.
func (s *credentialSource) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.chain = nil
}

// ask contains the chain's panics: its providers dereference fields that a
// reply may lack.
func ask(chain credentials.CredentialsProvider) (found snapshot, err error) {
	defer func() {
		if recover() != nil {
			err = &chainError{reason: "a provider got a reply that it cannot read"}
		}
	}()
	c, err := chain.GetCredentials()
	switch {
	case err != nil:
		if _, explained := errors.AsType[*chainError](err); explained {
			return snapshot{}, err
		}
		return snapshot{}, &chainError{reason: explainChain(err.Error())}
	case c == nil || c.AccessKeyId == "" || c.AccessKeySecret == "":
		return snapshot{}, &chainError{reason: "the provider gave an incomplete access key"}
	}
	return snapshot(*c), nil
}

// newProvider is what a credentialSource asks. The configuration file is looked
// at first, for the faults that the SDK explains badly or not at all.
func newProvider(profile string, metadata *Metadata) (credentials.CredentialsProvider, error) {
	if profile == "" {
		if err := checkDefaultProfile(); err != nil {
			return nil, &chainError{reason: err.Error()}
		}
		return newDefaultChain(metadata), nil
	}
	if err := checkProfile(profile); err != nil {
		return nil, &chainError{reason: err.Error(), hint: "name another one with --profile, or leave --profile out for the default credentials"}
	}
	return credentials.NewCLIProfileCredentialsProviderBuilder().WithProfileName(profile).Build(), nil
}

// chainError says why the chain gave nothing, in words of ours.
type chainError struct {
	reason string
	hint   string // the remedy; "" for the usual one
}

func (e *chainError) Error() string { return e.reason }

// stsCode finds the error code of an STS refusal in the SDK's text.
var stsCode = lazily(`ErrorCode: ([A-Za-z]+(?:\.[A-Za-z]+)*)\b`)

// explainChain tells from the SDK's text which providers failed and how. It
// repeats none of that text except an STS error code: some providers put a whole
// configuration file, or a whole credentials reply, into their error.
func explainChain(text string) string {
	has := func(s string) bool { return strings.Contains(text, s) }
	var reasons []string
	add := func(when bool, reason string) {
		if when {
			reasons = append(reasons, reason)
		}
	}
	add(has("(ALIBABA_CLOUD_ACCESS_KEY_ID)"), "ALIBABA_CLOUD_ACCESS_KEY_ID is not set")
	add(has("(ALIBABA_CLOUD_ACCESS_KEY_SECRET)"), "ALIBABA_CLOUD_ACCESS_KEY_SECRET is not set")
	add(has("reading aliyun cli config"), "no ~/.aliyun/config.json")
	add(has("unmarshal aliyun cli config"), "~/.aliyun/config.json is not valid JSON")
	add(has("no any configured profiles") || has("unable to get profile with"), "~/.aliyun/config.json lacks the profile")
	add(has("Can not open file"), "no ~/.alibabacloud/credentials")
	add(has("Can not load section") || has("Can not find credential type") || has("Failed to get credential"),
		"~/.alibabacloud/credentials lacks a usable profile")
	add(has("get role name failed: request") && has("security-credentials/ 404"), "no RAM role is attached to this instance")
	add(has("get role name failed") && !has("security-credentials/ 404"), "the metadata service did not give the RAM role's name")
	add(has("refresh Ecs sts token err") || has("get metadata token failed"), "the metadata service gave no credentials for the RAM role")
	add(has("credentials from http"), "ALIBABA_CLOUD_CREDENTIALS_URI gave no credentials")
	if m := stsCode().FindStringSubmatch(text); m != nil {
		reasons = append(reasons, "STS refused with "+m[1])
	}
	if len(reasons) == 0 {
		return "the SDK's credential chain failed"
	}
	return strings.Join(reasons, "; ")
}

// credentialFailure turns an error of get into an [Error].
func credentialFailure(ctx context.Context, action string, err error, limit fmt.Stringer) *Error {
	var chain *chainError
	if errors.As(err, &chain) {
		return &Error{
			Action: action, Class: ClassCredentials, Message: "no credentials: " + chain.reason,
			Hint: cmp.Or(chain.hint, "attach a RAM role to the instance, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
		}
	}
	if ctx.Err() != nil {
		return ended(ctx, action, "while looking for credentials")
	}
	return &Error{
		Action: action, Class: ClassCredentials, Message: fmt.Sprintf("no credentials within %v", limit),
		Hint: "check that the metadata service answers, or raise the timeout",
	}
}
