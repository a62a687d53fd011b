package eni

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/enitune/enitune/internal/ecssim"
)

// rulesCloud has an ENI of each kind on a running and a stopped instance of a
// type with every feature, and on one of a type with none.
func rulesCloud() *ecssim.Cloud {
	cloud := newCloud()
	cloud.PutInstanceType(ecssim.InstanceType{InstanceTypeID: "ecs.g7.4xlarge", MaximumQueueNumberPerEni: new(8), TotalEniQueueQuantity: new(16),
		PrimaryEniQueueNumber: new(4), SecondaryEniQueueNumber: new(4), EriQuantity: new(1), QueuePairNumber: new(8),
		EnhancedNetwork: &ecssim.TypeEnhancedNetwork{SriovSupport: new(true), RssSupport: new(true)}})
	cloud.PutInstanceType(ecssim.InstanceType{InstanceTypeID: "ecs.g7.small", EriQuantity: new(0),
		EnhancedNetwork: &ecssim.TypeEnhancedNetwork{SriovSupport: new(false), RssSupport: new(false)}})
	for _, in := range []ecssim.Instance{
		{ID: "i-run", Type: "ecs.g7.4xlarge"}, {ID: "i-stop", Type: "ecs.g7.4xlarge", Status: ecssim.InstanceStopped}, {ID: "i-plain", Type: "ecs.g7.small"},
	} {
		in.Region = "cn-hangzhou"
		cloud.PutInstance(in)
	}
	for _, e := range []ecssim.ENI{
		{ID: "eni-primary", InstanceID: "i-stop", Type: ecssim.TypePrimary, QueueNumber: new(4)},
		{ID: "eni-stop", InstanceID: "i-stop", QueueNumber: new(4)},
		{ID: "eni-other", InstanceID: "i-stop"},
		{ID: "eni-run", InstanceID: "i-run", QueueNumber: new(4)},
		{ID: "eni-rdma", InstanceID: "i-run", QueueNumber: new(4), TrafficMode: ecssim.TrafficHighPerformance},
		{ID: "eni-trunk", InstanceID: "i-run", Type: ecssim.TypeTrunk},
		{ID: "eni-vf", InstanceID: "i-run", EnhancedNetwork: &ecssim.EnhancedNetwork{EnableSriov: new(true), VFTotalQueues: new(16), VirtualFunction: new(4)}},
		{ID: "eni-plain", InstanceID: "i-plain"},
		{ID: "eni-free"}, {ID: "eni-free6", IPv6s: []string{"2001:db8::1"}},
		{ID: "eni-managed", ServiceManaged: true},
	} {
		e.MAC = "00:16:3e:00:01:00"
		cloud.PutENI(e)
	}
	return cloud
}

// readFacts reads what a program would before it asks Preflight.
func readFacts(t *testing.T, c *Client, id string) Facts {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	n, err := c.NetworkInterfaceDetail(ctx, id)
	must(err)
	facts := Facts{ENI: n}
	if n.InstanceID == "" {
		return facts
	}
	instances, err := c.Instances(ctx, n.InstanceID)
	must(err)
	types, err := c.InstanceTypes(ctx, instances[0].Type)
	must(err)
	facts.Instance, facts.Type = &instances[0], &types[0]
	facts.Siblings, err = c.NetworkInterfaces(ctx, Query{InstanceID: n.InstanceID})
	must(err)
	return facts
}

