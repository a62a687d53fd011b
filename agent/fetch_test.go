package agent

import (
	"context"
	"errors"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func TestFetchAsksByIDForWhatTheInstanceFilterHides(t *testing.T) {
	c := newCloudModel(apiInterface(1, 4))
	c.interfaces = []eni.MetadataInterface{{MAC: mac(1), ENI: "eni-1"}, {MAC: mac(2), ENI: "eni-2"}, {MAC: mac(3), ENI: "eni-3"}}
	c.hidden = []eni.NetworkInterface{apiInterface(2, 8)}
	res := c.cloud().Fetch(context.Background(), Desired{})
	if res.APIErr != nil || res.MetadataErr != nil {
		t.Fatal(res.APIErr, res.MetadataErr)
	}
	got := map[string]string{}
	for _, e := range res.Desired.ENIs {
		got[e.ID] = e.Unresolved
	}
	if d := cmp.Diff(map[string]string{"eni-1": "", "eni-2": "", "eni-3": "the API does not return it"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	previous := Desired{InstanceID: "i-1", ENIs: []ENI{apiENI(2, 8), apiENI(3, 2)}}
	c.hidden, c.byIDErr = nil, errors.New("denied")
	res = c.cloud().Fetch(context.Background(), previous)
	for _, e := range res.Desired.ENIs {
		if e.Unresolved != "" {
			t.Errorf("what was known of %s is undone: %s", e.ID, e.Unresolved)
		}
	}
}

func TestRegularReadsAskOnceADayForWhatTheInstanceFilterHides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCloudModel(apiInterface(1, 4))
		c.interfaces = []eni.MetadataInterface{{MAC: mac(1), ENI: "eni-1"}, {MAC: mac(2), ENI: "eni-2"}}
		c.hidden = []eni.NetworkInterface{apiInterface(2, 8)}
		cloud := c.cloud()
		known := cloud.Fetch(context.Background(), Desired{}).Desired
		for range 12 {
			time.Sleep(6 * time.Hour)
			res := cloud.Refresh(context.Background(), known)
			if known = res.Desired; len(known.ENIs) != 2 || known.lacks() || res.Incomplete {
				t.Fatalf("%+v", res)
			}
		}
		if c.byIDAsks != 1+3 {
			t.Errorf("asked by id %d times in 3 days after the first, want 3", c.byIDAsks-1)
		}
		cloud.Fetch(context.Background(), known)
		if c.byIDAsks != 1+3+1 {
			t.Error("a read out of turn relied on an earlier one")
		}
		known.ENIs = known.ENIs[:1]
		cloud.Refresh(context.Background(), known)
		if c.byIDAsks != 1+3+2 {
			t.Error("an ENI that nothing is known of was not asked for")
		}
	})
}

func TestFetchTellsThatACallWasThrottled(t *testing.T) {
	throttled := &eni.Error{Class: eni.ClassThrottled, HTTPStatus: 400}
	for name, breaks := range map[string]func(c *cloudModel){
		"listing": func(c *cloudModel) { c.apiErr = throttled },
		"by id":   func(c *cloudModel) { c.byIDErr = throttled },
		"type":    func(c *cloudModel) { c.typesErr = throttled },
	} {
		bare := apiInterface(1, 0)
		bare.QueueNumber = nil
		c := newCloudModel(bare)
		c.interfaces = []eni.MetadataInterface{{MAC: mac(1), ENI: "eni-1"}, {MAC: mac(2), ENI: "eni-2"}}
		c.types = []eni.InstanceType{{ID: "ecs.g7.xlarge", SecondaryEniQueueNumber: new(2)}}
		if res := c.cloud().Fetch(context.Background(), Desired{}); res.Throttled {
			t.Errorf("%s: throttled without a fault", name)
		}
		breaks(c)
		if res := c.cloud().Fetch(context.Background(), Desired{}); !res.Throttled {
			t.Errorf("%s: not told: %+v", name, res)
		}
	}
}

func TestFetchAsksTheAPIByTheKnownIdentityWhileMetadataIsDark(t *testing.T) {
	c := newCloudModel(apiInterface(1, 4))
	c.metaErr = errors.New("connection refused")
	res := c.cloud().Fetch(context.Background(), Desired{InstanceID: "i-1", Region: "cn-hangzhou", InstanceType: "ecs.g7.xlarge"})
	if res.APIErr != nil || res.MetadataErr == nil || res.Desired.InstanceID != "i-1" || len(res.Desired.ENIs) != 1 {
		t.Errorf("%+v", res)
	}
	if res := c.cloud().Fetch(context.Background(), Desired{}); res.APIErr == nil {
		t.Errorf("an unknown instance was asked for: %+v", res)
	}
}

