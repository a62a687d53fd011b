package eni

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything sets each documented parameter.
func everything() Modification {
	return Modification{
		Name: new("front"), Description: new("to the world"), SecurityGroupIDs: []string{"sg-2", "sg-1"},
		DeleteOnRelease: new(false), SourceDestCheck: new(true), QueueNumber: new(8), RxQueueSize: new(8192), TxQueueSize: new(8192),
		TrafficConfig: &TrafficConfigChange{Mode: new("HighPerformance"), QueueNumber: new(8), QueuePairNumber: new(4),
			RxQueueSize: new(16384), TxQueueSize: new(16384)},
		ConnectionTracking: &ConnectionTrackingChange{TCPEstablishedTimeout: new(910), TCPClosedAndTimeWaitTimeout: new(3), UDPTimeout: new(30)},
		EnhancedNetwork: &EnhancedNetworkChange{EnableSriov: new(true), EnableRss: new(false),
			VirtualFunctionTotalQueueNumber: new(16), VirtualFunctionQuantity: new(4)},
	}
}

// asked is an ENI that has everything.
func asked() NetworkInterface {
	return NetworkInterface{
		ID: "eni-1", Name: "front", Description: "to the world", SecurityGroupIDs: []string{"sg-1", "sg-2"},
		DeleteOnRelease: new(false), SourceDestCheck: new(true), QueueNumber: new(8), QueuePairNumber: new(4), TrafficMode: "HighPerformance",
		ConnectionTracking: &ConnectionTracking{TCPEstablishedTimeout: new(910), TCPClosedAndTimeWaitTimeout: new(3), UDPTimeout: new(30)},
		EnhancedNetwork: &EnhancedNetwork{EnableSriov: new(true), EnableRss: new(false),
			VirtualFunctionTotalQueueNumber: new(16), VirtualFunctionQuantity: new(4)},
	}
}

