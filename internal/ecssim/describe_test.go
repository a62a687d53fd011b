package ecssim_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

// someENIs fills a cloud with one ENI of each kind.
func someENIs(c *ecssim.Cloud) {
	for _, e := range []ecssim.ENI{
		{ID: "eni-primary", MAC: "00:16:3E:00:00:01", Type: ecssim.TypePrimary, InstanceID: "i-1", QueueNumber: new(4)},
		{ID: "eni-second", MAC: "00:16:3e:00:00:02", InstanceID: "i-1", DeviceIndex: 1, QueueNumber: new(2),
			Tags: map[string]string{"team": "net", "env": "prod"}},
		{ID: "eni-managed", MAC: "00:16:3e:00:00:03", InstanceID: "i-1", DeviceIndex: 2, ServiceManaged: true},
		{ID: "eni-free", MAC: "00:16:3e:00:00:04", Tags: map[string]string{"team": "db"}},
		{ID: "eni-other", MAC: "00:16:3e:00:00:05", InstanceID: "i-2"},
	} {
		c.PutENI(e)
	}
	c.PutInstance(ecssim.Instance{ID: "i-2", Region: "cn-hangzhou", Type: "ecs.g7.xlarge"})
}

func TestDescribeNetworkInterfacesFilters(t *testing.T) {
	tests := []struct {
		name  string
		pairs []string
		want  []string
	}{
		{"none", nil, []string{"eni-primary", "eni-second", "eni-managed", "eni-free", "eni-other"}},
		{"instance leaves out service-managed ENIs", []string{"InstanceId=i-1"}, []string{"eni-primary", "eni-second"}},
		{"ids find service-managed ENIs", []string{"NetworkInterfaceId.1=eni-managed", "NetworkInterfaceId.2=eni-free"}, []string{"eni-managed", "eni-free"}},
		{"unknown id", []string{"NetworkInterfaceId.1=eni-none"}, []string{}},
		{"type", []string{"Type=Primary"}, []string{"eni-primary"}},
		{"status", []string{"Status=Available"}, []string{"eni-free"}},
		{"service-managed", []string{"ServiceManaged=true"}, []string{"eni-managed"}},
		{"tag key", []string{"Tag.1.Key=team"}, []string{"eni-second", "eni-free"}},
		{"tag key and value", []string{"Tag.1.Key=team", "Tag.1.Value=net"}, []string{"eni-second"}},
		{"two tags", []string{"Tag.1.Key=team", "Tag.2.Key=env", "Tag.2.Value=test"}, []string{}},
		{"all together", []string{"InstanceId=i-1", "Type=Secondary", "Status=InUse", "Tag.1.Key=env"}, []string{"eni-second"}},
	}
	c, clk := newCloud(ecssim.Options{})
	someENIs(c)
	cl := newClient(c, clk)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a := cl.call(t, "DescribeNetworkInterfaces", tt.pairs...)
			if diff := cmp.Diff(tt.want, a.ids(t)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			if got := a.body["TotalCount"]; got != float64(len(tt.want)) {
				t.Errorf("TotalCount = %v, want %d", got, len(tt.want))
			}
		})
	}
}

func TestDescribeNetworkInterfacesFindsOnlyItsRegion(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	c.PutENI(ecssim.ENI{ID: "eni-here", MAC: "00:16:3e:00:00:01"})
	c.PutENI(ecssim.ENI{ID: "eni-there", MAC: "00:16:3e:00:00:02", Region: "cn-beijing"})
	cl := newClient(c, clk)
	for region, want := range map[string]string{"cn-hangzhou": "eni-here", "cn-beijing": "eni-there"} {
		if diff := cmp.Diff([]string{want}, cl.call(t, "DescribeNetworkInterfaces", "RegionId="+region).ids(t)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", region, diff)
		}
	}
}

