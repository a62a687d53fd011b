package ecssim

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
)

// maxInstanceIDs is how many ids DescribeInstances takes.
const maxInstanceIDs = 100

type instancePage struct {
	RequestID  string `json:"RequestId"`
	TotalCount int    `json:"TotalCount"`
	NextToken  string `json:"NextToken"`
	Instances  struct {
		Instance []instanceReply `json:"Instance"`
	} `json:"Instances"`
}

type instanceReply struct {
	InstanceID   string `json:"InstanceId"`
	InstanceName string `json:"InstanceName"`
	Status       string `json:"Status"`
	InstanceType string `json:"InstanceType"`
	RegionID     string `json:"RegionId"`
	ZoneID       string `json:"ZoneId"`
	OSType       string `json:"OSType"`
}

// describeInstances answers with the instances of the region that InstanceIds, a
// JSON array, names, or with all; a name that does not exist is not an error. All
// fit on one page. c.mu is held.
func (c *Cloud) describeInstances(p params) (any, error) {
	var ids []string
	if text := p["InstanceIds"]; text != "" {
		if err := json.Unmarshal([]byte(text), &ids); err != nil || len(ids) > maxInstanceIDs {
			return nil, invalidParameter("InstanceIds")
		}
	}
	reply := instancePage{RequestID: c.requestID()}
	reply.Instances.Instance = []instanceReply{}
	for _, id := range slices.Sorted(maps.Keys(c.instances)) {
		in := c.instances[id]
		if in.Region != p["RegionId"] || ids != nil && !slices.Contains(ids, id) {
			continue
		}
		reply.TotalCount++
		reply.Instances.Instance = append(reply.Instances.Instance, instanceReply{
			InstanceID: in.ID, InstanceName: in.Name, Status: in.Status, InstanceType: in.Type,
			RegionID: in.Region, ZoneID: in.Zone, OSType: cmp.Or(in.OSType, "linux"),
		})
	}
	return reply, nil
}
