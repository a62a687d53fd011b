package ecssim_test

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

// rulesCloud has a type with every feature and room for one RDMA ENI.
func rulesCloud(opts ecssim.Options) (*ecssim.Cloud, *clock) {
	c, clk := newCloud(opts)
	c.PutInstanceType(ecssim.InstanceType{InstanceTypeID: "ecs.full", EriQuantity: new(1), QueuePairNumber: new(8),
		EnhancedNetwork: &ecssim.TypeEnhancedNetwork{SriovSupport: new(true), RssSupport: new(true)}})
	c.PutInstance(ecssim.Instance{ID: "i-full", Region: "cn-hangzhou", Type: "ecs.full"})
	for _, e := range []ecssim.ENI{
		{ID: "eni-primary", InstanceID: "i-full", Type: ecssim.TypePrimary},
		{ID: "eni-full", InstanceID: "i-full"},
		{ID: "eni-rdma", InstanceID: "i-full", TrafficMode: ecssim.TrafficHighPerformance},
		{ID: "eni-trunk", InstanceID: "i-full", Type: ecssim.TypeTrunk},
		{ID: "eni-vf", InstanceID: "i-full", EnhancedNetwork: &ecssim.EnhancedNetwork{EnableSriov: new(true), VFTotalQueues: new(16), VirtualFunction: new(4)}},
		{ID: "eni-plain", InstanceID: "i-1"},
		{ID: "eni-six", IPv6s: []string{"2001:db8::1"}},
	} {
		e.MAC = "00:16:3e:00:00:01"
		c.PutENI(e)
	}
	return c, clk
}

func TestEachRuleOfThePageRefusesWithItsCode(t *testing.T) {
	const traffic, network = "NetworkInterfaceTrafficConfig.", "EnhancedNetwork."
	sriov := func(queues, functions string) []string {
		return []string{network + "EnableSriov=true", network + "VirtualFunctionTotalQueueNumber=" + queues, network + "VirtualFunctionQuantity=" + functions}
	}
	for _, tt := range []struct {
		name  string
		opts  ecssim.Options
		eni   string
		pairs []string
		code  string // "" for success
	}{
		{"name with a digit first", ecssim.Options{}, "eni-full", []string{"NetworkInterfaceName=1a"}, "InvalidParams.NetworkInterfaceName"},
		{"Chinese name", ecssim.Options{}, "eni-full", []string{"NetworkInterfaceName=网卡:1_a.b-c"}, ""},
		{"switches of a primary", ecssim.Options{}, "eni-primary", []string{"DeleteOnRelease=true"}, "InvalidOperation.PrimaryEniOnlySupportModifyNameAndDesc"},
		{"connection tracking of a primary", ecssim.Options{}, "eni-primary", []string{"ConnectionTrackingConfiguration.UdpTimeout=60"}, "InvalidOperation.PrimaryEniOnlySupportModifyNameAndDesc"},
		{"a security group that is no id", ecssim.Options{}, "eni-full", []string{"SecurityGroupId.1=web"}, "InvalidSecurityGroupId.NotFound"},
		{"a security group that is not there", ecssim.Options{SecurityGroups: []string{"sg-1"}}, "eni-full", []string{"SecurityGroupId.1=sg-2"}, "InvalidSecurityGroupId.NotFound"},
		{"too many security groups", ecssim.Options{MaxSecurityGroups: 1}, "eni-full", []string{"SecurityGroupId.1=sg-1", "SecurityGroupId.2=sg-2"}, "JoinedGroupLimitExceed"},
		{"source/destination check elsewhere", ecssim.Options{DenySourceDestCheck: true}, "eni-full", []string{"SourceDestCheck=true"}, "InvalidOperation.SourceDestCheckUnsupported"},
		{"connection tracking elsewhere", ecssim.Options{DenyConnectionTracking: true}, "eni-full", []string{"ConnectionTrackingConfiguration.UdpTimeout=60"},
			"InvalidConnectionTrackingConfiguration.RegionOrUserNotSupported"},
		{"back to standard mode", ecssim.Options{}, "eni-rdma", []string{traffic + "NetworkInterfaceTrafficMode=Standard"}, "InvalidTrafficMode.ModifyToStandardNotSupported"},
		{"a second RDMA ENI", ecssim.Options{}, "eni-full", []string{traffic + "NetworkInterfaceTrafficMode=HighPerformance"}, "InvalidOperation.HighPerformanceEniPerInstanceLimitExceeded"},
		{"RDMA on a type without", ecssim.Options{}, "eni-plain", []string{traffic + "NetworkInterfaceTrafficMode=HighPerformance"}, "InvalidOperation.InstanceTypeNotSupportHighPerformance"},
		{"RDMA with IPv6", ecssim.Options{}, "eni-six", []string{traffic + "NetworkInterfaceTrafficMode=HighPerformance"}, "InvalidOperation.EniTrafficModeNotSupportIPv6"},
		{"no queue pairs", ecssim.Options{}, "eni-rdma", []string{traffic + "QueuePairNumber=0"}, "InvalidParameter.InvalidQueuePairNumber"},
		{"too many queue pairs", ecssim.Options{}, "eni-rdma", []string{traffic + "QueuePairNumber=9"}, "InvalidOperation.MaxEniQueuePairNumberExceed"},
		{"RSS", ecssim.Options{}, "eni-full", []string{network + "EnableRss=true"}, ""},
		{"RSS on a type without", ecssim.Options{}, "eni-plain", []string{network + "EnableRss=true"}, "InvalidOperation.InstanceTypeNotSupportRss"},
		{"SR-IOV on a type without", ecssim.Options{}, "eni-plain", sriov("16", "4"), "UnsupportedParameter"},
		{"SR-IOV of an attached trunk", ecssim.Options{}, "eni-trunk", sriov("16", "4"), "InvalidOperation.TrunkAttachmentMustEmpty"},
		{"the same virtual functions", ecssim.Options{}, "eni-vf", sriov("16", "4"), ""},
		{"other virtual functions", ecssim.Options{}, "eni-vf", sriov("16", "8"), "InvalidOperation.NotSupportModifyVFQueueNumberAndVFQuantity"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, clk := rulesCloud(tt.opts)
			before := c.ENIs()
			a := newClient(c, clk).call(t, "ModifyNetworkInterfaceAttribute", append(tt.pairs, "NetworkInterfaceId="+tt.eni)...)
			if a.code() != tt.code {
				t.Errorf("got %d %s, want %s: %v", a.status, a.code(), tt.code, a.body)
			}
			if diff := cmp.Diff(before, c.ENIs()); tt.code != "" && diff != "" {
				t.Errorf("a refused request changed:\n%s", diff)
			}
		})
	}
}

