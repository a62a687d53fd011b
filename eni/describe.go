package eni

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
)

// maxInstances is how many ids DescribeInstances takes in InstanceIds, and a
// page of it.
const maxInstances = 100

// Values of the parameter Attribute of DescribeNetworkInterfaceAttribute. Its
// documentation gives one value to a call and does not say what a call without
// it leaves out.
const (
	attributeAttachment         = "attachment"
	attributeConnectionTracking = "connectionTrackingConfiguration"
)

// NetworkInterface returns one ENI with the fields that only
// DescribeNetworkInterfaceAttribute has: TrafficConfig and EnhancedNetwork.
// errors.Is(err, ErrNotFound) when there is none.
func (c *Client) NetworkInterface(ctx context.Context, id string) (NetworkInterface, error) {
	return c.networkInterface(ctx, id, "")
}

// NetworkInterfaceDetail returns one ENI with everything that the API tells of
// it. It makes one call, and one more for each of connection tracking and, of an
// ENI that is not Available, the attachment, that the first reply lacks. What the
// API refuses to tell stays absent: connection tracking is not there in every
// region. Errors are those of [Client.NetworkInterface].
func (c *Client) NetworkInterfaceDetail(ctx context.Context, id string) (NetworkInterface, error) {
	n, err := c.NetworkInterface(ctx, id)
	if err != nil {
		return NetworkInterface{}, err
	}
	if n.ConnectionTracking == nil {
		more, err := c.networkInterface(ctx, id, attributeConnectionTracking)
		if err != nil && !errors.Is(err, ErrInvalid) {
			return NetworkInterface{}, err
		}
		n.ConnectionTracking = more.ConnectionTracking
	}
	if n.Attachment == (Attachment{}) && n.Status != statusAvailable {
		more, err := c.networkInterface(ctx, id, attributeAttachment)
		if err != nil && !errors.Is(err, ErrInvalid) {
			return NetworkInterface{}, err
		}
		n.Attachment = more.Attachment
	}
	return n, nil
}

func (c *Client) networkInterface(ctx context.Context, id, attribute string) (NetworkInterface, error) {
	const action = "DescribeNetworkInterfaceAttribute"
	if !isWord(id) {
		return NetworkInterface{}, invalid(action, "ENI id %q: want an id such as eni-bp67acfmxazb4p1", id)
	}
	params := map[string]string{"NetworkInterfaceId": id}
	if attribute != "" {
		params["Attribute"] = attribute
	}
	r, err := c.call(ctx, action, params)
	if err != nil {
		return NetworkInterface{}, err
	}
	n, err := ParseNetworkInterfaceAttribute(r.body)
	if err != nil {
		return NetworkInterface{}, c.malformed(action, r, err)
	}
	if n.Problem != "" {
		c.log.WarnContext(ctx, "an ENI in the ECS API's reply has a problem", "action", action, "problem", r.hide.scrub(n.Problem))
	}
	return n, nil
}

// Instances returns the given instances, each once (DescribeInstances). Those
// that do not exist are absent from the result. Whoever can do without them
// survives errors.Is(err, ErrDenied): the agent's own policy does not have the
// permission.
func (c *Client) Instances(ctx context.Context, ids ...string) ([]Instance, error) {
	const action = "DescribeInstances"
	if len(ids) == 0 {
		return nil, invalid(action, "want at least one instance id, such as i-bp67acfmxazb4p1")
	}
	for _, id := range ids {
		if !isWord(id) {
			return nil, invalid(action, "instance id %q: want an id such as i-bp67acfmxazb4p1", id)
		}
	}
	var all []Instance
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(ids))), maxInstances) {
		list, err := json.Marshal(chunk)
		if err != nil {
			return nil, invalid(action, "instance ids: %v", err)
		}
		params := map[string]string{"InstanceIds": string(list), "MaxResults": strconv.Itoa(maxInstances)}
		err = c.pages(ctx, action, params, maxOwnPages, func(r reply) (string, bool, error) {
			page, err := ParseInstances(r.body)
			all = append(all, page.Instances...)
			return page.NextToken, len(page.Instances) > 0, err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}
