package ecssim

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Bounds of ModifyNetworkInterfaceAttribute, from its page and, for the ring
// sizes, from that of CreateNetworkInterface.
const (
	maxQueueNumber = 2048
	minQueueSize   = 8192
	maxQueueSize   = 16384
)

// modifyNetworkInterfaceAttribute changes an ENI: every rule is checked on a
// copy, so a refused request changes nothing. c.mu is held.
func (c *Cloud) modifyNetworkInterfaceAttribute(p params) (any, error) {
	e, err := c.addressedENI(p)
	if err != nil {
		return nil, err
	}
	if e.ServiceManaged {
		return nil, apiErrorf(codeServiceManaged, "The specified network interface is managed by a cloud service.")
	}
	for _, change := range []func(*ENI, params) error{
		modifyText, checkPrimary, c.modifySecurityGroups, c.modifySwitches, c.modifyQueues, c.modifyRings,
		c.modifyTraffic, c.modifyConnectionTracking, c.modifyEnhancedNetwork,
	} {
		if err := change(&e, p); err != nil {
			return nil, err
		}
	}
	c.change(c.eniIndex(e.ID), e)
	return emptyReply{RequestID: c.requestID()}, nil
}

func modifyText(e *ENI, p params) error {
	if name, ok := p["NetworkInterfaceName"]; ok {
		if name != "" && (!validText(name, 2, 128) || !nameForm.MatchString(name)) {
			return apiErrorf(codeENIName, "The specified NetworkInterfaceName is not valid.")
		}
		e.Name = name
	}
	if description, ok := p["Description"]; ok {
		if !validText(description, 2, 255) {
			return invalidParameter("Description")
		}
		e.Description = description
	}
	return nil
}

// nameForm is a letter, Chinese ones included, and then letters, digits and : _ . -
var nameForm = regexp.MustCompile(`^\p{L}[\p{L}\p{Nd}:_.\-]*$`)

// checkPrimary: only the name and the description of a primary ENI can be changed.
func checkPrimary(e *ENI, p params) error {
	if e.Type != TypePrimary {
		return nil
	}
	for _, name := range []string{"QueueNumber", "NetworkInterfaceTrafficConfig.QueueNumber"} {
		if p[name] != "" {
			return apiErrorf(codeModifyPrimaryQueues, "Primary NetworkInterface is not allowed to modify queue number.")
		}
	}
	for name := range p {
		for _, prefix := range []string{
			"SecurityGroupId", "DeleteOnRelease", "SourceDestCheck", "RxQueueSize", "TxQueueSize",
			"NetworkInterfaceTrafficConfig.", "ConnectionTrackingConfiguration.", "EnhancedNetwork.",
		} {
			if strings.HasPrefix(name, prefix) {
				return apiErrorf(codePrimaryNameAndDesc, "Primary NetworkInterface is only allowed to modify name and description.")
			}
		}
	}
	return nil
}

// validText checks a length in characters; the empty default is allowed.
func validText(s string, lo, hi int) bool {
	if strings.HasPrefix(s, "http://") || strings.HasPrefix(s, "https://") {
		return false
	}
	n := utf8.RuneCountInString(s)
	return n == 0 || (n >= lo && n <= hi)
}

func (c *Cloud) modifySecurityGroups(e *ENI, p params) error {
	groups := p.list("SecurityGroupId")
	if len(groups) == 0 {
		return nil
	}
	for i, g := range groups {
		if slices.Contains(groups[:i], g) {
			return apiErrorf(codeSecurityGroupRepeated, "The specified security group ids has repeated.")
		}
		if !strings.HasPrefix(g, "sg-") || c.opts.SecurityGroups != nil && !slices.Contains(c.opts.SecurityGroups, g) {
			return apiErrorf(codeSecurityGroupNotFound, "The specified SecurityGroupId %s does not exist.", g)
		}
	}
	if len(groups) > c.opts.MaxSecurityGroups {
		return apiErrorf(codeSecurityGroupsExceeded, "The network interface can join at most %d security groups.", c.opts.MaxSecurityGroups)
	}
	e.SecurityGroupIDs = groups
	return nil
}

func (c *Cloud) modifySwitches(e *ENI, p params) error {
	if c.opts.DenySourceDestCheck && p["SourceDestCheck"] != "" {
		return apiErrorf(codeSourceDestUnsupported, "Modifying sourceDestCheck attribute for network interface is not allowed in the %s region.", p["RegionId"])
	}
	for _, s := range []struct {
		name string
		to   *bool
	}{{"DeleteOnRelease", &e.DeleteOnRelease}, {"SourceDestCheck", &e.SourceDestCheck}} {
		v, err := p.boolean(s.name)
		if err != nil {
			return err
		}
		if v != nil {
			*s.to = *v
		}
	}
	return nil
}