func TestParamsAreEveryParameterOfThePageInTheAPIsForm(t *testing.T) {
	want := map[string]string{
		"NetworkInterfaceName": "front", "Description": "to the world", "SecurityGroupId.1": "sg-2", "SecurityGroupId.2": "sg-1",
		"DeleteOnRelease": "false", "SourceDestCheck": "true", "QueueNumber": "8", "RxQueueSize": "8192", "TxQueueSize": "8192",
		"NetworkInterfaceTrafficConfig.NetworkInterfaceTrafficMode":   "HighPerformance",
		"NetworkInterfaceTrafficConfig.QueueNumber":                   "8",
		"NetworkInterfaceTrafficConfig.QueuePairNumber":               "4",
		"NetworkInterfaceTrafficConfig.RxQueueSize":                   "16384",
		"NetworkInterfaceTrafficConfig.TxQueueSize":                   "16384",
		"ConnectionTrackingConfiguration.TcpEstablishedTimeout":       "910",
		"ConnectionTrackingConfiguration.TcpClosedAndTimeWaitTimeout": "3",
		"ConnectionTrackingConfiguration.UdpTimeout":                  "30",
		"EnhancedNetwork.EnableSriov":                                 "true",
		"EnhancedNetwork.EnableRss":                                   "false",
		"EnhancedNetwork.VirtualFunctionTotalQueueNumber":             "16",
		"EnhancedNetwork.VirtualFunctionQuantity":                     "4",
	}
	if d := cmp.Diff(want, everything().Params()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestZeroIsSentAndAbsentIsNot(t *testing.T) {
	m := Modification{Name: new(""), DeleteOnRelease: new(false), QueueNumber: new(0), EnhancedNetwork: &EnhancedNetworkChange{}}
	if d := cmp.Diff(map[string]string{"NetworkInterfaceName": "", "DeleteOnRelease": "false", "QueueNumber": "0"}, m.Params()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	empty := Modification{TrafficConfig: &TrafficConfigChange{}}
	if m.Empty() || !empty.Empty() || !(Modification{}).Empty() || len(empty.Params()) != 0 {
		t.Errorf("empty: %v %v", m.Empty(), empty.Empty())
	}
}

func TestFieldsAreTheTagsOfTheFile(t *testing.T) {
	var tags []string
	var walk func(prefix string, typ reflect.Type)
	walk = func(prefix string, typ reflect.Type) {
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("yaml"), ",")
			if f.Tag.Get("json") != f.Tag.Get("yaml") {
				t.Errorf("%s: the tags of JSON and YAML differ", f.Name)
			}
			if f.Type.Kind() == reflect.Pointer && f.Type.Elem().Kind() == reflect.Struct {
				walk(prefix+name+".", f.Type.Elem())
				continue
			}
			tags = append(tags, prefix+name)
		}
	}
	walk("", reflect.TypeFor[Modification]())
	m := everything()
	if d := cmp.Diff(tags, m.fields()); d != "" {
		t.Errorf("fields (-tags +code):\n%s", d)
	}
}

func TestDiffDropsWhatHoldsAndKeepsWhatBelongsTogether(t *testing.T) {
	bare := NetworkInterface{ID: "eni-1"}
	for _, tt := range []struct {
		name    string
		change  Modification
		current NetworkInterface
		want    Modification
		changes []FieldChange
	}{
		{"nothing asked", Modification{}, asked(), Modification{}, nil},
		{"all holds but ring sizes, which the API does not tell", everything(), asked(),
			Modification{RxQueueSize: new(8192), TxQueueSize: new(8192), TrafficConfig: &TrafficConfigChange{RxQueueSize: new(16384), TxQueueSize: new(16384)}},
			[]FieldChange{{"rx_queue_size", "", "8192", false}, {"tx_queue_size", "", "8192", false},
				{"traffic_config.rx_queue_size", "", "16384", false}, {"traffic_config.tx_queue_size", "", "16384", false}}},
		{"a number that the ENI never had", Modification{QueueNumber: new(8)}, bare,
			Modification{QueueNumber: new(8)}, []FieldChange{{"queue_number", "", "8", false}}},
		{"a number", Modification{QueueNumber: new(4), Name: new("front")}, asked(),
			Modification{QueueNumber: new(4)}, []FieldChange{{"queue_number", "8", "4", true}}},
		{"a number that the reply has in its traffic configuration only", Modification{QueueNumber: new(8)},
			NetworkInterface{TrafficConfig: &TrafficConfig{QueueNumber: new(8), TrafficMode: "Standard"}}, Modification{}, nil},
		{"security groups in another order", Modification{SecurityGroupIDs: []string{"sg-1", "sg-2"}}, asked(), Modification{}, nil},
		{"security groups", Modification{SecurityGroupIDs: []string{"sg-3", "sg-1"}}, asked(), Modification{SecurityGroupIDs: []string{"sg-3", "sg-1"}},
			[]FieldChange{{"security_group_ids", "sg-1, sg-2", "sg-3, sg-1", true}}},
		{"one ring size of two", Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)},
			NetworkInterface{RxQueueSize: new(8192), TxQueueSize: new(16384)}, Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)},
			[]FieldChange{{"tx_queue_size", "16384", "8192", true}}},
		{"one number of virtual functions", Modification{EnhancedNetwork: &EnhancedNetworkChange{EnableSriov: new(true), EnableRss: new(false),
			VirtualFunctionTotalQueueNumber: new(16), VirtualFunctionQuantity: new(8)}}, asked(),
			Modification{EnhancedNetwork: &EnhancedNetworkChange{EnableSriov: new(true), VirtualFunctionTotalQueueNumber: new(16), VirtualFunctionQuantity: new(8)}},
			[]FieldChange{{"enhanced_network.virtual_function_quantity", "4", "8", true}}},
		{"a switch", Modification{DeleteOnRelease: new(true)}, asked(), Modification{DeleteOnRelease: new(true)},
			[]FieldChange{{"delete_on_release", "false", "true", true}}},
		{"a name for an ENI without one", Modification{Name: new("front")}, bare, Modification{Name: new("front")},
			[]FieldChange{{"name", "", "front", true}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := tt.change.Params()
			effective, changes := tt.change.Diff(tt.current)
			if d := cmp.Diff(tt.want, effective); d != "" {
				t.Errorf("effective (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.changes, changes); d != "" {
				t.Errorf("changes (-want +got):\n%s", d)
			}
			if d := cmp.Diff(before, tt.change.Params()); d != "" {
				t.Errorf("the modification itself changed:\n%s", d)
			}
		})
	}
}

func TestHoldsLeavesOutWhatTheAPIDoesNotTell(t *testing.T) {
	m := everything()
	holds, untold := m.Holds(asked())
	want := []string{"rx_queue_size", "tx_queue_size", "traffic_config.rx_queue_size", "traffic_config.tx_queue_size"}
	if d := cmp.Diff(want, untold); d != "" || !holds {
		t.Errorf("holds %v, untold (-want +got):\n%s", holds, d)
	}
	n := asked()
	n.QueueNumber = nil
	if holds, _ := m.Holds(n); holds {
		t.Error("an absent queue number holds")
	}
}

// FuzzModification: whatever is asked for, what is sent can be compared, sent
// and compared again, and every parameter that is set is sent.
func FuzzModification(f *testing.F) {
	f.Add([]byte(`{"queue_number":8,"security_group_ids":["sg-1","sg-2"],"traffic_config":{"mode":"Standard"}}`))
	f.Add([]byte(`{"connection_tracking":{"udp_timeout":60},"enhanced_network":{"enable_sriov":false},"name":""}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var m Modification
		if json.Unmarshal(data, &m) != nil {
			return
		}
		effective, changes := m.Diff(asked())
		again, _ := effective.Diff(asked())
		if d := cmp.Diff(effective, again); d != "" {
			t.Errorf("a second Diff differs:\n%s", d)
		}
		for _, c := range changes {
			if !slices.Contains(effective.fields(), c.Field) {
				t.Errorf("%s is a change and not sent", c.Field)
			}
		}
		for _, finding := range slices.Concat(CheckRequest(m), Preflight(m, Facts{ENI: asked()})) {
			checkText(t, finding.Message)
		}
	})
}
