package enireport

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/eni"
)

func secondary() eni.NetworkInterface {
	return eni.NetworkInterface{ID: "eni-1", Type: "Secondary", Status: "InUse", InstanceID: "i-1", QueueNumber: new(4), Name: "old"}
}

func stopped() eni.Facts {
	typ := g7()
	typ.MaximumQueueNumberPerEni = new(8)
	return eni.Facts{ENI: secondary(), Instance: &eni.Instance{ID: "i-1", Status: "Stopped", Type: typ.ID}, Type: &typ}
}

func running() eni.Facts {
	f := stopped()
	f.Instance.Status = "Running"
	return f
}

func wish(m eni.Modification) Wish { return Wish{ENI: "eni-1", Region: "cn-hangzhou", Want: m} }

func TestAPlanSaysWhatBecomesOfAWish(t *testing.T) {
	eight := eni.Modification{QueueNumber: new(8)}
	forced := func(m eni.Modification) Wish { w := wish(m); w.Force = true; return w }
	for _, tt := range []struct {
		name    string
		wish    Wish
		facts   eni.Facts
		result  Result
		changes []FieldChange
		send    map[string]string
	}{
		{"possible", wish(eight), stopped(), ResultPlanned,
			[]FieldChange{{"queue_number", "4", "8", true}}, map[string]string{"QueueNumber": "8"}},
		{"what holds is dropped", wish(eni.Modification{Name: new("old"), QueueNumber: new(8)}), stopped(), ResultPlanned,
			[]FieldChange{{"queue_number", "4", "8", true}}, map[string]string{"QueueNumber": "8"}},
		{"all of it holds", wish(eni.Modification{Name: new("old"), QueueNumber: new(4)}), stopped(), ResultUnchanged,
			[]FieldChange{}, map[string]string{}},
		{"what holds is sent by force", forced(eni.Modification{Name: new("old")}), stopped(), ResultPlanned,
			[]FieldChange{}, map[string]string{"NetworkInterfaceName": "old"}},
		{"a warning stands in the way", wish(eight), running(), ResultRefused,
			[]FieldChange{{"queue_number", "4", "8", true}}, map[string]string{"QueueNumber": "8"}},
		{"a warning passes by force", forced(eight), running(), ResultPlanned,
			[]FieldChange{{"queue_number", "4", "8", true}}, map[string]string{"QueueNumber": "8"}},
		{"an error never passes", forced(eni.Modification{QueueNumber: new(0)}), stopped(), ResultRefused,
			[]FieldChange{{"queue_number", "4", "0", true}}, map[string]string{"QueueNumber": "0"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			doc, send := Plan(tt.wish, tt.facts, nil)
			if doc.Result != tt.result {
				t.Errorf("result %s, want %s: %+v", doc.Result, tt.result, doc.Findings)
			}
			if diff := cmp.Diff(tt.changes, doc.Changes); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.send, send.Params()); diff != "" {
				t.Errorf("sent (-want +got):\n%s", diff)
			}
			if (doc.Result == ResultPlanned) != (doc.ExitCode() == ExitDone && doc.Result != ResultUnchanged) {
				t.Errorf("exit code %d", doc.ExitCode())
			}
		})
	}
}

