package ecssim

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Bounds of DescribeNetworkInterfaces and DescribeInstanceTypes.
const (
	minResults       = 10
	maxResults       = 500
	maxENIIDs        = 100
	maxInstanceTypes = 10
)

func (c *Cloud) describeNetworkInterfaces(p params) (any, error) {
	limit, err := pageLimit(p)
	if err != nil {
		return nil, err
	}
	if len(p.list("NetworkInterfaceId")) > maxENIIDs {
		return nil, invalidParameter("NetworkInterfaceId")
	}
	filter := filterHash(p)
	after, err := parseNextToken(p["NextToken"], filter)
	if err != nil {
		return nil, err
	}

	reply := eniPage{RequestID: c.requestID(), PageNumber: 1, PageSize: limit}
	reply.Sets.Set = []eniSet{}
	last := 0
	for i, r := range c.enis {
		if !c.matches(r.eni, p) {
			continue
		}
		reply.TotalCount++
		switch {
		case r.seq <= after:
		case len(reply.Sets.Set) < limit:
			reply.Sets.Set = append(reply.Sets.Set, c.eniSet(c.shown(i)))
			last = r.seq
		case reply.NextToken == "":
			reply.NextToken = nextToken(last, filter)
		}
	}
	return reply, nil
}

func pageLimit(p params) (int, error) {
	n, err := p.number("MaxResults")
	switch {
	case err != nil:
		return 0, err
	case n == nil:
		return minResults, nil
	case *n < minResults || *n > maxResults:
		return 0, invalidParameter("MaxResults")
	default:
		return *n, nil
	}
}

// matches says whether an ENI passes all filters of a request. The InstanceId
// filter never finds a service-managed ENI. c.mu is held.
func (c *Cloud) matches(e ENI, p params) bool {
	if region, _ := c.place(e); region != "" && p["RegionId"] != region {
		return false
	}
	if id := p["InstanceId"]; id != "" && (e.ServiceManaged || e.InstanceID != id) {
		return false
	}
	if ids := p.list("NetworkInterfaceId"); len(ids) > 0 && !slices.Contains(ids, e.ID) {
		return false
	}
	for _, f := range []struct{ want, have string }{
		{p["Type"], e.Type}, {p["Status"], e.Status}, {p["VpcId"], e.VPCID},
		{p["VSwitchId"], e.VSwitchID}, {p["NetworkInterfaceName"], e.Name},
	} {
		if f.want != "" && f.want != f.have {
			return false
		}
	}
	if managed := p["ServiceManaged"]; managed != "" && strings.EqualFold(managed, "true") != e.ServiceManaged {
		return false
	}
	for _, t := range p.tags() {
		if have, ok := e.Tags[t.key]; !ok || (t.value != nil && *t.value != have) {
			return false
		}
	}
	return true
}

// filterHash stands for everything in a request but its signature and paging,
// so that a token can't be used with other filters.
func filterHash(p params) string {
	filters := maps.Clone(p)
	maps.DeleteFunc(filters, func(name, _ string) bool {
		return strings.HasPrefix(name, "Signature") || slices.Contains(
			[]string{"NextToken", "MaxResults", "Timestamp", "AccessKeyId", "SecurityToken"}, name)
	})
	sum := sha1.Sum([]byte(StringToSign("", filters)))
	return hex.EncodeToString(sum[:4])
}

func nextToken(last int, filter string) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%s", last, filter))
}

// parseNextToken returns the sequence number that a page starts after.
func parseNextToken(token, filter string) (after int, err error) {
	if token == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil {
		return 0, invalidParameter("NextToken")
	}
	if _, err := fmt.Sscanf(string(text), "%d.", &after); err != nil || nextToken(after, filter) != token {
		return 0, invalidParameter("NextToken")
	}
	return after, nil
}

func (c *Cloud) describeNetworkInterfaceAttribute(p params) (any, error) {
	e, err := c.addressedENI(p)
	if err != nil {
		return nil, err
	}
	e = c.shown(c.eniIndex(e.ID))
	out := eniAttribute{RequestID: c.requestID(), eniSet: c.eniSet(e)}
	out.TrafficConfig = trafficConfigOf(e)
	out.EnhancedNetwork = enhancedNetworkOf(e)
	switch p["Attribute"] {
	case "", "attachment":
	case "connectionTrackingConfiguration":
		out.ConnectionTracking = connectionTrackingOf(e)
	default:
		return nil, invalidParameter("Attribute")
	}
	return out, nil
}

// addressedENI finds the ENI that NetworkInterfaceId names. c.mu is held.
func (c *Cloud) addressedENI(p params) (ENI, error) {
	if err := p.require("NetworkInterfaceId"); err != nil {
		return ENI{}, err
	}
	i := c.eniIndex(p["NetworkInterfaceId"])
	if i < 0 {
		return ENI{}, apiErrorf(codeENINotFound, "The specified NetworkInterfaceId does not exist.")
	}
	e := c.enis[i].eni.clone()
	if region, _ := c.place(e); region != "" && region != p["RegionId"] {
		return ENI{}, apiErrorf(codeENINotFound, "The specified NetworkInterfaceId does not exist.")
	}
	return e, nil
}

// describeInstanceTypes answers with the asked types that exist; a name that
// does not is not an error.
func (c *Cloud) describeInstanceTypes(p params) (any, error) {
	names := p.list("InstanceTypes")
	if len(names) > maxInstanceTypes {
		return nil, invalidParameter("InstanceTypes")
	}
	reply := typePage{RequestID: c.requestID()}
	reply.Types.Type = []InstanceType{}
	for _, t := range c.types {
		if len(names) == 0 || slices.Contains(names, t.InstanceTypeID) {
			reply.Types.Type = append(reply.Types.Type, t)
		}
	}
	return reply, nil
}
