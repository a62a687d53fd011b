package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enitune/enitune/eni"
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
	// Boot is the boot id, kept with what is read; "" where it is not known.
	Boot  string
	Clock func() time.Time
	// Addresses lists the hardware addresses in the guest, by which an answer of
	// the metadata service for another instance is known. nil: none is.
	Addresses func() ([]string, error)

	api       API
	apiRegion string
	limits    *TypeQueues // of the last instance type asked for
}

// FetchResult is what one attempt to read the cloud gave.
type FetchResult struct {
	// InstanceID is the instance that was asked for; "" if that is not known.
	InstanceID string
	// Instance is what is known of it, whether or not the API answered.
	Instance Instance
	Desired  Desired
	// Problems are what went wrong without making Desired unknown.
	Problems []Problem
	// MetadataErr and APIErr tell whether the two sources answered; APIErr is
	// also set if the API could not be asked. Desired is valid if APIErr is nil.
	MetadataErr, APIErr error
	// Incomplete is set if Desired is valid and yet something could not be
	// found out that another attempt may find.
	Incomplete bool
	// Throttled is set if the API refused a call, of this attempt's one or more,
	// because of too many.
	Throttled bool
}

// Fetch reads the instance's identity and ENIs. previous fills in for what
// cannot be found out this time: nothing known is undone by not knowing it
// again.
func (c *Cloud) Fetch(ctx context.Context, previous Desired) FetchResult {
	return c.fetch(ctx, fetch{cloud: c, previous: previous})
}

// byIDEvery is how often regular reads ask for ENIs by their id. It costs a call
// of its own, and such an ENI, while it stays attached, changes as seldom as any.
const byIDEvery = 24 * time.Hour

// Refresh is a Fetch for a regular read: for an ENI that the API tells of by its id
// only, it relies on an answer of the last day.
func (c *Cloud) Refresh(ctx context.Context, previous Desired) FetchResult {
	return c.fetch(ctx, fetch{cloud: c, previous: previous, reliedOn: c.Clock().Add(-byIDEvery)})
}

func (c *Cloud) fetch(ctx context.Context, f fetch) FetchResult {
	previous := f.previous
	id, err := c.identity(ctx, previous)
	f.res.MetadataErr, f.res.InstanceID = err, id.InstanceID
	f.res.Instance = Instance{ID: id.InstanceID, Region: id.RegionID, Type: plainWord(id.InstanceType)}
	if previous.InstanceID != id.InstanceID {
		f.previous = Desired{}
	}
	if id.InstanceID == "" || id.RegionID == "" {
		f.res.APIErr = errUnasked
		return f.res
	}
	if f.api, f.res.APIErr = c.connect(id.RegionID); f.res.APIErr != nil {
		return f.res
	}
	list, err := f.api.NetworkInterfaces(ctx, eni.Query{InstanceID: id.InstanceID})
	if f.res.APIErr = err; err != nil {
		f.fails(err)
		return f.res
	}
	f.desired = Desired{InstanceID: id.InstanceID, Region: id.RegionID, InstanceType: id.InstanceType, FetchedAt: c.Clock(), Boot: c.Boot}
	f.readListed(ctx)
	list = f.addByID(ctx, list)
	f.describeAll(ctx, list)
	if len(f.desired.ENIs) == 0 {
		f.res.APIErr = noENI(id)
		return f.res
	}
	f.res.Desired = f.desired
	f.res.Incomplete = f.incomplete || f.res.MetadataErr != nil
	return f.res
}

// identity joins what the operator set with what the metadata service says, and
// where that is silent with what was known before. The service's error is
// returned beside what is known without it.
func (c *Cloud) identity(ctx context.Context, previous Desired) (eni.Identity, error) {
	id, err := c.Metadata.Identity(ctx)
	if err == nil {
		err = c.foreign(id, previous)
	}
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

// foreign is an error if the metadata service answered for another instance: not
// for that whose ENIs the guest has, and with the address of a NIC that the guest
// does not have. A disk of one instance that another one was made from differs:
// what is known is then of ENIs that this guest does not have.
func (c *Cloud) foreign(id eni.Identity, previous Desired) error {
	if previous.InstanceID == "" || id.InstanceID == previous.InstanceID || id.MAC == "" || c.Addresses == nil {
		return nil
	}
	here, err := c.Addresses()
	known := func(e ENI) bool { return e.MAC != "" && slices.Contains(here, e.MAC) }
	if err != nil || slices.Contains(here, id.MAC) || !slices.ContainsFunc(previous.ENIs, known) {
		return nil
	}
	return &eni.Error{Action: "metadata", Class: eni.ClassMalformed,
		Message: fmt.Sprintf("the answer is for instance %s with the address %s, which no NIC here has, and the ENIs of %s are here", id.InstanceID, id.MAC, previous.InstanceID),
		Hint:    "check what answers at the metadata URL",
	}
}

// noENI is for an instance of which neither the API nor the metadata service has
// any ENI: each has one at least.
func noENI(id eni.Identity) error {
	return &eni.Error{Action: "DescribeNetworkInterfaces", Class: eni.ClassNotFound,
		Message: fmt.Sprintf("the API knows no ENI of instance %s in %s, and an instance has one at least", id.InstanceID, id.RegionID),
		Hint:    "check cloud.instance_id and cloud.region, and that the credentials are of the account that the instance is in",
	}
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

// typeLimits asks for an instance type once; it does not change.
func (c *Cloud) typeLimits(ctx context.Context, api API, name string, before *TypeQueues) (*TypeQueues, error) {
	if name == "" {
		return nil, errors.New("the metadata service did not tell the instance type")
	}
	for _, known := range []*TypeQueues{c.limits, before} {
		if known != nil && known.Type == name {
			return known, nil
		}
	}
	types, err := api.InstanceTypes(ctx, name)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		if t.ID == name {
			c.limits = &TypeQueues{Type: name, Primary: t.PrimaryEniQueueNumber, Secondary: t.SecondaryEniQueueNumber}
			return c.limits, nil
		}
	}
	return nil, fmt.Errorf("the API knows no instance type %q", name)
}
