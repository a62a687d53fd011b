package doctor

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/net/http/httpproxy"

	"github.com/enitune/enitune/eni"
)

// fakeMetadata answers with what it holds.
type fakeMetadata struct {
	identity eni.Identity
	err      error // of all questions
	enis     []eni.MetadataInterface
}

func (m fakeMetadata) Identity(context.Context) (eni.Identity, error) { return m.identity, m.err }
func (m fakeMetadata) Interfaces(context.Context) ([]eni.MetadataInterface, error) {
	return m.enis, m.err
}
func (m fakeMetadata) RAMRole(context.Context) (string, error) { return "Enitune", m.err }
func (m fakeMetadata) ClockSkew(context.Context) (time.Duration, error) {
	return time.Second, m.err
}

// fakeAPI fails as told, by action, and notes what it was asked.
type fakeAPI struct {
	fail  map[string]error
	asked []string
}

func (a *fakeAPI) answer(action, subject string) error {
	a.asked = append(a.asked, action+" "+subject)
	return a.fail[action]
}
func (a *fakeAPI) NetworkInterfaces(_ context.Context, q eni.Query) ([]eni.NetworkInterface, error) {
	return nil, a.answer("DescribeNetworkInterfaces", q.InstanceID)
}
func (a *fakeAPI) NetworkInterface(_ context.Context, id string) (eni.NetworkInterface, error) {
	return eni.NetworkInterface{}, a.answer("DescribeNetworkInterfaceAttribute", id)
}
func (a *fakeAPI) InstanceTypes(_ context.Context, types ...string) ([]eni.InstanceType, error) {
	return nil, a.answer("DescribeInstanceTypes", types[0])
}
func (a *fakeAPI) Instances(_ context.Context, ids ...string) ([]eni.Instance, error) {
	return nil, a.answer("DescribeInstances", ids[0])
}
func (a *fakeAPI) Endpoint() string { return "https://ecs.invalid" }
func (a *fakeAPI) ClockSkew(context.Context) (time.Duration, error) {
	return 0, a.answer("clock", "")
}
func (a *fakeAPI) CredentialSource(context.Context) (eni.CredentialSource, error) {
	return eni.CredentialSource{Provider: "default/env"}, a.answer("credentials", "")
}

func TestProbeCloudAsksOnlyWhatCanBeAnswered(t *testing.T) {
	identity := eni.Identity{InstanceID: "i-1", RegionID: "cn-hangzhou", InstanceType: "ecs.g7.xlarge"}
	here := fakeMetadata{identity: identity, enis: []eni.MetadataInterface{{MAC: "00:16:3e:00:00:01", ENI: "eni-1"}}}
	dark := fakeMetadata{err: errors.New("no route")}
	all := []string{"clock ", "credentials ", "DescribeNetworkInterfaces i-1", "DescribeInstanceTypes ecs.g7.xlarge",
		"DescribeNetworkInterfaceAttribute eni-1", "DescribeInstances i-1"}
	rejected := &eni.Error{Class: eni.ClassCredentials}
	missing := &eni.Error{Class: eni.ClassNotFound}
	tests := []struct {
		name               string
		metadata           fakeMetadata
		instanceID, region string
		known              eni.Identity
		fail               map[string]error
		asked              []string
		unasked            string // of the last probe
	}{
		{name: "all answer", metadata: here, asked: all},
		{name: "one permission is missing", metadata: here, fail: map[string]error{"DescribeInstanceTypes": denied("")}, asked: all},
		{name: "what is asked for is not there", metadata: here, fail: map[string]error{"DescribeInstances": missing}, asked: all},
		{name: "the endpoint is out of reach", metadata: here, fail: map[string]error{"clock": errors.New("refused")}, asked: all[:2], unasked: "the ECS API does not answer"},
		{name: "no credentials", metadata: here, fail: map[string]error{"credentials": rejected}, asked: all[:2], unasked: "there are no credentials"},
		{name: "credentials rejected", metadata: here, fail: map[string]error{"DescribeNetworkInterfaces": rejected}, asked: all[:3], unasked: "the credentials are not accepted"},
		{name: "no metadata", metadata: dark, unasked: "the region is not known"},
		{name: "no metadata, only the region is configured", metadata: dark, region: "cn-hangzhou", asked: all[:2], unasked: "the instance is not known"},
		{name: "no metadata, the instance is known from before", metadata: dark, known: identity,
			asked: []string{"clock ", "credentials ", "DescribeNetworkInterfaces i-1", "DescribeInstanceTypes ecs.g7.xlarge", "DescribeInstances i-1"}},
		{name: "no metadata, another instance is configured", metadata: dark, known: identity, instanceID: "i-2", unasked: "the region is not known"},
		{name: "no metadata, all configured", metadata: dark, region: "cn-hangzhou", instanceID: "i-1",
			asked: []string{"clock ", "credentials ", "DescribeNetworkInterfaces i-1", "DescribeInstances i-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			api := &fakeAPI{fail: tt.fail}
			c := ProbeCloud(t.Context(), CloudOptions{
				Metadata: tt.metadata, Connect: func(string) (API, error) { return api, nil }, InstanceID: tt.instanceID, Region: tt.region, Known: tt.known,
			})
			if d := cmp.Diff(tt.asked, api.asked, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			last := c.Probes[len(c.Probes)-1]
			if len(c.Probes) != 4 || last.Unasked != tt.unasked || errors.Is(last.Err, eni.ErrNotFound) {
				t.Errorf("%+v", c.Probes)
			}
		})
	}
}

func TestAProxyIsFoundAsNetHTTPFindsIt(t *testing.T) {
	tests := []struct {
		env  httpproxy.Config
		url  string
		want string
	}{
		{httpproxy.Config{}, "http://100.100.100.200/", ""},
		{httpproxy.Config{HTTPProxy: "http://user:secret@proxy:3128"}, "http://100.100.100.200/", "proxy:3128"},
		{httpproxy.Config{HTTPProxy: "proxy:3128", NoProxy: "100.100.100.200"}, "http://100.100.100.200/", ""},
		{httpproxy.Config{HTTPProxy: "proxy:3128", NoProxy: "100.100.100.0/24"}, "http://100.100.100.200/", ""},
		{httpproxy.Config{HTTPProxy: "proxy:3128"}, "https://ecs.aliyuncs.com", ""},
		{httpproxy.Config{HTTPSProxy: "proxy:3128"}, "https://ecs.aliyuncs.com", "proxy:3128"},
	}
	for _, tt := range tests {
		if got := proxyFor(tt.env, tt.url); got != tt.want {
			t.Errorf("%+v %s: got %q, want %q", tt.env, tt.url, got, tt.want)
		}
	}
}
