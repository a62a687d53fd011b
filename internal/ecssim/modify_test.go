package ecssim_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

func TestModifyNetworkInterfaceAttribute(t *testing.T) {
	const nested = "NetworkInterfaceTrafficConfig."
	tests := []struct {
		name    string
		eni     string // the ENI that is modified; it alone may change
		stopped bool   // its instance is
		pairs   []string
		status  int
		code    string
		change  func(*ecssim.ENI) // what the request does
	}{
		{name: "name and description of a primary", eni: "eni-primary", pairs: []string{"NetworkInterfaceName=uplink", "Description=to the world"},
			change: func(e *ecssim.ENI) { e.Name, e.Description = "uplink", "to the world" }},
		{name: "name of one letter", eni: "eni-free", pairs: []string{"NetworkInterfaceName=x"}, status: 403, code: "InvalidParams.NetworkInterfaceName"},
		{name: "description that is a URL", eni: "eni-free", pairs: []string{"Description=https://x"}, status: 400, code: "InvalidParameter"},
		{name: "queues of an available ENI", eni: "eni-free", pairs: []string{"QueueNumber=8"},
			change: func(e *ecssim.ENI) { e.QueueNumber = new(8) }},
		{name: "queues of an ENI in use", eni: "eni-second", pairs: []string{"QueueNumber=4"}, status: 403, code: "InvalidOperation.InvalidEniState"},
		{name: "queues of an ENI on a stopped instance", eni: "eni-second", stopped: true, pairs: []string{"QueueNumber=4"},
			change: func(e *ecssim.ENI) { e.QueueNumber = new(4) }},
		{name: "queues in the traffic configuration while in use", eni: "eni-second", pairs: []string{nested + "QueueNumber=3"},
			change: func(e *ecssim.ENI) { e.QueueNumber = new(3) }},
		{name: "two different queue numbers", eni: "eni-free", pairs: []string{"QueueNumber=1", nested + "QueueNumber=2"}, status: 400, code: "InvalidParameter.Conflict"},
		{name: "queues of a primary", eni: "eni-primary", stopped: true, pairs: []string{"QueueNumber=4"}, status: 403, code: "InvalidOperation.ModifyPrimaryEniQueueNumber"},
		{name: "no queues", eni: "eni-free", pairs: []string{"QueueNumber=0"}, status: 403, code: "InvalidParameter.InvalidEniQueueNumber"},
		{name: "2049 queues", eni: "eni-free", pairs: []string{"QueueNumber=2049"}, status: 403, code: "InvalidParameter.InvalidEniQueueNumber"},
		{name: "queues in words", eni: "eni-free", pairs: []string{"QueueNumber=two"}, status: 400, code: "InvalidParameter"},
		{name: "more queues than one ENI of the type has", eni: "eni-second", stopped: true, pairs: []string{"QueueNumber=5"}, status: 403, code: "InvalidOperation.MaxEniQueueNumberExceeded"},
		{name: "equal ring sizes", eni: "eni-second", pairs: []string{"RxQueueSize=8192", "TxQueueSize=8192"},
			change: func(e *ecssim.ENI) { e.RxQueueSize, e.TxQueueSize = new(8192), new(8192) }},
		{name: "ring sizes in the traffic configuration", eni: "eni-second", pairs: []string{nested + "RxQueueSize=16384", nested + "TxQueueSize=16384"},
			change: func(e *ecssim.ENI) { e.RxQueueSize, e.TxQueueSize = new(16384), new(16384) }},
		{name: "different ring sizes", eni: "eni-second", pairs: []string{"RxQueueSize=8192", "TxQueueSize=16384"}, status: 400, code: "InvalidParameter.EniQueueSize"},
		{name: "one ring size", eni: "eni-second", pairs: []string{"RxQueueSize=8192"}, status: 400, code: "InvalidParameter.EniQueueSize"},
		{name: "ring sizes below 8192", eni: "eni-second", pairs: []string{"RxQueueSize=4096", "TxQueueSize=4096"}, status: 400, code: "InvalidParameter.EniQueueSize"},
		{name: "ring sizes above 16384", eni: "eni-second", pairs: []string{"RxQueueSize=32768", "TxQueueSize=32768"}, status: 400, code: "InvalidParameter.EniQueueSize"},
		{name: "ring sizes between powers of two", eni: "eni-second", pairs: []string{"RxQueueSize=12288", "TxQueueSize=12288"}, status: 400, code: "InvalidParameter.EniQueueSize"},
		{name: "a refused part refuses the whole", eni: "eni-free", pairs: []string{"Description=changed", "QueueNumber=0"}, status: 403, code: "InvalidParameter.InvalidEniQueueNumber"},
		{name: "security groups", eni: "eni-second", pairs: []string{"SecurityGroupId.1=sg-1", "SecurityGroupId.2=sg-2"},
			change: func(e *ecssim.ENI) { e.SecurityGroupIDs = []string{"sg-1", "sg-2"} }},
		{name: "repeated security groups", eni: "eni-second", pairs: []string{"SecurityGroupId.1=sg-1", "SecurityGroupId.2=sg-1"}, status: 404, code: "InvalidParameter.SecurityGroupIdRepeated"},
		{name: "security groups of a primary", eni: "eni-primary", pairs: []string{"SecurityGroupId.1=sg-1"}, status: 404, code: "InvalidOperation.PrimaryEniOnlySupportModifyNameAndDesc"},
		{name: "switches", eni: "eni-second", pairs: []string{"DeleteOnRelease=true", "SourceDestCheck=false"},
			change: func(e *ecssim.ENI) { e.DeleteOnRelease = true }},
		{name: "a switch that is neither on nor off", eni: "eni-second", pairs: []string{"DeleteOnRelease=maybe"}, status: 400, code: "InvalidParameter"},
		{name: "RDMA mode with queue pairs", eni: "eni-free", pairs: []string{nested + "NetworkInterfaceTrafficMode=HighPerformance", nested + "QueuePairNumber=8"},
			change: func(e *ecssim.ENI) { e.TrafficMode, e.QueuePairNumber = "HighPerformance", new(8) }},
		{name: "queue pairs in standard mode", eni: "eni-free", pairs: []string{nested + "QueuePairNumber=8"}, status: 400, code: "InvalidParameter.QueuePairNumberMustEmpty"},
		{name: "unknown mode", eni: "eni-free", pairs: []string{nested + "NetworkInterfaceTrafficMode=Fast"}, status: 400, code: "InvalidParameter.EniTrafficMode"},
		{name: "connection tracking", eni: "eni-free", pairs: []string{"ConnectionTrackingConfiguration.UdpTimeout=60"},
			change: func(e *ecssim.ENI) { e.ConnectionTracking = &ecssim.ConnectionTracking{UDPTimeout: new(60)} }},
		{name: "connection tracking out of its list", eni: "eni-free", pairs: []string{"ConnectionTrackingConfiguration.UdpTimeout=61"}, status: 400, code: "InvalidParameter.EniConnectionTrackingConfiguration"},
		{name: "SR-IOV with its numbers", eni: "eni-free", pairs: []string{"EnhancedNetwork.EnableSriov=true", "EnhancedNetwork.VirtualFunctionTotalQueueNumber=16", "EnhancedNetwork.VirtualFunctionQuantity=4"},
			change: func(e *ecssim.ENI) {
				e.EnhancedNetwork = &ecssim.EnhancedNetwork{EnableSriov: new(true), VFTotalQueues: new(16), VirtualFunction: new(4)}
			}},
		{name: "SR-IOV without its numbers", eni: "eni-free", pairs: []string{"EnhancedNetwork.EnableSriov=true"}, status: 400, code: "InvalidParameter.EniEnhancedNetwork"},
		{name: "numbers without SR-IOV", eni: "eni-free", pairs: []string{"EnhancedNetwork.VirtualFunctionQuantity=4"}, status: 400, code: "InvalidParameter.EniEnhancedNetwork"},
		{name: "an ENI of another service", eni: "eni-managed", pairs: []string{"Description=mine"}, status: 403, code: "InvalidOperation.EniServiceManaged"},
		{name: "an ENI that is not there", eni: "eni-none", pairs: []string{"Description=mine"}, status: 404, code: "InvalidEniId.NotFound"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, clk := newCloud(ecssim.Options{})
			someENIs(c)
			if tt.stopped {
				if err := c.UpdateInstance("i-1", func(in *ecssim.Instance) { in.Status = ecssim.InstanceStopped }); err != nil {
					t.Fatal(err)
				}
			}
			want := c.ENIs()
			for i := range want {
				if want[i].ID == tt.eni && tt.change != nil {
					tt.change(&want[i])
				}
			}
			a := newClient(c, clk).call(t, "ModifyNetworkInterfaceAttribute", append(tt.pairs, "NetworkInterfaceId="+tt.eni)...)
			if status := max(tt.status, 200); a.status != status || a.code() != tt.code {
				t.Errorf("got %d %s, want %d %s: %v", a.status, a.code(), status, tt.code, a.body)
			}
			if diff := cmp.Diff(want, c.ENIs()); diff != "" {
				t.Errorf("ENIs afterwards (-want +got)\n%s", diff)
			}
		})
	}
}

