package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
)

// instance is one simulated instance: the agent's own reading of the cloud and its
// own pace. It is the metadata service and the API that this agent sees.
type instance struct {
	sim     *simulation
	id      string
	kind    kind
	boots   int
	cloud   *agent.Cloud
	pace    pacer
	known   agent.Desired
	took    time.Duration // by the calls of the read that is under way
	lacks   bool          // the last read failed, or none was made since the start
	awaited bool          // by the measurement
	calls   int           // that were measured
}

// kind is what makes the agent make more calls than one; zero is nothing.
type kind int

const (
	_ kind = iota
	// managed: another cloud service manages one of its ENIs, which the API tells of
	// by its id only.
	managed
	// unnumbered: of one of its ENIs the API tells no queue number.
	unnumbered
)

const (
	answerTime   = 50 * time.Millisecond
	timeOut      = 10 * time.Second // cloud.timeout
	instanceType = "ecs.g7.xlarge"
	region       = "cn-hangzhou"
)

// epoch is when simulated time begins, at the begin of a minute.
func epoch() time.Time { return time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC) }

// What package eni makes of the failures.
var (
	errThrottled = &eni.Error{Action: "Describe", Code: "Throttling", HTTPStatus: 400, Class: eni.ClassThrottled}
	errFailing   = &eni.Error{Action: "Describe", Code: "InternalError", HTTPStatus: 500, Class: eni.ClassServer}
	errDenied    = &eni.Error{Action: "Describe", Code: "Forbidden.RAM", HTTPStatus: 403, Class: eni.ClassDenied}
	errSilent    = &eni.Error{Action: "Describe", Message: "no answer within 10s", Class: eni.ClassNetwork}
)

// start starts the instance's daemon, in a new boot or in the same one.
func (i *instance) start(boot bool) {
	if boot {
		i.boots++
	}
	id := strconv.Itoa(i.boots)
	i.cloud = &agent.Cloud{
		Metadata: i, Connect: func(string) (agent.API, error) { return i, nil }, Boot: id,
		Clock: func() time.Time { return epoch().Add(i.sim.now + i.took) },
	}
	i.pace = i.sim.newPace(i.sim.interval, id, i.sim.random.Float64)
	i.lacks = true
}

// read makes one read of the cloud, and gives when the next one is due.
func (i *instance) read() time.Duration {
	i.took = 0
	res := i.pace.Read(context.Background(), i.cloud, i.known)
	if res.APIErr == nil {
		i.known = res.Desired
	}
	i.lacks = res.APIErr != nil || slices.ContainsFunc(i.known.ENIs, func(e agent.ENI) bool { return e.Unresolved != "" })
	if !i.lacks {
		i.sim.measured.arrive(i.sim.now, i)
	}
	return i.sim.now + i.took + i.pace.Next(res, i.known)
}

// Identity is the metadata service's.
func (i *instance) Identity(context.Context) (eni.Identity, error) {
	if i.sim.metadataDown {
		return eni.Identity{}, errSilent
	}
	return eni.Identity{InstanceID: i.id, RegionID: region, InstanceType: instanceType}, nil
}

// Interfaces is the metadata service's.
func (i *instance) Interfaces(context.Context) ([]eni.MetadataInterface, error) {
	switch {
	case i.sim.metadataDown:
		return nil, errSilent
	case i.kind == managed:
		return i.sim.replies.listed, nil
	default:
		return i.sim.replies.listed[:2], nil
	}
}

// NetworkInterfaces is the API's DescribeNetworkInterfaces.
func (i *instance) NetworkInterfaces(_ context.Context, q eni.Query) ([]eni.NetworkInterface, error) {
	if err := i.sim.call(i, describeENIs); err != nil {
		return nil, err
	}
	switch {
	case len(q.IDs) > 0:
		return i.sim.replies.byID, nil
	case i.kind == unnumbered:
		return i.sim.replies.bare, nil
	default:
		return i.sim.replies.enis, nil
	}
}

// InstanceTypes is the API's DescribeInstanceTypes.
func (i *instance) InstanceTypes(context.Context, ...string) ([]eni.InstanceType, error) {
	if err := i.sim.call(i, describeTypes); err != nil {
		return nil, err
	}
	return i.sim.replies.types, nil
}