func TestFetchKeepsTheTypesDefaultsWhenTheTypeCannotBeAsked(t *testing.T) {
	bare := apiInterface(1, 0)
	bare.QueueNumber = nil
	c := newCloudModel(bare)
	c.types = []eni.InstanceType{{ID: "ecs.g7.xlarge", SecondaryEniQueueNumber: new(2)}}
	cloud := c.cloud()
	first := cloud.Fetch(context.Background(), Desired{})
	cloud.Fetch(context.Background(), first.Desired)
	if v, _ := first.Desired.ENIs[0].value(nic.Queues); v != (Value{nic.Queues, 2, plan.InstanceType}) || c.typeAsks != 1 {
		t.Fatalf("%+v after %d asks", v, c.typeAsks)
	}
	again := c.cloud().Fetch(context.Background(), first.Desired)
	if v, _ := again.Desired.ENIs[0].value(nic.Queues); v.Value != 2 || c.typeAsks != 1 || again.Desired.TypeQueues == nil {
		t.Errorf("after a restart: %+v after %d asks", v, c.typeAsks)
	}
	c.typesErr = errors.New("throttled")
	first.Desired.TypeQueues = nil
	later := c.cloud().Fetch(context.Background(), first.Desired)
	if v, _ := later.Desired.ENIs[0].value(nic.Queues); v.Value != 2 || len(later.Problems) != 1 || !later.Incomplete {
		t.Errorf("%+v, problems %v", v, later.Problems)
	}
	fresh := c.cloud().Fetch(context.Background(), Desired{})
	if fresh.Desired.ENIs[0].Unresolved == "" {
		t.Error("a queue number that is not known is not told")
	}
}

func TestFetchLosesNoENIWhileMetadataIsDark(t *testing.T) {
	c := newCloudModel(apiInterface(1, 4))
	c.metaErr = errors.New("HTTP 503")
	c.hidden = []eni.NetworkInterface{apiInterface(2, 8)}
	previous := Desired{InstanceID: "i-1", Region: "cn-hangzhou", ENIs: []ENI{apiENI(1, 4), apiENI(2, 2), apiENI(3, 2)}}
	res := c.cloud().Fetch(context.Background(), previous)
	got := map[string]int{}
	for _, e := range res.Desired.ENIs {
		v, _ := e.value(nic.Queues)
		got[e.ID] = v.Value
	}
	if d := cmp.Diff(map[string]int{"eni-1": 4, "eni-2": 8, "eni-3": 2}, got); d != "" || !res.Incomplete {
		t.Errorf("incomplete %v (-want +got):\n%s", res.Incomplete, d)
	}
}

func TestFetchTakesAMissingAddressFromMetadata(t *testing.T) {
	broken, lost := apiInterface(1, 4), apiInterface(2, 4)
	broken.MAC, broken.Problem = "", "MacAddress is \"00:16:3e\""
	lost.MAC, lost.Problem = "", "MacAddress is \"nonsense\""
	c := newCloudModel(broken, lost, broken)
	c.interfaces = []eni.MetadataInterface{{MAC: mac(1), ENI: "eni-1"}}
	enis := c.cloud().Fetch(context.Background(), Desired{}).Desired.ENIs
	if len(enis) != 2 || enis[0].MAC != mac(1) || enis[0].Unresolved != "" || enis[1].Unresolved == "" {
		t.Fatalf("%+v", enis)
	}
	r := newBench(newKernel(eth(1, 4, 4, 1024)), nil).Reconcile(context.Background(), viewOf(enis...), true)
	if r.ExitCode() != ExitError || reason(r, "eth1", nic.Queues) != "in_sync" {
		t.Errorf("an ENI whose NIC is not known: exit %d, %v", r.ExitCode(), reasons(r))
	}
}