// either reads a number that may stand at the top or within
// NetworkInterfaceTrafficConfig, but not with two values.
func (p params) either(name string) (value *int, inConfig bool, err error) {
	top, err := p.number(name)
	if err != nil {
		return nil, false, err
	}
	nested, err := p.number("NetworkInterfaceTrafficConfig." + name)
	switch {
	case err != nil:
		return nil, false, err
	case nested == nil:
		return top, false, nil
	case top != nil && *top != *nested:
		return nil, false, apiErrorf(codeConflict, "The specified parameter %q conflicts with NetworkInterfaceTrafficConfig.%s.", name, name)
	default:
		return nested, top == nil, nil
	}
}

// modifyQueues applies QueueNumber: at the top level only while the ENI is
// Available or its instance is Stopped, in the traffic configuration also in use.
func (c *Cloud) modifyQueues(e *ENI, p params) error {
	n, inConfig, err := p.either("QueueNumber")
	if err != nil || n == nil {
		return err
	}
	if *n < 1 || *n > maxQueueNumber {
		return apiErrorf(codeQueueNumber, "The specified QueueNumber must be 1 to %d.", maxQueueNumber)
	}
	stopped := e.Status == StatusInUse && c.instances[e.InstanceID].Status == InstanceStopped
	if !inConfig && e.Status != StatusAvailable && !stopped {
		return apiErrorf(codeENIState, "Available status or ECS instance attached is Stopped is allowed to modify network interface queue number.")
	}
	if err := c.checkQueueQuota(*e, *n); err != nil {
		return err
	}
	e.QueueNumber = n
	return nil
}

// checkQueueQuota compares n with the quotas of the instance type of an
// attached ENI; an absent quota limits nothing.
func (c *Cloud) checkQueueQuota(e ENI, n int) error {
	t, ok := c.typeOf(e)
	if !ok {
		return nil
	}
	if t.MaximumQueueNumberPerEni != nil && n > *t.MaximumQueueNumberPerEni {
		return apiErrorf(codeQueueNumberExceeded, "The QueueNumber exceeds the maximum of %d per network interface of %s.",
			*t.MaximumQueueNumberPerEni, t.InstanceTypeID)
	}
	total := n
	for _, r := range c.enis {
		if r.eni.InstanceID == e.InstanceID && r.eni.ID != e.ID {
			total += queuesOf(r.eni, t)
		}
	}
	if t.TotalEniQueueQuantity != nil && total > *t.TotalEniQueueQuantity {
		return apiErrorf(codeTotalQueuesExceeded, "The queues of all network interfaces would be %d, and %s allows %d.",
			total, t.InstanceTypeID, *t.TotalEniQueueQuantity)
	}
	return nil
}

// queuesOf is what an ENI takes of the instance's quota: its number, else the type's default.
func queuesOf(e ENI, t InstanceType) int {
	fallback := t.SecondaryEniQueueNumber
	if e.Type == TypePrimary {
		fallback = t.PrimaryEniQueueNumber
	}
	for _, n := range []*int{e.QueueNumber, fallback} {
		if n != nil {
			return *n
		}
	}
	return 0
}

// modifyRings applies RxQueueSize and TxQueueSize, which must come together,
// be equal, and be a power of two within the bounds.
func (c *Cloud) modifyRings(e *ENI, p params) error {
	rx, _, err := p.either("RxQueueSize")
	if err != nil {
		return err
	}
	tx, _, err := p.either("TxQueueSize")
	if err != nil || (rx == nil && tx == nil) {
		return err
	}
	if c.opts.DenyRingSizes {
		return apiErrorf(codeQueueSizeUnsupported, "The specified parameter RxQueueSize or TxQueueSize is not supported in this region, or this account is not in the whitelist of using eni QueueSize.")
	}
	if rx == nil || tx == nil || *rx != *tx || *rx < minQueueSize || *rx > maxQueueSize || *rx&(*rx-1) != 0 {
		return apiErrorf(codeQueueSize, "The specified parameter TxQueueSize and RxQueueSize are not equal or exceed limit.")
	}
	e.RxQueueSize, e.TxQueueSize = rx, tx
	return nil
}