func TestPagingReturnsEveryENIOnce(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	var want []string
	for i := range 25 {
		id := fmt.Sprintf("eni-%02d", i)
		c.PutENI(ecssim.ENI{ID: id, MAC: fmt.Sprintf("00:16:3e:00:00:%02x", i), InstanceID: "i-1"})
		want = append(want, id)
	}
	cl := newClient(c, clk)
	for _, page := range []struct {
		pairs []string
		pages int
	}{{nil, 3}, {[]string{"MaxResults=10"}, 3}, {[]string{"MaxResults=20"}, 2}, {[]string{"MaxResults=25"}, 1}, {[]string{"MaxResults=500"}, 1}} {
		var got []string
		pages, token := 0, ""
		for {
			pairs := append([]string{"InstanceId=i-1"}, page.pairs...)
			a := cl.call(t, "DescribeNetworkInterfaces", append(pairs, "NextToken="+token)...)
			got = append(got, a.ids(t)...)
			pages++
			if token = a.body["NextToken"].(string); token == "" {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || pages != page.pages {
			t.Errorf("%v: %d pages, want %d (-want +got)\n%s", page.pairs, pages, page.pages, diff)
		}
	}
}

func TestPagingSurvivesAnENIThatGoesAway(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	for i := range 12 {
		c.PutENI(ecssim.ENI{ID: fmt.Sprintf("eni-%02d", i), MAC: "00:16:3e:00:00:01"})
	}
	cl := newClient(c, clk)
	first := cl.call(t, "DescribeNetworkInterfaces")
	if err := c.RemoveENI("eni-09"); err != nil {
		t.Fatal(err)
	}
	second := cl.call(t, "DescribeNetworkInterfaces", "NextToken="+first.body["NextToken"].(string))
	if diff := cmp.Diff([]string{"eni-10", "eni-11"}, second.ids(t)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDescribeNetworkInterfacesRefusesBadPaging(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	for i := range 11 {
		c.PutENI(ecssim.ENI{ID: fmt.Sprint("eni-", i), MAC: "00:16:3e:00:00:01"})
	}
	cl := newClient(c, clk)
	token := cl.call(t, "DescribeNetworkInterfaces").body["NextToken"].(string)
	tooMany := make([]string, 101)
	for i := range tooMany {
		tooMany[i] = fmt.Sprintf("NetworkInterfaceId.%d=eni-x", i+1)
	}
	for name, pairs := range map[string][]string{
		"fewer than 10":        {"MaxResults=9"},
		"more than 500":        {"MaxResults=501"},
		"no number":            {"MaxResults=ten"},
		"made-up token":        {"NextToken=abc"},
		"token of other query": {"NextToken=" + token, "Type=Primary"},
		"101 ids":              tooMany,
	} {
		if a := cl.call(t, "DescribeNetworkInterfaces", pairs...); a.status != 400 || a.code() != "InvalidParameter" {
			t.Errorf("%s: %d %s, want 400 InvalidParameter", name, a.status, a.code())
		}
	}
}

// fields picks fields of a document; an absent one is "absent".
func fields(doc map[string]any, names ...string) map[string]any {
	out := make(map[string]any)
	for _, name := range names {
		v, ok := doc[name]
		if !ok {
			v = "absent"
		}
		out[name] = v
	}
	return out
}

func TestReplyLeavesOutAndNullsWhatTheCloudDoes(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	someENIs(c)
	cl := newClient(c, clk)
	tests := []struct {
		id   string
		want map[string]any
	}{
		{"eni-second", map[string]any{
			"InstanceId": "i-1", "QueueNumber": 2.0, "ServiceManaged": false, "Description": nil, "RxQueueSize": "absent",
			"Attachment": map[string]any{"InstanceId": "i-1", "DeviceIndex": 1.0},
			"Tags": map[string]any{"Tag": []any{
				map[string]any{"TagKey": "env", "TagValue": "prod"}, map[string]any{"TagKey": "team", "TagValue": "net"}}},
		}},
		{"eni-managed", map[string]any{
			"InstanceId": "absent", "QueueNumber": "absent", "ServiceManaged": true, "Description": nil, "RxQueueSize": "absent",
			"Attachment": map[string]any{"DeviceIndex": 2.0}, "Tags": map[string]any{"Tag": nil},
		}},
		{"eni-free", map[string]any{
			"InstanceId": nil, "QueueNumber": "absent", "ServiceManaged": false, "Description": nil, "RxQueueSize": "absent",
			"Attachment": map[string]any{},
			"Tags":       map[string]any{"Tag": []any{map[string]any{"TagKey": "team", "TagValue": "db"}}},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.id, func(t *testing.T) {
			set := cl.call(t, "DescribeNetworkInterfaces", "NetworkInterfaceId.1="+tt.id).sets(t)[0]
			got := fields(set, "InstanceId", "QueueNumber", "ServiceManaged", "Description", "RxQueueSize", "Attachment", "Tags")
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestRingSizesAreInTheReplyOnlyWhereTheENISaysSo(t *testing.T) {
	for placement, want := range map[ecssim.RingPlacement][2]any{
		ecssim.RingsNowhere:       {"absent", "absent"},
		ecssim.RingsTopLevel:      {8192.0, "absent"},
		ecssim.RingsTrafficConfig: {"absent", 8192.0},
	} {
		c, clk := newCloud(ecssim.Options{})
		c.PutENI(ecssim.ENI{ID: "eni-1", MAC: "00:16:3e:00:00:01", RxQueueSize: new(8192), TxQueueSize: new(8192), RingsInReply: placement})
		cl := newClient(c, clk)
		list := cl.call(t, "DescribeNetworkInterfaces").sets(t)[0]
		attribute := cl.call(t, "DescribeNetworkInterfaceAttribute", "NetworkInterfaceId=eni-1").body
		for name, doc := range map[string]map[string]any{"list": list, "attribute": attribute} {
			config, _ := doc["NetworkInterfaceTrafficConfig"].(map[string]any)
			got := [2]any{fields(doc, "RxQueueSize")["RxQueueSize"], fields(config, "RxQueueSize")["RxQueueSize"]}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q, %s (-want +got)\n%s", placement, name, diff)
			}
		}
	}
}

func TestDescribeNetworkInterfaceAttribute(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	someENIs(c)
	cl := newClient(c, clk)
	a := cl.call(t, "DescribeNetworkInterfaceAttribute", "NetworkInterfaceId=eni-second")
	want := map[string]any{
		"NetworkInterfaceId":              "eni-second",
		"NetworkInterfaceTrafficConfig":   map[string]any{"NetworkInterfaceTrafficMode": "Standard", "QueueNumber": 2.0},
		"EnhancedNetwork":                 map[string]any{},
		"ConnectionTrackingConfiguration": "absent",
	}
	names := []string{"NetworkInterfaceId", "NetworkInterfaceTrafficConfig", "EnhancedNetwork", "ConnectionTrackingConfiguration"}
	if diff := cmp.Diff(want, fields(a.body, names...)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	a = cl.call(t, "DescribeNetworkInterfaceAttribute", "NetworkInterfaceId=eni-second", "Attribute=connectionTrackingConfiguration")
	tracking := map[string]any{"TcpEstablishedTimeout": 910.0, "TcpClosedAndTimeWaitTimeout": 3.0, "UdpTimeout": 30.0}
	if diff := cmp.Diff(tracking, a.body["ConnectionTrackingConfiguration"]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for pairs, code := range map[string]string{
		"NetworkInterfaceId=eni-none": "InvalidEniId.NotFound", "NetworkInterfaceId=": "MissingParameter",
	} {
		if a := cl.call(t, "DescribeNetworkInterfaceAttribute", pairs); a.code() != code {
			t.Errorf("%s: %s, want %s", pairs, a.code(), code)
		}
	}
}

func TestBuiltInInstanceTypesHaveTheirRealNumbers(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	a := newClient(c, clk).call(t, "DescribeInstanceTypes",
		"InstanceTypes.1=ecs.g7.xlarge", "InstanceTypes.2=ecs.u1-c1m4.xlarge", "InstanceTypes.3=ecs.ebmre7p.32xlarge", "InstanceTypes.4=ecs.none")
	got := make(map[string]any)
	for _, doc := range a.body["InstanceTypes"].(map[string]any)["InstanceType"].([]any) {
		d := doc.(map[string]any)
		got[d["InstanceTypeId"].(string)] = fields(d, "PrimaryEniQueueNumber", "SecondaryEniQueueNumber", "MaximumQueueNumberPerEni", "TotalEniQueueQuantity")
	}
	row := func(primary, secondary, perENI, total any) any {
		return map[string]any{"PrimaryEniQueueNumber": primary, "SecondaryEniQueueNumber": secondary,
			"MaximumQueueNumberPerEni": perENI, "TotalEniQueueQuantity": total}
	}
	want := map[string]any{
		"ecs.g7.xlarge":        row(4.0, 4.0, 4.0, 16.0),
		"ecs.u1-c1m4.xlarge":   row(2.0, 2.0, "absent", 6.0),
		"ecs.ebmre7p.32xlarge": row(32.0, 16.0, "absent", 528.0),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestDescribeInstanceTypesTakesTenAtMost(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	var pairs []string
	for i := range 11 {
		pairs = append(pairs, fmt.Sprintf("InstanceTypes.%d=ecs.g7.xlarge", i+1))
	}
	cl := newClient(c, clk)
	if a := cl.call(t, "DescribeInstanceTypes", pairs...); a.code() != "InvalidParameter" {
		t.Errorf("11 types: %s", a.code())
	}
	if a := cl.call(t, "DescribeInstanceTypes", pairs[:10]...); a.status != 200 {
		t.Errorf("10 types: %v", a.body)
	}
}
