package eni

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
)

const (
	// pageSize is MaxResults, of 10 to 500; and NetworkInterfaceId.N takes at
	// most 100 ids, so that a chunk of ids fits on one page.
	pageSize = 100
	// maxPages bounds one listing: 10,000 ENIs.
	maxPages = 100
	// maxTypes is how many InstanceTypes.N one request takes.
	maxTypes = 10
)

// Query selects ENIs. Both fields together select those that match both; an
// empty query selects all of the region.
type Query struct {
	// InstanceID selects the ENIs of one instance. The API leaves out those that
	// another cloud service manages: ask for them by id.
	InstanceID string
	// IDs selects ENIs by id, any number of them. Those that do not exist are
	// absent from the result.
	IDs []string
}

// NetworkInterfaces returns the ENIs that q selects, each once, in the API's
// order (DescribeNetworkInterfaces). It is all of them or an [*Error].
func (c *Client) NetworkInterfaces(ctx context.Context, q Query) ([]NetworkInterface, error) {
	const action = "DescribeNetworkInterfaces"
	params := map[string]string{"MaxResults": strconv.Itoa(pageSize)}
	if q.InstanceID != "" {
		if !word.MatchString(q.InstanceID) {
			return nil, invalid(action, "instance id %q: want an id such as i-bp67acfmxazb4p1", q.InstanceID)
		}
		params["InstanceId"] = q.InstanceID
	}
	for _, id := range q.IDs {
		if !word.MatchString(id) {
			return nil, invalid(action, "ENI id %q: want an id such as eni-bp67acfmxazb4p1", id)
		}
	}
	if len(q.IDs) == 0 {
		return c.networkInterfaces(ctx, action, params)
	}
	var all []NetworkInterface
	for ids := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(q.IDs))), pageSize) {
		part, err := c.networkInterfaces(ctx, action, numbered(params, "NetworkInterfaceId", ids))
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
	}
	return all, nil
}

func (c *Client) networkInterfaces(ctx context.Context, action string, params map[string]string) ([]NetworkInterface, error) {
	var all []NetworkInterface
	seen := make(map[string]bool)
	err := c.pages(ctx, action, params, func(r reply) (string, error) {
		page, err := ParseNetworkInterfaces(r.body)
		for _, problem := range page.Problems {
			c.log.WarnContext(ctx, "an ENI in the ECS API's reply has a problem", "action", action, "problem", r.hide.scrub(problem))
		}
		for _, n := range page.Interfaces {
			if !seen[n.ID] { // an ENI that came or went can shift the pages
				seen[n.ID] = true
				all = append(all, n)
			}
		}
		return page.NextToken, err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

// NetworkInterface returns one ENI with the fields that only
// DescribeNetworkInterfaceAttribute has: TrafficConfig and EnhancedNetwork.
// errors.Is(err, ErrNotFound) when there is none.
func (c *Client) NetworkInterface(ctx context.Context, id string) (NetworkInterface, error) {
	const action = "DescribeNetworkInterfaceAttribute"
	if !word.MatchString(id) {
		return NetworkInterface{}, invalid(action, "ENI id %q: want an id such as eni-bp67acfmxazb4p1", id)
	}
	r, err := c.call(ctx, action, map[string]string{"NetworkInterfaceId": id})
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

// InstanceTypes returns what the given instance types allow, each type once
// (DescribeInstanceTypes). A type that the region does not know is absent from
// the result, or an [*Error], as the API decides.
func (c *Client) InstanceTypes(ctx context.Context, types ...string) ([]InstanceType, error) {
	const action = "DescribeInstanceTypes"
	if len(types) == 0 {
		return nil, invalid(action, "want at least one instance type, such as ecs.g7.xlarge")
	}
	for _, t := range types {
		if !word.MatchString(t) {
			return nil, invalid(action, "instance type %q: want a type such as ecs.g7.xlarge", t)
		}
	}
	var all []InstanceType
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(types))), maxTypes) {
		err := c.pages(ctx, action, numbered(nil, "InstanceTypes", chunk), func(r reply) (string, error) {
			page, err := ParseInstanceTypes(r.body)
			all = append(all, page.Types...)
			return page.NextToken, err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// pages calls action page by page; read takes one reply and returns its
// NextToken. A token that comes a second time would never end, and is an error.
func (c *Client) pages(ctx context.Context, action string, params map[string]string, read func(reply) (string, error)) error {
	params = maps.Clone(params)
	seen := make(map[string]bool)
	for range maxPages {
		r, err := c.call(ctx, action, params)
		if err != nil {
			return err
		}
		token, err := read(r)
		if err != nil {
			return c.malformed(action, r, err)
		}
		if token == "" {
			return nil
		}
		if seen[token] {
			return c.malformed(action, r, errors.New("NextToken: the token of an earlier page came again"))
		}
		seen[token] = true
		params["NextToken"] = token
	}
	return &Error{Action: action, Class: ClassMalformed, Message: fmt.Sprintf("more than %d pages", maxPages)}
}

// malformed is for a reply that is JSON and still not the action's.
func (c *Client) malformed(action string, r reply, err error) *Error {
	e := &Error{
		Action: action, Class: ClassMalformed, HTTPStatus: http.StatusOK, Message: r.hide.scrub(err.Error()), cause: err,
		Hint: "check that " + c.Endpoint() + " is the ECS API",
	}
	if f, err := parseObject(r.body); err == nil {
		e.RequestID = r.hide.scrub(f.str("RequestId"))
	}
	return e
}

// numbered returns params with name.1, name.2, … added.
func numbered(params map[string]string, name string, values []string) map[string]string {
	out := make(map[string]string, len(params)+len(values))
	maps.Copy(out, params)
	for i, v := range values {
		out[name+"."+strconv.Itoa(i+1)] = v
	}
	return out
}