func TestInjectedCodesHaveTheStatusOfThePage(t *testing.T) {
	table, err := os.ReadFile("../../eni/testdata/modify_error_codes.txt")
	if err != nil {
		t.Fatal(err)
	}
	statuses := make(map[string][]string)
	for line := range strings.Lines(string(table)) {
		if status, code, ok := strings.Cut(strings.TrimSpace(line), " "); ok && status != "#" {
			statuses[code] = append(statuses[code], status)
		}
	}
	c, clk := newCloud(ecssim.Options{})
	cl := newClient(c, clk)
	for code, want := range statuses {
		c.SetFaults(ecssim.Fault{Target: ecssim.TargetECS, Code: code})
		// The last row is the one of the queue number, where a code is there twice.
		if a := cl.call(t, "ModifyNetworkInterfaceAttribute"); strconv.Itoa(a.status) != want[len(want)-1] {
			t.Errorf("%s: HTTP %d, want %v", code, a.status, want)
		}
	}
}

func TestDeniedActionsTellWhatIsMissing(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	someENIs(c)
	cl := newClient(c, clk)
	c.Deny("ModifyNetworkInterfaceAttribute")
	a := cl.call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free", "Description=mine")
	detail, _ := a.body["AccessDeniedDetail"].(map[string]any)
	if a.status != http.StatusForbidden || a.code() != "Forbidden.RAM" || detail["AuthAction"] != "ecs:ModifyNetworkInterfaceAttribute" ||
		detail["AuthResource"] != "acs:ecs:cn-hangzhou:1609:eni/eni-free" || detail["NoPermissionType"] != "ImplicitDeny" {
		t.Errorf("got %d %v", a.status, a.body)
	}
	if a := cl.call(t, "DescribeNetworkInterfaces"); a.status != 200 {
		t.Errorf("another action: %d %s", a.status, a.code())
	}
	c.Deny()
	if a := cl.call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free", "Description=mine"); a.status != 200 {
		t.Errorf("allowed again: %d %s", a.status, a.code())
	}
}

func TestDescribeInstances(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	c.PutInstance(ecssim.Instance{ID: "i-2", Region: "cn-hangzhou", Type: "ecs.g7.xlarge", Status: ecssim.InstanceStopped})
	c.PutInstance(ecssim.Instance{ID: "i-far", Region: "cn-beijing"})
	cl := newClient(c, clk)
	for _, tt := range []struct {
		pairs []string
		want  string
	}{
		{nil, "i-1 Running ecs.g7.xlarge, i-2 Stopped ecs.g7.xlarge"},
		{[]string{`InstanceIds=["i-2","i-none","i-far"]`}, "i-2 Stopped ecs.g7.xlarge"},
		{[]string{`InstanceIds=[]`}, ""},
		{[]string{`InstanceIds=i-2`}, "InvalidParameter"},
	} {
		a := cl.call(t, "DescribeInstances", tt.pairs...)
		got := a.code()
		if a.status == 200 {
			var list []string
			for _, in := range a.body["Instances"].(map[string]any)["Instance"].([]any) {
				f := in.(map[string]any)
				list = append(list, strings.Join([]string{f["InstanceId"].(string), f["Status"].(string), f["InstanceType"].(string)}, " "))
			}
			got = strings.Join(list, ", ")
		}
		if got != tt.want {
			t.Errorf("%v: %s, want %s", tt.pairs, got, tt.want)
		}
	}
}
