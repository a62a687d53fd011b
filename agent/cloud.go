package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// Metadata is what the agent needs of the instance metadata service.
type Metadata interface {
	Identity(ctx context.Context) (eni.Identity, error)
	Interfaces(ctx context.Context) ([]eni.MetadataInterface, error)
}

// API is what the agent needs of the ECS API.
type API interface {
	NetworkInterfaces(ctx context.Context, q eni.Query) ([]eni.NetworkInterface, error)
	InstanceTypes(ctx context.Context, types ...string) ([]eni.InstanceType, error)
}

// Cloud reads the desired state.
type Cloud struct {
	Metadata Metadata
	// Connect makes a client for a region; it is asked once per region.
	Connect func(region string) (API, error)
	// InstanceID and Region are the operator's words, which outdo the metadata
	// service's; "" leaves them to it.
	InstanceID, Region string
	Clock              func() time.Time

	api       API
	apiRegion string
	limits    *eni.InstanceType // of the last instance type asked for
}

// FetchResult is what one attempt to read the cloud gave.
type FetchResult struct {
	// InstanceID is the instance that was asked for; "" if that is not known.
	InstanceID string
	Desired    Desired
	// Problems are what went wrong without making Desired unknown.
	Problems []Problem
	// MetadataErr and APIErr tell whether the two sources answered; APIErr is
	// also set if the API could not be asked. Desired is valid if APIErr is nil.
	MetadataErr, APIErr error
}

// Fetch reads the instance's identity and ENIs. previous fills in for ENIs that
// the API tells nothing of this time.
func (c *Cloud) Fetch(ctx context.Context, previous Desired) FetchResult {
	var res FetchResult
	id, err := c.identity(ctx, previous)
	res.MetadataErr, res.InstanceID = err, id.InstanceID
	if id.InstanceID == "" || id.RegionID == "" {
		res.APIErr = errors.New("not asked: the instance id and region are not known; see the metadata service, or set cloud.instance_id and cloud.region")
		return res
	}
	api, err := c.connect(id.RegionID)
	if err != nil {
		res.APIErr = err
		return res
	}
	list, err := api.NetworkInterfaces(ctx, eni.Query{InstanceID: id.InstanceID})
	if err != nil {
		res.APIErr = err
		return res
	}
	d := Desired{InstanceID: id.InstanceID, Region: id.RegionID, InstanceType: id.InstanceType, FetchedAt: c.Clock().UTC()}
	list, unresolved := c.addByID(ctx, api, list, &res)
	c.describeAll(ctx, api, &d, previous, list, &res)
	d.ENIs = append(d.ENIs, fillIn(unresolved, previous, d)...)
	res.Desired = d
	return res
}

// identity joins what the operator set with what the metadata service says, and
// where that is silent with what was known before. The service's error is
// returned beside what is known without it.
func (c *Cloud) identity(ctx context.Context, previous Desired) (eni.Identity, error) {
	id, err := c.Metadata.Identity(ctx)
	if err != nil && (c.InstanceID == "" || c.InstanceID == previous.InstanceID) {
		id = eni.Identity{InstanceID: previous.InstanceID, RegionID: previous.Region, InstanceType: previous.InstanceType}
	}
	if c.InstanceID != "" && c.InstanceID != id.InstanceID {
		id = eni.Identity{InstanceID: c.InstanceID, RegionID: id.RegionID} // the rest is of another instance
	}
	if c.Region != "" {
		id.RegionID = c.Region
	}
	return id, err
}

func (c *Cloud) connect(region string) (API, error) {
	if c.api == nil || c.apiRegion != region {
		api, err := c.Connect(region)
		if err != nil {
			return nil, err
		}
		c.api, c.apiRegion = api, region
	}
	return c.api, nil
}