func TestAContradictionIsRefusedAlsoWhereTheENIHasOneSideOfIt(t *testing.T) {
	facts := stopped()
	facts.ENI.RxQueueSize, facts.ENI.TxQueueSize, facts.ENI.TrafficMode = new(8192), new(8192), "Standard"
	facts.ENI.Name, facts.ENI.EnhancedNetwork = "x", &eni.EnhancedNetwork{EnableSriov: new(true)}
	for _, tt := range []struct {
		rule string
		m    eni.Modification
	}{
		{"queue-number-conflict", eni.Modification{QueueNumber: new(4), TrafficConfig: &eni.TrafficConfigChange{QueueNumber: new(6)}}},
		{"ring-conflict", eni.Modification{RxQueueSize: new(8192), TxQueueSize: new(8192),
			TrafficConfig: &eni.TrafficConfigChange{RxQueueSize: new(16384), TxQueueSize: new(16384)}}},
		{"queue-pair-mode", eni.Modification{TrafficConfig: &eni.TrafficConfigChange{Mode: new("Standard"), QueuePairNumber: new(4)}}},
		{"sriov-numbers", eni.Modification{EnhancedNetwork: &eni.EnhancedNetworkChange{EnableSriov: new(true)}}},
		{"name-format", eni.Modification{Name: new("x")}},
	} {
		t.Run(tt.rule, func(t *testing.T) {
			w := wish(tt.m)
			w.NoTags = true
			doc, send := Plan(w, facts, nil)
			var severities []string
			for _, f := range doc.Findings {
				if f.Rule == tt.rule {
					severities = append(severities, f.Severity)
				}
			}
			if doc.Result != ResultRefused || len(severities) == 0 || slices.Contains(severities, "warning") {
				t.Errorf("%s, %+v", doc.Result, doc.Findings)
			}
			if (doc.Request != nil) == send.Empty() {
				t.Errorf("request %v, sent %v", doc.Request, send.Params())
			}
		})
	}
}

func TestTagsThatDifferAloneAreSetAlone(t *testing.T) {
	rings := eni.Modification{RxQueueSize: new(16384), TxQueueSize: new(16384)}
	rx, tx := Tag{"enitune:rx-queue-size", "16384"}, Tag{"enitune:tx-queue-size", "16384"}
	for _, tt := range []struct {
		name   string
		has    map[string]string
		noTags bool
		result Result
		tags   []Tag
	}{
		{"none", nil, false, ResultPlanned, []Tag{rx, tx}},
		{"old ones", map[string]string{rx.Key: "8192", tx.Key: "8192"}, false, ResultPlanned, []Tag{rx, tx}},
		{"one old", map[string]string{rx.Key: "16384", tx.Key: "8192"}, false, ResultPlanned, []Tag{tx}},
		{"the same", map[string]string{rx.Key: "16384", tx.Key: "16384"}, false, ResultUnchanged, []Tag{}},
		{"old ones that are to be left", map[string]string{rx.Key: "8192", tx.Key: "8192"}, true, ResultUnchanged, []Tag{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts := running()
			facts.ENI.RxQueueSize, facts.ENI.TxQueueSize, facts.ENI.Tags = new(16384), new(16384), tt.has
			w := wish(rings)
			w.NoTags = tt.noTags
			doc, send := Plan(w, facts, nil)
			if diff := cmp.Diff(tt.tags, doc.Tags); diff != "" {
				t.Errorf("tags (-want +got):\n%s", diff)
			}
			if doc.Result != tt.result || !send.Empty() || doc.Request != nil || len(doc.Findings) != 0 || (len(doc.Next) > 0) != (len(tt.tags) > 0) {
				t.Errorf("%+v", doc)
			}
		})
	}
}