// TestPreflightAndTheSimulatorKnowTheSameRules sends each change too: what
// Preflight has a warning or an error for is refused, and nothing else.
func TestPreflightAndTheSimulatorKnowTheSameRules(t *testing.T) {
	traffic := func(c TrafficConfigChange) Modification { return Modification{TrafficConfig: &c} }
	network := func(c EnhancedNetworkChange) Modification { return Modification{EnhancedNetwork: &c} }
	sriov := network(EnhancedNetworkChange{EnableSriov: new(true), VirtualFunctionTotalQueueNumber: new(16), VirtualFunctionQuantity: new(8)})
	rdma := traffic(TrafficConfigChange{Mode: new("HighPerformance")})
	for _, tt := range []struct {
		eni    string
		change Modification
		rule   string // of the finding that stands in the way; "" for none
	}{
		{"eni-run", Modification{Name: new("front-1"), Description: new("to the world"), SecurityGroupIDs: []string{"sg-1"}}, ""},
		{"eni-run", Modification{Name: new("1")}, "name-format"},
		{"eni-run", Modification{Name: new("a b")}, "name-format"},
		{"eni-run", Modification{Description: new("http://x")}, "description-format"},
		{"eni-run", Modification{SecurityGroupIDs: []string{"sg-1", "sg-1"}}, "security-group-repeated"},
		{"eni-run", Modification{SecurityGroupIDs: []string{"web"}}, "security-group-format"},
		{"eni-run", Modification{QueueNumber: new(2)}, "eni-state"},
		{"eni-stop", Modification{QueueNumber: new(8)}, ""},
		{"eni-stop", Modification{QueueNumber: new(9)}, "queue-limit"},
		{"eni-stop", Modification{QueueNumber: new(0)}, "queue-number-range"},
		{"eni-free", Modification{QueueNumber: new(2048)}, ""},
		{"eni-free", Modification{QueueNumber: new(2049)}, "queue-number-range"},
		{"eni-free", Modification{QueueNumber: new(1), TrafficConfig: &TrafficConfigChange{QueueNumber: new(2)}}, "queue-number-conflict"},
		{"eni-run", traffic(TrafficConfigChange{QueueNumber: new(4)}), ""},
		{"eni-run", traffic(TrafficConfigChange{QueueNumber: new(5)}), "queue-quota"},
		{"eni-primary", Modification{Name: new("front"), Description: new("to the world")}, ""},
		{"eni-primary", Modification{QueueNumber: new(2)}, "primary-queue-number"},
		{"eni-primary", Modification{DeleteOnRelease: new(true)}, "primary-name-and-description"},
		{"eni-managed", Modification{Name: new("front")}, "eni-service-managed"},
		{"eni-run", Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)}, ""},
		{"eni-run", Modification{RxQueueSize: new(8192)}, "ring-pair"},
		{"eni-run", Modification{RxQueueSize: new(4096), TxQueueSize: new(4096)}, "ring-range"},
		{"eni-run", Modification{ConnectionTracking: &ConnectionTrackingChange{UDPTimeout: new(100)}}, ""},
		{"eni-run", Modification{ConnectionTracking: &ConnectionTrackingChange{UDPTimeout: new(99)}}, "udp-timeout"},
		{"eni-run", Modification{ConnectionTracking: &ConnectionTrackingChange{TCPEstablishedTimeout: new(90)}}, "tcp-established-timeout"},
		{"eni-run", Modification{ConnectionTracking: &ConnectionTrackingChange{TCPClosedAndTimeWaitTimeout: new(2)}}, "tcp-closed-and-time-wait-timeout"},
		{"eni-run", rdma, "eri-quota"},
		{"eni-stop", rdma, ""},
		{"eni-plain", rdma, "eri-unsupported"},
		{"eni-free6", rdma, "traffic-mode-ipv6"},
		{"eni-rdma", traffic(TrafficConfigChange{Mode: new("Standard")}), "traffic-mode-standard"},
		{"eni-rdma", traffic(TrafficConfigChange{Mode: new("Fast")}), "traffic-mode-value"},
		{"eni-rdma", traffic(TrafficConfigChange{QueuePairNumber: new(8)}), ""},
		{"eni-rdma", traffic(TrafficConfigChange{QueuePairNumber: new(9)}), "queue-pair-limit"},
		{"eni-rdma", traffic(TrafficConfigChange{QueuePairNumber: new(0)}), "queue-pair-range"},
		{"eni-run", traffic(TrafficConfigChange{QueuePairNumber: new(8)}), "queue-pair-mode"},
		{"eni-run", sriov, ""},
		{"eni-run", network(EnhancedNetworkChange{EnableSriov: new(true)}), "sriov-numbers"},
		{"eni-plain", sriov, "sriov-support"},
		{"eni-vf", sriov, "sriov-fixed"},
		{"eni-trunk", sriov, "sriov-trunk"},
		{"eni-run", network(EnhancedNetworkChange{EnableRss: new(true)}), ""},
		{"eni-plain", network(EnhancedNetworkChange{EnableRss: new(true)}), "rss-support"},
	} {
		t.Run(tt.eni+" "+tt.rule, func(t *testing.T) {
			setCredentials(t)
			t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
			synctest.Test(t, func(t *testing.T) {
				c, end := newSimClient(t, rulesCloud(), ClientOptions{})
				defer end()
				findings := slices.Concat(CheckRequest(tt.change), Preflight(tt.change, readFacts(t, c, tt.eni)))
				against := slices.DeleteFunc(findings, func(f Finding) bool { return f.Severity == SeverityNote })
				if tt.rule == "" && len(against) > 0 || tt.rule != "" && !slices.ContainsFunc(against, func(f Finding) bool { return f.Rule == tt.rule }) {
					t.Errorf("findings %v, want %q", lines(against), tt.rule)
				}
				err := c.Modify(t.Context(), tt.eni, tt.change)
				if (err != nil) != (tt.rule != "") {
					t.Errorf("rule %q, and the cloud says %v", tt.rule, err)
				}
				if e, ok := errors.AsType[*Error](err); ok && e.Meaning == "" {
					t.Errorf("no meaning in %v", err)
				}
			})
		})
	}
}
