package ecssim

// modifyTraffic applies the communication mode and its RDMA queue pairs.
func (c *Cloud) modifyTraffic(e *ENI, p params) error {
	switch mode := p["NetworkInterfaceTrafficConfig.NetworkInterfaceTrafficMode"]; mode {
	case "", e.TrafficMode:
	case TrafficStandard:
		return apiErrorf(codeToStandard, "The specified parameter NetworkInterfaceTrafficMode is not supported to modify to Standard.")
	case TrafficHighPerformance:
		if err := c.checkERI(*e); err != nil {
			return err
		}
		e.TrafficMode = mode
	default:
		return apiErrorf(codeTrafficMode, "The ENI traffic mode is set incorrectly, it must be either Standard or HighPerformance.")
	}
	pairs, err := p.number("NetworkInterfaceTrafficConfig.QueuePairNumber")
	if err != nil || pairs == nil {
		return err
	}
	if e.TrafficMode != TrafficHighPerformance {
		return apiErrorf(codeQueuePairsMustBeEmpty, "When the traffic mode is set to Standard, the QueuePairNumber must be empty.")
	}
	if *pairs < 1 {
		return apiErrorf(codeQueuePairNumber, "The specified parameter QueuePairNumber exceeds limit.")
	}
	if t, ok := c.typeOf(*e); ok && t.QueuePairNumber != nil && *pairs > *t.QueuePairNumber {
		return apiErrorf(codeQueuePairNumberExceeded, "The QueuePairNumber on the RDMA ENI exceeds the upper limit allowed for a single ENI.")
	}
	e.QueuePairNumber = pairs
	return nil
}

// checkERI says whether an ENI may become an RDMA interface: not with IPv6, and
// attached only within its instance type's quota. c.mu is held.
func (c *Cloud) checkERI(e ENI) error {
	if len(e.IPv6s) > 0 {
		return apiErrorf(codeRDMAWithIPv6, "The ENI using High Performance traffic mode does not support IPv6.")
	}
	t, ok := c.typeOf(e)
	if !ok {
		return nil
	}
	if t.EriQuantity == nil || *t.EriQuantity == 0 {
		return apiErrorf(codeNoRDMA, "The ECS instance type where the ENI is located does not support the RDMA mode.")
	}
	others := 0
	for _, r := range c.enis {
		if r.eni.InstanceID == e.InstanceID && r.eni.ID != e.ID && r.eni.TrafficMode == TrafficHighPerformance {
			others++
		}
	}
	if others >= *t.EriQuantity {
		return apiErrorf(codeERIsExceeded, "The number of RDMA ENIs attached to the ECS instance exceeds the upper limit.")
	}
	return nil
}

// typeOf is the instance type of what an ENI is attached to; false if it is
// attached to nothing, or the type is not known. c.mu is held.
func (c *Cloud) typeOf(e ENI) (InstanceType, bool) {
	if e.InstanceID == "" {
		return InstanceType{}, false
	}
	i := c.typeIndex(c.instances[e.InstanceID].Type)
	if i < 0 {
		return InstanceType{}, false
	}
	return c.types[i], true
}