func TestThePlannedRequestNamesItsENIAndRegion(t *testing.T) {
	doc, _ := Plan(wish(eni.Modification{QueueNumber: new(8)}), stopped(), nil)
	want := map[string]string{"Action": "ModifyNetworkInterfaceAttribute", "RegionId": "cn-hangzhou", "NetworkInterfaceId": "eni-1", "QueueNumber": "8"}
	if diff := cmp.Diff(want, doc.Request); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRingSizesAreRecordedInTags(t *testing.T) {
	want := []Tag{{"enitune:rx-queue-size", "8192"}, {"enitune:tx-queue-size", "8192"}}
	for _, m := range []eni.Modification{
		{RxQueueSize: new(8192), TxQueueSize: new(8192)},
		{TrafficConfig: &eni.TrafficConfigChange{RxQueueSize: new(8192), TxQueueSize: new(8192)}},
	} {
		doc, _ := Plan(wish(m), stopped(), nil)
		if diff := cmp.Diff(want, doc.Tags); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if len(doc.Untold) != 2 {
			t.Errorf("untold are %v", doc.Untold)
		}
	}
	if doc, _ := Plan(wish(eni.Modification{QueueNumber: new(8)}), stopped(), nil); len(doc.Tags) != 0 || len(doc.Untold) != 0 {
		t.Errorf("a change of queues has tags %v, untold %v", doc.Tags, doc.Untold)
	}
}

func TestWithoutTagsAnOldTagIsTold(t *testing.T) {
	facts := stopped()
	facts.ENI.Tags = map[string]string{"enitune:rx-queue-size": "16384", "enitune:tx-queue-size": "8192"}
	w := wish(eni.Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)})
	w.NoTags = true
	doc, _ := Plan(w, facts, nil)
	var told []string
	for _, f := range doc.Findings {
		if f.Rule == "stale-tag" {
			told = append(told, f.Message)
		}
	}
	if len(doc.Tags) != 0 || len(told) != 1 || !strings.Contains(told[0], `enitune:rx-queue-size stays "16384"`) {
		t.Errorf("tags %v, told %q", doc.Tags, told)
	}
}

func TestTheNextStepFollowsTheInstance(t *testing.T) {
	detached := eni.Facts{ENI: eni.NetworkInterface{ID: "eni-1", Type: "Secondary", Status: "Available"}}
	unread := eni.Facts{ENI: secondary()}
	eight := eni.Modification{QueueNumber: new(8)}
	inUse := eni.Modification{TrafficConfig: &eni.TrafficConfigChange{QueueNumber: new(8)}}
	rings := eni.Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)}
	for _, tt := range []struct {
		name  string
		m     eni.Modification
		facts eni.Facts
		want  []string
	}{
		{"stopped", eight, stopped(), []string{"StartInstance --InstanceId i-1", "enitune plan"}},
		{"detached", eight, detached, []string{"attach the ENI", "enitune apply"}},
		{"in use", inUse, running(), []string{"enitune refresh"}},
		{"rings in use", rings, running(), []string{"enitune refresh", "stopped and started"}},
		{"queues of an instance that may not be read", eight, unread, []string{"StartInstance --InstanceId i-1", "enitune plan"}},
		{"queues in use of an instance that may not be read", inUse, unread, []string{"enitune refresh"}},
		{"a name", eni.Modification{Name: new("new")}, running(), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := next(tt.m, nil, tt.facts)
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %d steps", got, len(tt.want))
			}
			for i, want := range tt.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("step %d is %q, want %q in it", i, got[i], want)
				}
			}
		})
	}
}

func TestExitCodes(t *testing.T) {
	for _, tt := range []struct {
		doc  Change
		want int
	}{
		{Change{Result: ResultUnchanged}, 0},
		{Change{Result: ResultPlanned}, 0},
		{Change{Result: ResultRefused}, 2},
		{Change{Result: ResultDeclined}, 1},
		{Change{Result: ResultFailed}, 1},
		{Change{Result: ResultUnknown}, 5},
		{Change{Result: ResultChanged}, 0},
		{Change{Result: ResultChanged, Shown: new(true)}, 0},
		{Change{Result: ResultChanged, Shown: new(false)}, 4},
		{Change{Result: ResultChanged, TagError: "denied"}, 3},
		{Change{Result: ResultChanged, TagError: "denied", Shown: new(false)}, 3},
		{Change{}, 1},
	} {
		if got := tt.doc.ExitCode(); got != tt.want {
			t.Errorf("%+v: exit code %d, want %d", tt.doc, got, tt.want)
		}
	}
}

func TestTheRAMStatementIsJSONForOneENI(t *testing.T) {
	got := RAMStatement("TagResources", "cn-hangzhou", "eni-1")
	if want := `{"Effect": "Allow", "Action": "ecs:TagResources", "Resource": "acs:ecs:cn-hangzhou:*:eni/eni-1"}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
