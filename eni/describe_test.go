package eni

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

func TestInstancesTellStatusAndType(t *testing.T) {
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		cloud.PutInstance(ecssim.Instance{ID: "i-2", Name: "db", Region: "cn-hangzhou", Zone: "z", Type: "ecs.g7.xlarge", Status: "Stopped", OSType: "windows"})
		c, end := newSimClient(t, cloud, ClientOptions{})
		defer end()
		got, err := c.Instances(t.Context(), "i-2", "i-sim1", "i-none", "i-2")
		if err != nil {
			t.Fatal(err)
		}
		want := []Instance{
			{ID: "i-2", Name: "db", Status: "Stopped", Type: "ecs.g7.xlarge", RegionID: "cn-hangzhou", ZoneID: "z", OSType: "windows"},
			{ID: "i-sim1", Status: "Running", Type: "ecs.g7.xlarge", RegionID: "cn-hangzhou", ZoneID: "cn-hangzhou-i", OSType: "linux"},
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		cloud.Deny("DescribeInstances")
		_, err = c.Instances(t.Context(), "i-2")
		checkIs(t, err, ErrDenied)
	})
}

func TestInstancesAreAskedForInChunksAndBadIDsNotAtAll(t *testing.T) {
	setCredentials(t)
	var asked []int
	c := newClient(t, ClientOptions{}, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, len(r.URL.Query().Get("InstanceIds")))
		_, _ = io.WriteString(w, `{"Instances":{"Instance":[]}}`)
	})})
	var ids []string
	for i := range 150 {
		ids = append(ids, fmt.Sprintf("i-%03d", i))
	}
	if _, err := c.Instances(t.Context(), ids...); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{1 + 100*len(`"i-000",`), 1 + 50*len(`"i-000",`)}, asked); d != "" {
		t.Errorf("lengths of InstanceIds (-want +got):\n%s", d)
	}
	for _, bad := range [][]string{nil, {""}, {`i-1"]`}} {
		_, err := c.Instances(t.Context(), bad...)
		checkIs(t, err, ErrInvalid)
	}
	if len(asked) != 2 {
		t.Error("a bad id was asked for")
	}
}

func TestNetworkInterfaceDetailAsksForWhatTheFirstReplyLacks(t *testing.T) {
	setCredentials(t)
	const eni, tracking = `"NetworkInterfaceId":"eni-1"`, `"ConnectionTrackingConfiguration":{"TcpEstablishedTimeout":910,"UdpTimeout":30}`
	const attached = `"Attachment":{"DeviceIndex":1,"InstanceId":"i-1"}`
	full := &ConnectionTracking{TCPEstablishedTimeout: new(910), UDPTimeout: new(30)}
	for _, tt := range []struct {
		name       string
		replies    map[string]answer // by Attribute
		asked      []string
		tracking   *ConnectionTracking
		attachment Attachment
		want       error
	}{
		{"all in one reply", map[string]answer{"": {200, `{` + eni + `,` + tracking + `,"Status":"InUse",` + attached + `}`}},
			[]string{""}, full, Attachment{InstanceID: "i-1", DeviceIndex: new(1)}, nil},
		{"one reply for each attribute", map[string]answer{"": {200, `{` + eni + `,"Status":"InUse"}`},
			"connectionTrackingConfiguration": {200, `{` + eni + `,` + tracking + `}`}, "attachment": {200, `{` + eni + `,` + attached + `}`}},
			[]string{"", "connectionTrackingConfiguration", "attachment"}, full, Attachment{InstanceID: "i-1", DeviceIndex: new(1)}, nil},
		{"a region without connection tracking", map[string]answer{"": {200, `{` + eni + `,"Status":"Available"}`},
			"connectionTrackingConfiguration": {400, refusalBody("InvalidConnectionTrackingConfiguration.RegionOrUserNotSupported", "No.")}},
			[]string{"", "connectionTrackingConfiguration"}, nil, Attachment{}, nil},
		{"an API that does not know the attribute", map[string]answer{"": {200, `{` + eni + `,"Status":"Available"}`},
			"connectionTrackingConfiguration": {400, refusalBody("InvalidParameter", "No.")}},
			[]string{"", "connectionTrackingConfiguration"}, nil, Attachment{}, nil},
		{"a failure in between", map[string]answer{"": {200, `{` + eni + `,"Status":"Available"}`},
			"connectionTrackingConfiguration": {403, refusalBody("Forbidden.RAM", "No.")}},
			[]string{"", "connectionTrackingConfiguration"}, nil, Attachment{}, ErrDenied},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var asked []string
			c := newClient(t, ClientOptions{}, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				attribute := r.URL.Query().Get("Attribute")
				asked = append(asked, attribute)
				w.WriteHeader(tt.replies[attribute].status)
				_, _ = io.WriteString(w, tt.replies[attribute].body)
			})})
			got, err := c.NetworkInterfaceDetail(t.Context(), "eni-1")
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if d := cmp.Diff(tt.asked, asked); d != "" {
				t.Errorf("asked (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.tracking, got.ConnectionTracking); d != "" {
				t.Errorf("connection tracking (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.attachment, got.Attachment); d != "" {
				t.Errorf("attachment (-want +got):\n%s", d)
			}
		})
	}
}