func TestModifiedAttributesAreReadBackExceptRingSizes(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	someENIs(c)
	cl := newClient(c, clk)
	a := cl.call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free", "QueueNumber=8", "RxQueueSize=8192", "TxQueueSize=8192",
		"ConnectionTrackingConfiguration.TcpEstablishedTimeout=100", "EnhancedNetwork.EnableRss=true")
	if a.status != 200 {
		t.Fatalf("%v", a.body)
	}
	a = cl.call(t, "DescribeNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free", "Attribute=connectionTrackingConfiguration")
	want := map[string]any{
		"QueueNumber": 8.0, "RxQueueSize": "absent", "TxQueueSize": "absent",
		"NetworkInterfaceTrafficConfig":   map[string]any{"NetworkInterfaceTrafficMode": "Standard", "QueueNumber": 8.0},
		"EnhancedNetwork":                 map[string]any{"EnableRss": true},
		"ConnectionTrackingConfiguration": map[string]any{"TcpEstablishedTimeout": 100.0, "TcpClosedAndTimeWaitTimeout": 3.0, "UdpTimeout": 30.0},
	}
	got := fields(a.body, "QueueNumber", "RxQueueSize", "TxQueueSize", "NetworkInterfaceTrafficConfig", "EnhancedNetwork", "ConnectionTrackingConfiguration")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestQueuesOfAllENIsStayWithinTheTypesTotal(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	c.SetInstance(ecssim.Instance{ID: "i-1", Region: "cn-hangzhou", Type: "ecs.u1-c1m4.xlarge", Status: ecssim.InstanceStopped})
	c.PutENI(ecssim.ENI{ID: "eni-1", MAC: "00:16:3e:00:00:01", Type: ecssim.TypePrimary, InstanceID: "i-1", QueueNumber: new(2)})
	c.PutENI(ecssim.ENI{ID: "eni-2", MAC: "00:16:3e:00:00:02", InstanceID: "i-1"}) // counts as the type's 2
	c.PutENI(ecssim.ENI{ID: "eni-3", MAC: "00:16:3e:00:00:03", InstanceID: "i-1", QueueNumber: new(1)})
	cl := newClient(c, clk)
	for queues, code := range map[int]string{2: "", 3: "InvalidOperation.ExceedInstanceTypeQueueNumber"} {
		a := cl.call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-3", fmt.Sprint("QueueNumber=", queues))
		if a.code() != code {
			t.Errorf("%d queues: %q, want %q", queues, a.code(), code)
		}
	}
}

