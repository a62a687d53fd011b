package ecssim

import "slices"

// modifyConnectionTracking applies the connection timeouts, in seconds.
func (c *Cloud) modifyConnectionTracking(e *ENI, p params) error {
	t := ConnectionTracking{}
	if e.ConnectionTracking != nil {
		t = *e.ConnectionTracking
	}
	changed := false
	for _, f := range []struct {
		name  string
		to    **int
		valid func(int) bool
	}{
		{"TcpEstablishedTimeout", &t.TCPEstablishedTimeout, oneOf(30, 60, 80, 100, 200, 300, 500, 700, 910)},
		{"TcpClosedAndTimeWaitTimeout", &t.TCPClosedAndTimeWaitTimeout, func(n int) bool { return n >= 3 && n <= 15 }},
		{"UdpTimeout", &t.UDPTimeout, oneOf(10, 20, 30, 60, 80, 100)},
	} {
		n, err := p.number("ConnectionTrackingConfiguration." + f.name)
		if err != nil {
			return err
		}
		if n == nil {
			continue
		}
		if c.opts.DenyConnectionTracking {
			return apiErrorf(codeTrackingUnsupported, "The specified parameter ConnectionTrackingConfiguration is not supported in this region, or this account is not in the whitelist of using network interface ConnectionTrackingConfiguration.")
		}
		if !f.valid(*n) {
			return apiErrorf(codeConnectionTracking, "The specify network interface connection tracking configuration exceeds limit.")
		}
		*f.to, changed = n, true
	}
	if changed {
		e.ConnectionTracking = &t
	}
	return nil
}

func oneOf(allowed ...int) func(int) bool {
	return func(n int) bool { return slices.Contains(allowed, n) }
}

// modifyEnhancedNetwork applies SR-IOV and RSS. With EnableSriov the total
// number of queues and 1 to 256 virtual functions are mandatory, without it
// they are forbidden. Both features must be the instance type's, if the ENI is
// attached.
func (c *Cloud) modifyEnhancedNetwork(e *ENI, p params) error {
	const prefix = "EnhancedNetwork."
	sriov, err := p.boolean(prefix + "EnableSriov")
	if err != nil {
		return err
	}
	rss, err := p.boolean(prefix + "EnableRss")
	if err != nil {
		return err
	}
	queues, err := p.number(prefix + "VirtualFunctionTotalQueueNumber")
	if err != nil {
		return err
	}
	functions, err := p.number(prefix + "VirtualFunctionQuantity")
	if err != nil {
		return err
	}
	if sriov == nil && rss == nil && queues == nil && functions == nil {
		return nil
	}
	on := sriov != nil && *sriov
	complete := queues != nil && functions != nil && *functions >= 1 && *functions <= 256
	if (on && !complete) || (!on && (queues != nil || functions != nil)) {
		return apiErrorf(codeEnhancedNetwork, `The input parameter "EnhancedNetwork" is illegal, when EnableSriov is true, `+
			"VirtualFunctionTotalQueueNumber must not be empty, and VirtualFunctionQuantity must be 1 to 256. "+
			"When EnableSriov is empty or false, VirtualFunctionTotalQueueNumber and VirtualFunctionQuantity must be empty.")
	}
	n := EnhancedNetwork{}
	if e.EnhancedNetwork != nil {
		n = *e.EnhancedNetwork
	}
	if err := c.checkEnhancedNetwork(*e, n, on, rss != nil && *rss, queues, functions); err != nil {
		return err
	}
	if sriov != nil {
		n.EnableSriov, n.VFTotalQueues, n.VirtualFunction = sriov, queues, functions
	}
	if rss != nil {
		n.EnableRss = rss
	}
	e.EnhancedNetwork = &n
	return nil
}

// checkEnhancedNetwork compares what is asked for with the instance type and with
// what the ENI has now.
func (c *Cloud) checkEnhancedNetwork(e ENI, now EnhancedNetwork, sriov, rss bool, queues, functions *int) error {
	if t, ok := c.typeOf(e); ok {
		has := TypeEnhancedNetwork{}
		if t.EnhancedNetwork != nil {
			has = *t.EnhancedNetwork
		}
		if rss && !isTrue(has.RssSupport) {
			return apiErrorf(codeNoRSS, "The ECS instance type does not support Rss.")
		}
		if sriov && !isTrue(has.SriovSupport) {
			return apiErrorf(codeUnsupportedParameter, "The instance type does not support EnableSriov.")
		}
	}
	switch {
	case !sriov:
		return nil
	case e.Type == TypeTrunk && e.Status != StatusAvailable:
		return apiErrorf(codeTrunkAttached, "The Attachment of the current Trunk type Network Interface must be empty when modify EnableSriov to true.")
	case isTrue(now.EnableSriov) && (differ(now.VFTotalQueues, queues) || differ(now.VirtualFunction, functions)):
		return apiErrorf(codeVirtualFunctionsFixed, "The ENI not support modify VirtualFunctionTotalQueueNumber and VirtualFunctionQuantity when EnableSriov is true.")
	default:
		return nil
	}
}

func isTrue(b *bool) bool { return b != nil && *b }

func differ(a, b *int) bool { return a != nil && b != nil && *a != *b }