// addByID asks by id for the ENIs that the metadata service lists and the
// instance filter did not return, as for ENIs that another cloud service
// manages. ENIs that stay unknown are returned with the reason.
func (c *Cloud) addByID(ctx context.Context, api API, list []eni.NetworkInterface, res *FetchResult) ([]eni.NetworkInterface, []ENI) {
	if res.MetadataErr != nil {
		return list, nil
	}
	interfaces, err := c.Metadata.Interfaces(ctx)
	if err != nil {
		res.MetadataErr = err
		return list, nil
	}
	var ids []string
	var asked []eni.MetadataInterface
	for _, i := range interfaces {
		known := func(ni eni.NetworkInterface) bool { return ni.ID == i.ENI || ni.MAC == i.MAC }
		if i.ENI != "" && !slices.ContainsFunc(list, known) {
			ids, asked = append(ids, i.ENI), append(asked, i)
		}
	}
	if len(ids) == 0 {
		return list, nil
	}
	reason := "the API does not return it"
	more, err := api.NetworkInterfaces(ctx, eni.Query{IDs: ids})
	if err != nil {
		reason = err.Error()
	}
	var unresolved []ENI
	for _, i := range asked {
		at := slices.IndexFunc(more, func(ni eni.NetworkInterface) bool { return ni.ID == i.ENI })
		if at < 0 {
			unresolved = append(unresolved, ENI{ID: i.ENI, MAC: i.MAC, Unresolved: reason})
			continue
		}
		list = append(list, more[at])
	}
	return list, unresolved
}

// describeAll turns the API's ENIs into desired ones, with the instance type's
// defaults where they are needed. If the type cannot be asked for, what was
// known of it stays.
func (c *Cloud) describeAll(ctx context.Context, api API, d *Desired, previous Desired, list []eni.NetworkInterface, res *FetchResult) {
	var limits *eni.InstanceType
	var limitsErr error
	if needsLimits(list) {
		if limits, limitsErr = c.typeLimits(ctx, api, d.InstanceType); limitsErr != nil {
			res.Problems = append(res.Problems, Problem{ComponentAPI,
				"queue numbers that the API leaves out are not known: " + limitsErr.Error()})
		}
	}
	for _, ni := range list {
		e, problems := describe(ni, limits)
		if _, ok := e.value(nic.Queues); !ok && limitsErr != nil {
			e = withDefaultsOf(e, previous, limitsErr)
		}
		d.ENIs = append(d.ENIs, e)
		res.Problems = append(res.Problems, problems...)
	}
}

// withDefaultsOf takes over the instance type's default from an earlier reply.
func withDefaultsOf(e ENI, previous Desired, err error) ENI {
	for _, p := range previous.ENIs {
		if v, ok := p.value(nic.Queues); ok && p.ID == e.ID && v.Source == plan.InstanceType {
			e.Values = append(e.Values, v)
			return e
		}
	}
	e.Unresolved = "its queue number: " + err.Error()
	return e
}

// typeLimits asks for an instance type once; it does not change.
func (c *Cloud) typeLimits(ctx context.Context, api API, name string) (*eni.InstanceType, error) {
	if name == "" {
		return nil, errors.New("the metadata service did not tell the instance type")
	}
	if c.limits != nil && c.limits.ID == name {
		return c.limits, nil
	}
	types, err := api.InstanceTypes(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		if t.ID == name {
			c.limits = &t
			return c.limits, nil
		}
	}
	return nil, fmt.Errorf("the API knows no instance type %q", name)
}

// fillIn keeps what was known of ENIs that the API tells nothing of this time:
// nothing known is undone by not knowing it again.
func fillIn(unresolved []ENI, previous, d Desired) []ENI {
	if previous.InstanceID != d.InstanceID {
		return unresolved
	}
	for i, u := range unresolved {
		at := slices.IndexFunc(previous.ENIs, func(p ENI) bool { return p.ID == u.ID && p.MAC == u.MAC && p.Unresolved == "" })
		if at >= 0 {
			unresolved[i] = previous.ENIs[at]
		}
	}
	return unresolved
}