func TestRingSizesAreRefusedForAccountsOffTheAllowList(t *testing.T) {
	c, clk := newCloud(ecssim.Options{DenyRingSizes: true})
	someENIs(c)
	a := newClient(c, clk).call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-second", "RxQueueSize=8192", "TxQueueSize=8192")
	if a.status != 400 || a.code() != "InvalidEniQueueSize.RegionOrUserNotSupported" {
		t.Errorf("got %d %s", a.status, a.code())
	}
}

func TestTagResources(t *testing.T) {
	tooMany := []string{"ResourceId.1=eni-second"}
	for i := range 21 {
		tooMany = append(tooMany, fmt.Sprintf("Tag.%d.Key=k%d", i+1, i))
	}
	tests := []struct {
		name   string
		pairs  []string
		status int
		code   string
		tags   map[string]string // of eni-second, afterwards
	}{
		{"adds and replaces", []string{"ResourceId.1=eni-second", "Tag.1.Key=enitune:rx-queue-size", "Tag.1.Value=8192", "Tag.2.Key=env", "Tag.2.Value=test"},
			200, "", map[string]string{"team": "net", "env": "test", "enitune:rx-queue-size": "8192"}},
		{"a key alone has an empty value", []string{"ResourceId.1=eni-second", "Tag.1.Key=env"},
			200, "", map[string]string{"team": "net", "env": ""}},
		{"all ENIs or none", []string{"ResourceId.1=eni-second", "ResourceId.2=eni-none", "Tag.1.Key=a"},
			404, "InvalidResourceId.NotFound", map[string]string{"team": "net", "env": "prod"}},
		{"no ENI", []string{"Tag.1.Key=a"}, 400, "MissingParameter", map[string]string{"team": "net", "env": "prod"}},
		{"no tag", []string{"ResourceId.1=eni-second"}, 400, "MissingParameter", map[string]string{"team": "net", "env": "prod"}},
		{"21 tags", tooMany, 400, "NumberExceed.Tags", map[string]string{"team": "net", "env": "prod"}},
		{"disks", []string{"ResourceType=disk", "ResourceId.1=d-1", "Tag.1.Key=a"}, 404, "InvalidResourceType.NotFound", map[string]string{"team": "net", "env": "prod"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, clk := newCloud(ecssim.Options{})
			someENIs(c)
			a := newClient(c, clk).call(t, "TagResources", append([]string{"ResourceType=eni"}, tt.pairs...)...)
			if a.status != tt.status || a.code() != tt.code {
				t.Errorf("got %d %s, want %d %s", a.status, a.code(), tt.status, tt.code)
			}
			e, err := c.ENI("eni-second")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.tags, e.Tags); diff != "" {
				t.Errorf("tags (-want +got)\n%s", diff)
			}
		})
	}
}
