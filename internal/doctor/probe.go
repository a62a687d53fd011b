package doctor

import (
	"context"
	"errors"
	"net/url"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/enitune/enitune/eni"
)

// Metadata is what the doctor asks the instance metadata service.
type Metadata interface {
	Identity(ctx context.Context) (eni.Identity, error)
	Interfaces(ctx context.Context) ([]eni.MetadataInterface, error)
	RAMRole(ctx context.Context) (string, error)
	ClockSkew(ctx context.Context) (time.Duration, error)
}

// Reads are the harmless calls that prove a permission each.
type Reads interface {
	NetworkInterfaces(ctx context.Context, q eni.Query) ([]eni.NetworkInterface, error)
	NetworkInterface(ctx context.Context, id string) (eni.NetworkInterface, error)
	InstanceTypes(ctx context.Context, types ...string) ([]eni.InstanceType, error)
	Instances(ctx context.Context, ids ...string) ([]eni.Instance, error)
}

// API is what the doctor asks the ECS API.
type API interface {
	Reads
	Endpoint() string
	ClockSkew(ctx context.Context) (time.Duration, error)
	CredentialSource(ctx context.Context) (eni.CredentialSource, error)
}

// CloudOptions say whom ProbeCloud asks.
type CloudOptions struct {
	Metadata Metadata
	Connect  func(region string) (API, error)
	// InstanceID and Region are the configuration's, which outdo the metadata
	// service's; "" leaves them to it.
	InstanceID, Region string
	// Known is what an earlier run knew of the instance. It stands in where the
	// metadata service fails, as it does for the agent.
	Known eni.Identity
	Proxy httpproxy.Config // of this process's environment
}

// ProbeCloud asks the metadata service and the ECS API. It changes nothing
// there. It spends at most one timeout of each on a service that is silent,
// because what needs it is then not asked.
func ProbeCloud(ctx context.Context, o CloudOptions) Cloud {
	c := Cloud{Enabled: true}
	var interfaces []eni.MetadataInterface
	c.Identity, c.MetadataErr = o.Metadata.Identity(ctx)
	if c.MetadataErr == nil {
		c.Role, c.RoleErr = o.Metadata.RAMRole(ctx)
		interfaces, _ = o.Metadata.Interfaces(ctx) // only a way to find an ENI to ask about
		c.MetadataTime.Asked = true
		c.MetadataTime.Ahead, c.MetadataTime.Err = o.Metadata.ClockSkew(ctx)
	}
	if c.MetadataErr != nil && (o.InstanceID == "" || o.InstanceID == o.Known.InstanceID) {
		c.Identity = o.Known
	}
	if o.InstanceID != "" && o.InstanceID != c.Identity.InstanceID {
		c.Identity = eni.Identity{InstanceID: o.InstanceID, RegionID: c.Identity.RegionID} // the rest is of another instance
	}
	if o.Region != "" {
		c.Identity.RegionID = o.Region
	}
	if c.Identity.RegionID == "" {
		c.unasked("the region is not known")
		return c
	}
	api, err := o.Connect(c.Identity.RegionID)
	if err != nil {
		c.EndpointErr = err
		c.unasked("there is no endpoint to ask")
		return c
	}
	c.probeAPI(ctx, api, o.Proxy, interfaces)
	return c
}

func (c *Cloud) probeAPI(ctx context.Context, api API, proxy httpproxy.Config, interfaces []eni.MetadataInterface) {
	c.Endpoint = api.Endpoint()
	c.APIProxied = proxyFor(proxy, c.Endpoint)
	c.APIClock.Asked = true
	c.APIClock.Ahead, c.APIClock.Err = api.ClockSkew(ctx)
	if c.APIClock.Err != nil && !errors.Is(c.APIClock.Err, eni.ErrMalformed) {
		c.Source, c.SourceErr = api.CredentialSource(ctx)
		c.skip("the ECS API does not answer")
		return
	}
	if c.Source, c.SourceErr = api.CredentialSource(ctx); c.SourceErr != nil {
		c.skip("there are no credentials")
		return
	}
	c.probePermissions(ctx, api, interfaces)
}

// probePermissions makes each harmless call once. After a failure that all would
// share, the others are not made.
func (c *Cloud) probePermissions(ctx context.Context, api Reads, interfaces []eni.MetadataInterface) {
	var one string // an ENI of this instance
	for _, i := range interfaces {
		if i.ENI != "" {
			one = i.ENI
		}
	}
	id, kind := c.Identity.InstanceID, c.Identity.InstanceType
	c.probe("DescribeNetworkInterfaces", id, "the instance is not known", func() error {
		list, err := api.NetworkInterfaces(ctx, eni.Query{InstanceID: id})
		if len(list) > 0 {
			one = list[0].ID
		}
		return err
	})
	c.probe("DescribeInstanceTypes", kind, "the instance type is not known", func() error {
		_, err := api.InstanceTypes(ctx, kind)
		return err
	})
	c.probe("DescribeNetworkInterfaceAttribute", one, "no ENI of this instance is known", func() error {
		_, err := api.NetworkInterface(ctx, one)
		return err
	})
	c.probe("DescribeInstances", id, "the instance is not known", func() error {
		_, err := api.Instances(ctx, id)
		return err
	})
}

// probe makes one call, unless its subject is not known or an earlier call
// failed in a way that this one would, too.
func (c *Cloud) probe(action, subject, unknown string, call func() error) {
	p := Probe{Action: action}
	switch failed := c.fatal(); {
	case failed != "":
		p.Unasked = failed
	case subject == "":
		p.Unasked = unknown
	default:
		p.Err = call()
		if errors.Is(p.Err, eni.ErrNotFound) {
			p.Err = nil // who may not ask is told that, and not what is there
		}
	}
	c.Probes = append(c.Probes, p)
}

// fatal tells what of the earlier calls' failures all calls share.
func (c *Cloud) fatal() string {
	for _, p := range c.Probes {
		switch {
		case errors.Is(p.Err, eni.ErrCredentials):
			return "the credentials are not accepted"
		case errors.Is(p.Err, eni.ErrNetwork):
			return "the ECS API does not answer"
		case errors.Is(p.Err, eni.ErrCanceled):
			return "interrupted"
		}
	}
	return ""
}

// unasked notes why neither credentials nor permissions were tested.
func (c *Cloud) unasked(why string) {
	c.SourceUnasked = why
	c.skip(why)
}

// skip notes why no permission was tested.
func (c *Cloud) skip(why string) {
	for _, p := range Permissions() {
		if p.Read {
			c.Probes = append(c.Probes, Probe{Action: p.Action, Unasked: why})
		}
	}
}

// proxyFor is the host of the proxy that net/http uses for a URL; "" for none.
// A proxy variable that cannot be read counts as one, under the error's words.
func proxyFor(env httpproxy.Config, target string) string {
	to, err := url.Parse(target)
	if err != nil {
		return ""
	}
	proxy, err := env.ProxyFunc()(to)
	switch {
	case err != nil:
		return "an address that cannot be read"
	case proxy == nil:
		return ""
	default:
		return proxy.Host
	}
}
