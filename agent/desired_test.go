package agent

import (
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func TestDescribeGathersValuesBySource(t *testing.T) {
	limits := &TypeQueues{Type: "ecs.g7.xlarge", Primary: new(4), Secondary: new(2)}
	tests := []struct {
		name     string
		eni      eni.NetworkInterface
		want     []Value
		problems []string
	}{
		{name: "the API's queue number", eni: eni.NetworkInterface{QueueNumber: new(8)}, want: []Value{{nic.Queues, 8, plan.API}}},
		{name: "absent is not 0: a primary's default", eni: eni.NetworkInterface{Type: "Primary"}, want: []Value{{nic.Queues, 4, plan.InstanceType}}},
		{name: "absent is not 0: a secondary's default", eni: eni.NetworkInterface{Type: "Secondary"}, want: []Value{{nic.Queues, 2, plan.InstanceType}}},
		{name: "0 is told and the type's default counts", eni: eni.NetworkInterface{QueueNumber: new(0)}, want: []Value{{nic.Queues, 2, plan.InstanceType}}, problems: []string{"QueueNumber is 0"}},
		{name: "rings at the top level", eni: eni.NetworkInterface{QueueNumber: new(1), RxQueueSize: new(8192), TxQueueSize: new(8192)},
			want: []Value{{nic.Queues, 1, plan.API}, {nic.RxRing, 8192, plan.API}, {nic.TxRing, 8192, plan.API}}},
		{name: "rings in the traffic config", eni: eni.NetworkInterface{QueueNumber: new(1), TrafficConfig: &eni.TrafficConfig{RxQueueSize: new(16384), TxQueueSize: new(16384)}},
			want: []Value{{nic.Queues, 1, plan.API}, {nic.RxRing, 16384, plan.API}, {nic.TxRing, 16384, plan.API}}},
		{name: "tags", eni: eni.NetworkInterface{QueueNumber: new(1), Tags: map[string]string{TagRxQueueSize: "8192", TagTxQueueSize: "8192", "other": "x"}},
			want: []Value{{nic.Queues, 1, plan.API}, {nic.RxRing, 8192, plan.Tag}, {nic.TxRing, 8192, plan.Tag}}},
		{name: "a malformed tag is told and not obeyed", eni: eni.NetworkInterface{QueueNumber: new(1), Tags: map[string]string{TagRxQueueSize: "8k"}},
			want: []Value{{nic.Queues, 1, plan.API}}, problems: []string{`tag enitune:rx-queue-size is "8k"`}},
		{name: "a tag out of range is told and not obeyed", eni: eni.NetworkInterface{QueueNumber: new(1), Tags: map[string]string{TagRxQueueSize: "-1"}},
			want: []Value{{nic.Queues, 1, plan.API}}, problems: []string{`is "-1", not a power of two`}},
		{name: "a tag that is no power of two is told and not obeyed", eni: eni.NetworkInterface{QueueNumber: new(1), Tags: map[string]string{TagRxQueueSize: "9000"}},
			want: []Value{{nic.Queues, 1, plan.API}}, problems: []string{`is "9000", not a power of two`}},
		{name: "a tag in another spelling is told and not obeyed", eni: eni.NetworkInterface{QueueNumber: new(1), Tags: map[string]string{TagRxQueueSize: "08192"}},
			want: []Value{{nic.Queues, 1, plan.API}}, problems: []string{`is "08192"`}},
		{name: "tags that contradict each other are told and not obeyed", eni: eni.NetworkInterface{QueueNumber: new(1), Tags: map[string]string{TagRxQueueSize: "8192", TagTxQueueSize: "16384"}},
			want: []Value{{nic.Queues, 1, plan.API}}, problems: []string{"contradict each other"}},
		{name: "a contradicting tag is told and not obeyed", eni: eni.NetworkInterface{QueueNumber: new(1), RxQueueSize: new(8192), Tags: map[string]string{TagRxQueueSize: "16384"}},
			want: []Value{{nic.Queues, 1, plan.API}, {nic.RxRing, 8192, plan.API}}, problems: []string{"says 16384, but the API says 8192"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.eni.ID = "eni-1"
			got, problems := describe(tt.eni, limits)
			if d := cmp.Diff(tt.want, got.Values); d != "" {
				t.Errorf("values (-want +got):\n%s", d)
			}
			if len(problems) != len(tt.problems) {
				t.Fatalf("problems %v, want %v", problems, tt.problems)
			}
			for i, p := range problems {
				if !strings.Contains(p.Message, tt.problems[i]) || !strings.Contains(p.Message, "eni-1") {
					t.Errorf("problem %q does not say %q of eni-1", p.Message, tt.problems[i])
				}
			}
		})
	}
}

func TestResolveTakesTheStrongestSource(t *testing.T) {
	e := ENI{ID: "eni-1", Values: []Value{{nic.Queues, 2, plan.InstanceType}, {nic.Queues, 4, plan.API}, {nic.RxRing, 512, plan.Tag}}}
	reading := nic.Reading{Current: 1, Highest: 1, Max: 1024}
	rule := func(w Want) Rule {
		return Rule{Manage: true, Wants: map[nic.Setting]Want{nic.Queues: w, nic.RxRing: w, nic.TxRing: w}}
	}
	tests := []struct {
		name    string
		rule    Rule
		eni     ENI
		setting nic.Setting
		reading nic.Reading
		want    plan.Wanted
	}{
		{"override number", rule(Want{WantNumber, 3}), e, nic.Queues, reading, plan.Wanted{Value: 3, Source: plan.Override}},
		{"override max", rule(Want{Kind: WantMax}), e, nic.Queues, reading, plan.Wanted{Value: 1024, Source: plan.Override, Most: true}},
		{"override max of an unsupported setting", rule(Want{Kind: WantMax}), e, nic.Queues, nic.Reading{}, plan.Wanted{}},
		{"api before instance_type", rule(Want{}), e, nic.Queues, reading, plan.Wanted{Value: 4, Source: plan.API}},
		{"tag", rule(Want{}), e, nic.RxRing, reading, plan.Wanted{Value: 512, Source: plan.Tag}},
		{"device for rings", rule(Want{}), e, nic.TxRing, reading, plan.Wanted{Value: 1024, Source: plan.Device}},
		{"no device for queues", rule(Want{}), ENI{ID: "eni-1"}, nic.Queues, reading, plan.Wanted{}},
		{"no device without an ENI", rule(Want{}), ENI{}, nic.TxRing, reading, plan.Wanted{}},
	}
	for _, tt := range tests {
		if got := resolve(tt.rule, tt.eni, tt.setting, tt.reading); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}

// FuzzDescribe: whatever the API and an ENI's tags say, what is wanted stays in
// range and in the cloud's own sources, is not refused when it is read back from
// disk, and the complaints are single lines.
func FuzzDescribe(f *testing.F) {
	for _, seed := range []struct{ rx, tx string }{{"8192", "8192"}, {"8192", "16384"}, {"08192", "-1"}, {"9223372036854775808", "\x1b[31m\n"}, {"", "1024"}} {
		f.Add([]byte(`{"NetworkInterfaceId":"eni-1","MacAddress":"00:16:3e:00:00:01","Type":"Primary","QueueNumber":4,"RxQueueSize":"8192"}`), seed.rx, seed.tx, 4)
	}
	f.Add([]byte(`{"NetworkInterfaceId":"e\n","Type":"<b>","QueueNumber":0,"NetworkInterfaceTrafficConfig":{"QueueNumber":2147483647}}`), "1", "2", -1)
	f.Fuzz(func(t *testing.T, reply []byte, rx, tx string, byType int) {
		ni, err := eni.ParseNetworkInterfaceAttribute(reply)
		if err != nil {
			return
		}
		ni.Tags = map[string]string{TagRxQueueSize: rx, TagTxQueueSize: tx}
		e, problems := describe(ni, &TypeQueues{Primary: &byType, Secondary: &byType})
		for _, p := range problems {
			if plainID(ni.ID) && strings.ContainsFunc(p.Message, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not a line: %q", p.Message)
			}
		}
		if d := (Desired{InstanceID: "i-1", ENIs: []ENI{e}}); plainID(ni.ID) && d.check() != nil {
			t.Errorf("%+v: %v", e, d.check())
		}
		for _, s := range nic.Settings() {
			w := resolve(Rule{}, e, s, nic.Reading{Current: 1, Max: 8})
			if w.Source == plan.Override || w.Source != 0 && w.Value < 1 || w.Value > maxRing {
				t.Errorf("%s: %+v of %+v", s, w, e)
			}
		}
	})
}
