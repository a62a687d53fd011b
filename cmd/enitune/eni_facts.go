package main

import (
	"context"
	"errors"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/enireport"
)

// facts reads an ENI and what the rules of a change look at: its instance, the
// instance's type and other ENIs, as far as this change needs them. Only the ENI
// must be readable; of the rest, what the API refuses to tell is a note, and its
// rules are then the API's to apply.
func (c *cloudSide) facts(ctx context.Context, id string, want eni.Modification) (eni.Facts, []eni.Finding, error) {
	n, err := c.client.NetworkInterfaceDetail(ctx, id)
	if err != nil {
		return eni.Facts{}, nil, err
	}
	facts := eni.Facts{ENI: n}
	instance := enireport.AttachedTo(n)
	if instance == "" || !eni.NeedsInstance(want) {
		return facts, nil, nil
	}
	var notes []eni.Finding
	survive := func(err error, action, what string) error {
		if !errors.Is(err, eni.ErrDenied) && !errors.Is(err, eni.ErrNotFound) && !errors.Is(err, eni.ErrInvalid) {
			return err
		}
		note := eni.Finding{Rule: "not-checked", Severity: eni.SeverityNote, Message: what + " could not be read, so the rules about it are left to the API: " + err.Error()}
		if errors.Is(err, eni.ErrDenied) {
			note.Remedy = "add ecs:" + action + " to the RAM policy"
		}
		notes = append(notes, note)
		return nil
	}
	in, err := c.instance(ctx, instance)
	if err = survive(err, "DescribeInstances", "the instance"); err != nil {
		return eni.Facts{}, nil, err
	}
	switch {
	case in.ID != "":
		facts.Instance = &in
	case c.self.InstanceID == instance: // it runs this very program
		facts.Instance = &eni.Instance{ID: instance, Status: "Running", Type: c.self.InstanceType, RegionID: c.self.RegionID, ZoneID: c.self.ZoneID}
	}
	if facts.Instance != nil && facts.Instance.Type != "" {
		t, err := c.instanceType(ctx, facts.Instance.Type)
		if err = survive(err, "DescribeInstanceTypes", "the instance type"); err != nil {
			return eni.Facts{}, nil, err
		}
		if t.ID != "" {
			facts.Type = &t
		}
	}
	if !eni.NeedsSiblings(want) {
		return facts, notes, nil
	}
	facts.Siblings, err = c.enis(ctx, selection{instance: instance}, nil)
	return facts, notes, survive(err, "DescribeNetworkInterfaces", "the other ENIs of the instance")
}