func TestStoreTellsWhyItHasNothing(t *testing.T) {
	file := stateFile(t)
	s := NewStore(StoreOptions{File: file, Enabled: true, RefreshInterval: time.Hour, Clock: time.Now})
	s.LoadCache()
	if _, err := file.Load(); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if v := s.View(); v.Known || len(v.Errors) != 0 {
		t.Errorf("%+v", v)
	}
	if err := file.Save(someDesired()); err != nil {
		t.Fatal(err)
	}
	s = NewStore(StoreOptions{File: file, Enabled: true, InstanceID: "i-other", RefreshInterval: time.Hour, Clock: time.Now})
	s.LoadCache()
	if v := s.View(); v.Known || len(v.Errors) != 1 || v.Errors[0].Component != ComponentState {
		t.Errorf("a cache of another instance than configured: %+v", v)
	}
}

func TestFetchKeepsWhatWasKnownWhereTheReplyCannotBeUsed(t *testing.T) {
	c := newCloudModel()
	c.types = []eni.InstanceType{{ID: "ecs.g7.xlarge", SecondaryEniQueueNumber: new(2)}}
	previous := Desired{InstanceID: "i-1", Region: "cn-hangzhou", ENIs: []ENI{apiENI(1, 6)}}
	for name, change := range map[string]func(*eni.NetworkInterface){
		"a number that is none":        func(ni *eni.NetworkInterface) { ni.QueueNumber = new(0) },
		"a number out of range":        func(ni *eni.NetworkInterface) { ni.QueueNumber = new(1 << 30) },
		"a number that cannot be read": func(ni *eni.NetworkInterface) { ni.QueueNumber, ni.Problem = nil, "QueueNumber: want a whole number" },
	} {
		ni := apiInterface(1, 4)
		change(&ni)
		c.enis = []eni.NetworkInterface{ni}
		res := c.cloud().Fetch(context.Background(), previous)
		if res.APIErr != nil || len(res.Problems) != 1 {
			t.Fatalf("%s: %v, problems %v", name, res.APIErr, res.Problems)
		}
		if v, _ := res.Desired.ENIs[0].value(nic.Queues); v != (Value{nic.Queues, 6, plan.API}) || res.Desired.ENIs[0].Unresolved != "" {
			t.Errorf("%s: %+v", name, res.Desired.ENIs[0])
		}
		fresh := c.cloud().Fetch(context.Background(), Desired{}).Desired.ENIs[0]
		if v, found := fresh.value(nic.Queues); ni.Problem != "" && (found || fresh.Unresolved == "") {
			t.Errorf("%s, nothing known: %+v of %+v", name, v, fresh)
		}
	}
}

func TestFetchTakesNoOtherInstancesENIs(t *testing.T) {
	other := apiInterface(2, 4)
	other.InstanceID = "i-other"
	res := newCloudModel(apiInterface(1, 4), other).cloud().Fetch(context.Background(), Desired{})
	if len(res.Desired.ENIs) != 1 || len(res.Problems) != 1 {
		t.Errorf("%+v", res)
	}
}

func TestAnEmptyListIsNoAnswer(t *testing.T) {
	c := newCloudModel()
	c.interfaces = nil
	res := c.cloud().Fetch(context.Background(), Desired{InstanceID: "i-1", Region: "cn-hangzhou", ENIs: []ENI{apiENI(1, 6)}})
	if !errors.Is(res.APIErr, eni.ErrNotFound) {
		t.Errorf("%+v", res)
	}
}

func TestMetadataOfAnotherInstanceIsNotBelieved(t *testing.T) {
	previous := Desired{InstanceID: "i-1", Region: "cn-hangzhou", InstanceType: "ecs.g7.xlarge", ENIs: []ENI{apiENI(1, 6)}}
	for _, tt := range []struct {
		name      string
		mac       string
		here      []string
		believing bool
	}{
		{"another's address", mac(9), []string{mac(1)}, false},
		{"an address of this guest", mac(9), []string{mac(1), mac(9)}, true},
		{"a clone, which has none of the ENIs", mac(9), []string{mac(8)}, true},
		{"no address", "", []string{mac(1)}, true},
	} {
		c := newCloudModel(apiInterface(1, 4))
		c.identity.InstanceID, c.identity.MAC = "i-2", tt.mac
		cloud := c.cloud()
		cloud.Addresses = func() ([]string, error) { return tt.here, nil }
		res := cloud.Fetch(context.Background(), previous)
		if believed := res.InstanceID == "i-2" && res.MetadataErr == nil; believed != tt.believing {
			t.Errorf("%s: %+v", tt.name, res)
		}
		if !tt.believing && (res.InstanceID != "i-1" || !errors.Is(res.MetadataErr, eni.ErrMalformed) || res.APIErr != nil) {
			t.Errorf("%s: %+v", tt.name, res)
		}
	}
}
