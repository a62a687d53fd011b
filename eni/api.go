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
	// maxPageSize is for listings of a whole region: fewer calls under a limit
	// that the account shares.
	maxPageSize = 500
	// maxOwnPages is how many pages the listing of one instance, or of given ids
	// or types, may have: no instance has 5,000 ENIs.
	maxOwnPages = 50
	// maxRegionPages is the same for a whole region's, of a million ENIs.
	maxRegionPages = 2000
	// maxFruitless is how many pages in a row may bring nothing new before a
	// listing counts as endless.
	maxFruitless = 100
	// maxTypes is how many InstanceTypes.N one request takes.
	maxTypes = 10
)

// Query selects ENIs. InstanceID and IDs together select those that match both.
type Query struct {
	// InstanceID selects the ENIs of one instance. The API leaves out those that
	// another cloud service manages: ask for them by id.
	InstanceID string
	// IDs selects ENIs by id, any number of them. Those that do not exist are
	// absent from the result.
	IDs []string
	// All selects every ENI that the account has in the client's region, however
	// many; with one of the other two it means nothing. A query without all three is refused, so that an
	// empty list of ids never turns into a listing of everything.
	All bool
	// OnPage is told after each page how many ENIs were found so far, and how
	// many there are in all, 0 if the API does not say. It is called in the
	// caller's goroutine; nil means nobody.
	OnPage func(found, total int)
}

// NetworkInterfaces returns the ENIs that q selects, each once, in the API's
// order (DescribeNetworkInterfaces). It is all of them or an [*Error].
func (c *Client) NetworkInterfaces(ctx context.Context, q Query) ([]NetworkInterface, error) {
	const action = "DescribeNetworkInterfaces"
	params := map[string]string{"MaxResults": strconv.Itoa(pageSize)}
	if q.InstanceID != "" {
		if !isWord(q.InstanceID) {
			return nil, invalid(action, "instance id %q: want an id such as i-bp67acfmxazb4p1", q.InstanceID)
		}
		params["InstanceId"] = q.InstanceID
	}
	for _, id := range q.IDs {
		if !isWord(id) {
			return nil, invalid(action, "ENI id %q: want an id such as eni-bp67acfmxazb4p1", id)
		}
	}
	switch {
	case len(q.IDs) == 0 && q.InstanceID == "" && !q.All:
		return nil, invalid(action, "want an instance id, ENI ids, or all")
	case len(q.IDs) == 0 && q.InstanceID == "":
		params["MaxResults"] = strconv.Itoa(maxPageSize)
		return c.networkInterfaces(ctx, action, params, maxRegionPages, q.OnPage)
	case len(q.IDs) == 0:
		return c.networkInterfaces(ctx, action, params, maxOwnPages, q.OnPage)
	}
	var all []NetworkInterface
	ids := slices.Compact(slices.Sorted(slices.Values(q.IDs)))
	for chunk := range slices.Chunk(ids, pageSize) {
		part, err := c.networkInterfaces(ctx, action, numbered(params, "NetworkInterfaceId", chunk), maxOwnPages, nil)
		if err != nil {
			return nil, err
		}
		all = append(all, part...)
		if q.OnPage != nil {
			q.OnPage(len(all), len(ids))
		}
	}
	return all, nil
}

func (c *Client) networkInterfaces(
	ctx context.Context, action string, params map[string]string, most int, onPage func(found, total int),
) ([]NetworkInterface, error) {
	var all []NetworkInterface
	seen := make(map[string]bool)
	err := c.pages(ctx, action, params, most, func(r reply) (string, bool, error) {
		page, err := ParseNetworkInterfaces(r.body)
		for _, problem := range page.Problems {
			c.log.WarnContext(ctx, "an ENI in the ECS API's reply has a problem", "action", action, "problem", r.hide.scrub(problem))
		}
		before := len(all)
		for _, n := range page.Interfaces {
			if !seen[n.ID] { // an ENI that came or went can shift the pages
				seen[n.ID] = true
				all = append(all, n)
			}
		}
		if onPage != nil && err == nil {
			total := 0
			if page.TotalCount != nil {
				total = *page.TotalCount
			}
			onPage(len(all), total)
		}
		return page.NextToken, len(all) > before, err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
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
		if !isWord(t) {
			return nil, invalid(action, "instance type %q: want a type such as ecs.g7.xlarge", t)
		}
	}
	var all []InstanceType
	for chunk := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(types))), maxTypes) {
		err := c.pages(ctx, action, numbered(nil, "InstanceTypes", chunk), maxOwnPages, func(r reply) (string, bool, error) {
			page, err := ParseInstanceTypes(r.body)
			all = append(all, page.Types...)
			return page.NextToken, len(page.Types) > 0, err
		})
		if err != nil {
			return nil, err
		}
	}
	return all, nil
}

// pages calls action page by page; read takes one reply and returns its
// NextToken and whether it brought anything new. A token that comes a second time
// would never end, and is an error, and so are maxFruitless pages in a row
// without anything new, and more than most pages.
func (c *Client) pages(ctx context.Context, action string, params map[string]string, most int, read func(reply) (token string, fruit bool, err error)) error {
	params = maps.Clone(params)
	seen := make(map[string]bool)
	fruitless := 0
	for len(seen) < most && fruitless < maxFruitless {
		r, err := c.call(ctx, action, params)
		if err != nil {
			return err
		}
		token, fruit, err := read(r)
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
		fruitless++
		if fruit {
			fruitless = 0
		}
	}
	e := &Error{Action: action, Class: ClassMalformed, Message: fmt.Sprintf("a listing of more than %d pages", most)}
	if fruitless >= maxFruitless {
		e.Message = fmt.Sprintf("more than %d pages in a row without anything new", maxFruitless)
	}
	return e
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