func TestAllOfTheRegionIsListedHoweverManyPagesThereAre(t *testing.T) {
	setCredentials(t)
	const pages, each = 3 * maxFruitless, 2
	n := 0
	c := newClient(t, ClientOptions{}, handlerTransport{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if size := r.URL.Query().Get("MaxResults"); size != "500" {
			t.Errorf("MaxResults %s", size)
		}
		n++
		next := fmt.Sprint("t", n)
		if n == pages {
			next = ""
		}
		_, _ = fmt.Fprintf(w, `{"TotalCount":%d,"NextToken":%q,"NetworkInterfaceSets":{"NetworkInterfaceSet":[
			{"NetworkInterfaceId":"eni-%d-1"},{"NetworkInterfaceId":"eni-%d-2"}]}}`, pages*each, next, n, n)
	})})
	var progress []string
	got, err := c.NetworkInterfaces(t.Context(), Query{All: true, OnPage: func(found, total int) {
		progress = append(progress, fmt.Sprint(found, " of ", total))
	}})
	if err != nil || len(got) != pages*each || len(progress) != pages {
		t.Fatalf("%d ENIs, %d pages told, %v", len(got), len(progress), err)
	}
	if d := cmp.Diff([]string{"2 of 600", "600 of 600"}, []string{progress[0], progress[pages-1]}); d != "" {
		t.Errorf("progress (-want +got):\n%s", d)
	}
}

func TestTheSimulatorsPagesMakeAWholeListing(t *testing.T) {
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		const many = 2*maxPageSize + 1
		cloud := ecssim.New(ecssim.Options{})
		for i := range many {
			cloud.PutENI(ecssim.ENI{ID: fmt.Sprintf("eni-%05d", i), MAC: "00:16:3e:00:00:01"})
		}
		c, end := newSimClient(t, cloud, ClientOptions{})
		defer end()
		if got, err := c.NetworkInterfaces(t.Context(), Query{All: true}); err != nil || len(got) != many || len(cloud.Requests()) != 3 {
			t.Fatalf("%d ENIs in %d requests, %v", len(got), len(cloud.Requests()), err)
		}
	})
}

func TestAQueryForNothingInParticularIsRefused(t *testing.T) {
	setCredentials(t)
	c := newClient(t, ClientOptions{}, transportFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no network")
	}))
	for _, q := range []Query{{}, {IDs: []string{}}} {
		_, err := c.NetworkInterfaces(t.Context(), q)
		checkIs(t, err, ErrInvalid)
	}
}

func TestParseInstancesReadsEveryField(t *testing.T) {
	got, err := ParseInstances([]byte(`{"RequestId":"R","NextToken":"t","Instances":{"Instance":[
		{"InstanceId":"i-1","InstanceName":"db","Status":"Stopped","InstanceType":"ecs.g7.xlarge","RegionId":"cn-hangzhou","ZoneId":"z","OSType":"linux","New":1},
		{"InstanceId":"i-2","InstanceName":null}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := InstancePage{RequestID: "R", NextToken: "t", Instances: []Instance{
		{ID: "i-1", Name: "db", Status: "Stopped", Type: "ecs.g7.xlarge", RegionID: "cn-hangzhou", ZoneID: "z", OSType: "linux"}, {ID: "i-2"}}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for reply, want := range map[string]string{
		`{"RequestId":"R"}`:                             "Instances is missing",
		`{"Instances":{"Instance":[{"Status":"x"}]}}`:   "Instances.Instance[0].InstanceId: want an instance id, got nothing",
		`{"Instances":{"Instance":[{"InstanceId":7}]}}`: "Instances.Instance[0].InstanceId: want a string, got 7",
	} {
		if _, err := ParseInstances([]byte(reply)); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", reply, err, want)
		}
	}
}

func TestParseNetworkInterfaceAttributeReadsConnectionTrackingAndIPv6(t *testing.T) {
	got, err := ParseNetworkInterfaceAttribute([]byte(`{"NetworkInterfaceId":"eni-1","Ipv6Sets":{"Ipv6Set":[{"Ipv6Address":"2001:db8::1"},{},null]},
		"ConnectionTrackingConfiguration":{"TcpEstablishedTimeout":910,"TcpClosedAndTimeWaitTimeout":"3","UdpTimeout":null}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := NetworkInterface{ID: "eni-1", IPv6s: []string{"2001:db8::1"},
		ConnectionTracking: &ConnectionTracking{TCPEstablishedTimeout: new(910), TCPClosedAndTimeWaitTimeout: new(3)}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func FuzzParseInstances(f *testing.F) {
	f.Add([]byte(`{"Instances":{"Instance":[{"InstanceId":"i-1","Status":"Running"}]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		page, err := ParseInstances(data)
		if err != nil {
			checkText(t, err.Error())
		}
		for _, in := range page.Instances {
			if in.ID == "" {
				t.Error("an instance without an id")
			}
		}
	})
}
