package eni

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Facts of a secondary ENI on a stopped instance whose type allows 8 queues for
// one ENI and 16 for all, 2 RDMA ENIs with 8 queue pairs, SR-IOV and RSS.
func goodFacts() Facts {
	n := NetworkInterface{ID: "eni-a", Type: "Secondary", Status: "InUse", InstanceID: "i-1", QueueNumber: new(4), TrafficMode: "Standard"}
	return Facts{
		ENI:      n,
		Instance: &Instance{ID: "i-1", Status: "Stopped", Type: "ecs.g7.4xlarge", OSType: "linux"},
		Type: &InstanceType{ID: "ecs.g7.4xlarge", MaximumQueueNumberPerEni: new(8), TotalEniQueueQuantity: new(16),
			PrimaryEniQueueNumber: new(4), SecondaryEniQueueNumber: new(4), EriQuantity: new(2), QueuePairNumber: new(8),
			SriovSupport: new(true), RssSupport: new(true)},
		Siblings: []NetworkInterface{{ID: "eni-0", Type: "Primary", QueueNumber: new(4)}, n, {ID: "eni-b", Type: "Secondary", QueueNumber: new(4)}},
	}
}

// lines writes findings as "severity rule field: message".
func lines(findings []Finding) []string {
	var out []string
	for _, f := range findings {
		field := f.Field
		if field != "" {
			field = " " + field
		}
		out = append(out, f.Severity.String()+" "+f.Rule+field+": "+f.Message)
	}
	return out
}

// withoutPreviews leaves out the notes that go with a parameter in every case.
func withoutPreviews(findings []Finding) []Finding {
	return slices.DeleteFunc(findings, func(f Finding) bool {
		return f.Severity == SeverityNote && (strings.HasSuffix(f.Rule, "-preview") || f.Rule == "source-dest-check-region")
	})
}

type preflightCase struct {
	name   string
	change Modification
	facts  func(*Facts) // goodFacts, changed
	want   []string
}

func checkPreflight(t *testing.T, cases []preflightCase) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			facts := goodFacts()
			if tt.facts != nil {
				tt.facts(&facts)
			}
			got := withoutPreviews(slices.Concat(CheckRequest(tt.change), Preflight(tt.change, facts)))
			if d := cmp.Diff(tt.want, lines(got)); d != "" {
				t.Errorf("findings (-want +got):\n%s", d)
			}
			for _, f := range got {
				if f.Severity == SeverityWarning && f.Remedy == "" {
					t.Errorf("%s has no remedy", f.Rule)
				}
			}
		})
	}
}

func TestPreflightFormats(t *testing.T) {
	const wantName = ": want a letter first, then letters, digits and : _ . - only"
	ring := func(rx, tx *int) Modification { return Modification{RxQueueSize: rx, TxQueueSize: tx} }
	tracking := func(c ConnectionTrackingChange) Modification { return Modification{ConnectionTracking: &c} }
	checkPreflight(t, []preflightCase{
		{"name of two letters", Modification{Name: new("eN")}, nil, nil},
		{"Chinese name", Modification{Name: new("网卡:1_a.b-c")}, nil, nil},
		{"name of 128", Modification{Name: new(strings.Repeat("网", 128))}, nil, nil},
		{"empty name", Modification{Name: new("")}, nil, []string{`error name-format name: name "": has 0 characters, want 2 to 128`}},
		{"name of 129", Modification{Name: new("a" + strings.Repeat("1", 128))}, nil,
			[]string{`error name-format name: name "a1111111111111111111111111111111111111111111111111111111111111111111111111111111…": has 129 characters, want 2 to 128`}},
		{"name with a digit first", Modification{Name: new("1a")}, nil, []string{`error name-format name: name "1a"` + wantName}},
		{"name with a blank", Modification{Name: new("a b")}, nil, []string{`error name-format name: name "a b"` + wantName}},
		{"name that is a URL", Modification{Name: new("http://a")}, nil, []string{`error name-format name: name "http://a": want a name that does not begin with http:// or https://`}},
		{"description", Modification{Description: new("to the world, 2nd")}, nil, nil},
		{"description of one letter", Modification{Description: new("x")}, nil, []string{`error description-format description: description "x": has 1 characters, want 2 to 255`}},
		{"description that is a URL", Modification{Description: new("HTTPS://a")}, nil,
			[]string{`error description-format description: description "HTTPS://a": want a text that does not begin with http:// or https://`}},
		{"security groups", Modification{SecurityGroupIDs: []string{"sg-1", "sg-2"}}, nil, nil},
		{"no security groups", Modification{SecurityGroupIDs: []string{}}, nil,
			[]string{"error security-group-empty security_group_ids: an empty list of security groups: an ENI belongs to at least one"}},
		{"a name for a security group", Modification{SecurityGroupIDs: []string{"web"}}, nil,
			[]string{`error security-group-format security_group_ids: security group "web": want an id such as sg-bp67acfmxazb4p1`}},
		{"a security group twice", Modification{SecurityGroupIDs: []string{"sg-1", "sg-1"}}, nil,
			[]string{"error security-group-repeated security_group_ids: security group sg-1 is given twice"}},
		{"ring sizes", ring(new(16384), new(16384)), nil, nil},
		{"one ring size", ring(new(8192), nil), nil,
			[]string{"error ring-pair rx_queue_size: rx_queue_size 8192 without tx_queue_size; they must come together and be equal"}},
		{"unequal ring sizes", ring(new(8192), new(16384)), nil,
			[]string{"error ring-pair rx_queue_size: rx_queue_size 8192 and tx_queue_size 16384: must be equal"}},
		{"ring sizes between powers of two", ring(new(12288), new(12288)), nil, []string{
			"error ring-range rx_queue_size: rx_queue_size 12288: want a power of two from 8192 to 16384",
			"error ring-range tx_queue_size: tx_queue_size 12288: want a power of two from 8192 to 16384"}},
		{"the other ring size in the traffic configuration", Modification{TrafficConfig: &TrafficConfigChange{TxQueueSize: new(4096)}}, nil, []string{
			"error ring-pair traffic_config.tx_queue_size: traffic_config.tx_queue_size 4096 without traffic_config.rx_queue_size; they must come together and be equal",
			"error ring-range traffic_config.tx_queue_size: traffic_config.tx_queue_size 4096: want a power of two from 8192 to 16384"}},
		{"ring sizes of both places", Modification{RxQueueSize: new(8192), TxQueueSize: new(8192),
			TrafficConfig: &TrafficConfigChange{RxQueueSize: new(16384), TxQueueSize: new(16384)}}, nil,
			[]string{"error ring-conflict rx_queue_size: rx_queue_size 8192 and traffic_config.rx_queue_size 16384 contradict each other"}},
		{"connection tracking", tracking(ConnectionTrackingChange{new(910), new(15), new(100)}), nil, nil},
		{"connection tracking out of its lists", tracking(ConnectionTrackingChange{new(90), new(16), new(0)}), nil, []string{
			"error tcp-established-timeout connection_tracking.tcp_established_timeout: tcp_established_timeout 90: want 30, 60, 80, 100, 200, 300, 500, 700 or 910 seconds",
			"error udp-timeout connection_tracking.udp_timeout: udp_timeout 0: want 10, 20, 30, 60, 80 or 100 seconds",
			"error tcp-closed-and-time-wait-timeout connection_tracking.tcp_closed_and_time_wait_timeout: tcp_closed_and_time_wait_timeout 16: want 3 to 15 seconds"}},
	})
}

func TestPreflightQueues(t *testing.T) {
	queues := func(n int) Modification { return Modification{QueueNumber: &n} }
	inUse := func(n int) Modification { return Modification{TrafficConfig: &TrafficConfigChange{QueueNumber: &n}} }
	checkPreflight(t, []preflightCase{
		{"the whole quota", queues(8), nil, []string{"note queue-quota queue_number: queue_number 8: 16 of 16 queues: eni-0 (primary) 4 + eni-b 4 + this 8 = 16; left 0"}},
		{"over the quota", queues(8), func(f *Facts) { f.Siblings[2].QueueNumber = new(6) },
			[]string{"warning queue-quota queue_number: queue_number 8: 18 of 16 queues: eni-0 (primary) 4 + eni-b 6 + this 8 = 18; 2 more than ecs.g7.4xlarge allows all its ENIs together"}},
		{"siblings by default", queues(2), func(f *Facts) { f.Siblings[0].QueueNumber, f.Siblings[2].QueueNumber = nil, nil },
			[]string{"note queue-quota queue_number: queue_number 2: 10 of 16 queues: eni-0 (primary) 4 by default + eni-b 4 by default + this 2 = 10; left 6"}},
		{"a sibling that is not known", queues(2), func(f *Facts) { f.Siblings[2].QueueNumber, f.Type.SecondaryEniQueueNumber = nil, nil },
			[]string{"note queue-quota queue_number: queue_number 2: 6 of 16 queues as far as known: eni-0 (primary) 4 + eni-b unknown + this 2"}},
		{"siblings that are not known", queues(2), func(f *Facts) { f.Siblings = nil },
			[]string{"note queue-quota queue_number: queue_number 2: the other ENIs of the instance are not known here; the API checks the sum"}},
		{"more than one ENI can have", queues(9), func(f *Facts) { f.Siblings = f.Siblings[:2] }, []string{
			"warning queue-limit queue_number: queue_number 9: ecs.g7.4xlarge allows one ENI at most 8",
			"note queue-quota queue_number: queue_number 9: 13 of 16 queues: eni-0 (primary) 4 + this 9 = 13; left 3"}},
		{"limits that are not published", queues(9), func(f *Facts) { f.Type.MaximumQueueNumberPerEni, f.Type.TotalEniQueueQuantity = nil, nil }, []string{
			"note queue-limit queue_number: queue_number 9: the maximum for one ENI is not published for ecs.g7.4xlarge",
			"note queue-quota queue_number: queue_number 9: the queues of all ENIs would be eni-0 (primary) 4 + eni-b 4 + this 9 = 17; how many ecs.g7.4xlarge allows is not published"}},
		{"a type that is not known", queues(9), func(f *Facts) { f.Type = nil },
			[]string{"note queue-quota queue_number: queue_number 9: the limits of the instance type are not known here; the API checks them"}},
		{"an available ENI", queues(64), func(f *Facts) { *f = Facts{ENI: NetworkInterface{ID: "eni-a", Type: "Secondary", Status: "Available"}} },
			[]string{"note queue-quota queue_number: queue_number 64: the instance type's limits are checked when the ENI is attached"}},
		{"no queues", queues(0), nil, []string{"error queue-number-range queue_number: queue_number 0: want 1 to 2048",
			"note queue-quota queue_number: queue_number 0: 8 of 16 queues: eni-0 (primary) 4 + eni-b 4 + this 0 = 8; left 8"}},
		{"2049 queues", queues(2049), func(f *Facts) { *f = Facts{ENI: NetworkInterface{ID: "eni-a", Status: "Available"}} },
			[]string{"error queue-number-range queue_number: queue_number 2049: want 1 to 2048",
				"note queue-quota queue_number: queue_number 2049: the instance type's limits are checked when the ENI is attached"}},
		{"two queue numbers", Modification{QueueNumber: new(2), TrafficConfig: &TrafficConfigChange{QueueNumber: new(3)}}, nil, []string{
			"error queue-number-conflict queue_number: queue_number 2 and traffic_config.queue_number 3 contradict each other",
			"note queue-quota traffic_config.queue_number: traffic_config.queue_number 3: 11 of 16 queues: eni-0 (primary) 4 + eni-b 4 + this 3 = 11; left 5"}},
		{"a running instance", queues(2), func(f *Facts) { f.Instance.Status = "Running" }, []string{
			"warning eni-state queue_number: queue_number 2: eni-a is InUse and its instance i-1 is Running; the queue number changes only while the instance is Stopped or the ENI Available",
			"note queue-quota queue_number: queue_number 2: 10 of 16 queues: eni-0 (primary) 4 + eni-b 4 + this 2 = 10; left 6"}},
		{"an instance that may not be read", queues(2), func(f *Facts) { f.Instance = nil }, []string{
			"note instance-status-unknown queue_number: queue_number 2: whether i-1 is Stopped, as it must be, is not known",
			"note queue-quota queue_number: queue_number 2: 10 of 16 queues: eni-0 (primary) 4 + eni-b 4 + this 2 = 10; left 6"}},
		{"in use in the preview", inUse(8), func(f *Facts) { f.Instance.Status = "Running" },
			[]string{"note queue-quota traffic_config.queue_number: traffic_config.queue_number 8: 16 of 16 queues: eni-0 (primary) 4 + eni-b 4 + this 8 = 16; left 0"}},
		{"an ENI on its way", queues(2), func(f *Facts) { f.ENI.Status, f.Siblings = "Detaching", nil }, []string{
			"warning eni-status: eni-a is Detaching; it can be changed while it is Available or InUse",
			"note queue-quota queue_number: queue_number 2: the other ENIs of the instance are not known here; the API checks the sum"}},
		{"a primary ENI", queues(2), func(f *Facts) { f.ENI.Type, f.Instance.Status = "Primary", "Running" },
			[]string{"warning primary-queue-number queue_number: queue_number 2: eni-a is the primary ENI, whose queue number is fixed at launch"}},
		{"a primary ENI's other attributes", Modification{Name: new("front"), Description: new("x y"), DeleteOnRelease: new(true), SecurityGroupIDs: []string{"sg-1", "sg-2"}},
			func(f *Facts) { f.ENI.Type = "Primary" }, []string{
				"warning primary-name-and-description security_group_ids: security_group_ids sg-1, sg-2: eni-a is the primary ENI, of which only name and description can be changed",
				"warning primary-name-and-description delete_on_release: delete_on_release true: eni-a is the primary ENI, of which only name and description can be changed"}},
		{"an ENI of another service", Modification{Name: new("front")}, func(f *Facts) { f.ENI.ServiceManaged = true },
			[]string{"warning eni-service-managed: eni-a is managed by another cloud service; its ENIs are changed only through it"}},
	})
}

func TestPreflightTrafficAndRings(t *testing.T) {
	rdma := Modification{TrafficConfig: &TrafficConfigChange{Mode: new("HighPerformance")}}
	pairs := func(n int, mode *string) Modification {
		return Modification{TrafficConfig: &TrafficConfigChange{Mode: mode, QueuePairNumber: &n}}
	}
	rings := Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)}
	fast := func(f *Facts) { f.ENI.TrafficMode = "HighPerformance" }
	checkPreflight(t, []preflightCase{
		{"RDMA", rdma, nil, nil},
		{"an unknown mode", Modification{TrafficConfig: &TrafficConfigChange{Mode: new("highperformance")}}, nil,
			[]string{`error traffic-mode-value traffic_config.mode: mode "highperformance": want Standard or HighPerformance`}},
		{"back to standard", Modification{TrafficConfig: &TrafficConfigChange{Mode: new("Standard")}}, fast,
			[]string{"warning traffic-mode-standard traffic_config.mode: mode Standard: eni-a is in HighPerformance mode, from which there is no way back"}},
		{"RDMA with IPv6", rdma, func(f *Facts) { f.ENI.IPv6s = []string{"2001:db8::1"} },
			[]string{"warning traffic-mode-ipv6 traffic_config.mode: mode HighPerformance: eni-a has IPv6 addresses (2001:db8::1), which RDMA does not support"}},
		{"RDMA on a type without", rdma, func(f *Facts) { f.Type.EriQuantity = new(0) },
			[]string{"warning eri-unsupported traffic_config.mode: mode HighPerformance: ecs.g7.4xlarge has no RDMA (ERI quota 0)"}},
		{"RDMA quota", rdma, func(f *Facts) { f.Type.EriQuantity, f.Siblings[2].TrafficMode = new(1), "HighPerformance" },
			[]string{"warning eri-quota traffic_config.mode: mode HighPerformance: 2 of 1 RDMA ENIs: 1 others + this; more than ecs.g7.4xlarge allows"}},
		{"RDMA quota that is not published", rdma, func(f *Facts) { f.Type.EriQuantity = nil },
			[]string{"note eri-quota traffic_config.mode: mode HighPerformance: how many RDMA ENIs ecs.g7.4xlarge allows is not published"}},
		{"queue pairs", pairs(8, nil), fast, nil},
		{"queue pairs with the mode", pairs(8, new("HighPerformance")), nil, nil},
		{"queue pairs with standard mode", pairs(8, new("Standard")), nil,
			[]string{"error queue-pair-mode traffic_config.queue_pair_number: queue_pair_number 8 with mode Standard: queue pairs go with HighPerformance only"}},
		{"queue pairs of an ENI in standard mode", pairs(8, nil), nil,
			[]string{"warning queue-pair-mode traffic_config.queue_pair_number: queue_pair_number 8: eni-a is in Standard mode; queue pairs go with HighPerformance only"}},
		{"no queue pairs", pairs(0, nil), fast, []string{"error queue-pair-range traffic_config.queue_pair_number: queue_pair_number 0: want 1 or more"}},
		{"too many queue pairs", pairs(9, nil), fast,
			[]string{"warning queue-pair-limit traffic_config.queue_pair_number: queue_pair_number 9: ecs.g7.4xlarge allows one RDMA ENI at most 8"}},
		{"queue pairs that are not published", pairs(9, nil), func(f *Facts) { fast(f); f.Type.QueuePairNumber = nil },
			[]string{"note queue-pair-limit traffic_config.queue_pair_number: queue_pair_number 9: the maximum for one RDMA ENI is not published for ecs.g7.4xlarge"}},
		{"ring sizes on an old type", rings, func(f *Facts) { f.Type.ID = "ecs.ebmg5s.24xlarge" },
			[]string{"warning ring-generation rx_queue_size: ecs.ebmg5s.24xlarge is of generation 5; ring sizes need generation 7 or later"}},
		{"ring sizes on a type that counts otherwise", rings, func(f *Facts) { f.Type.ID = "ecs.u1-c1m4.xlarge" }, nil},
		{"ring sizes on Windows", rings, func(f *Facts) { f.Instance.OSType = "windows" },
			[]string{"warning ring-os rx_queue_size: i-1 runs windows; ring sizes apply to Linux images only"}},
	})
}

func TestPreflightEnhancedNetwork(t *testing.T) {
	sriov := func(on *bool, queues, functions *int) Modification {
		return Modification{EnhancedNetwork: &EnhancedNetworkChange{EnableSriov: on, VirtualFunctionTotalQueueNumber: queues, VirtualFunctionQuantity: functions}}
	}
	rss := Modification{EnhancedNetwork: &EnhancedNetworkChange{EnableRss: new(true)}}
	const prefix = "enhanced_network."
	checkPreflight(t, []preflightCase{
		{"SR-IOV", sriov(new(true), new(16), new(256)), nil, nil},
		{"SR-IOV off", sriov(new(false), nil, nil), nil, nil},
		{"SR-IOV without its numbers", sriov(new(true), nil, nil), nil, []string{
			"error sriov-numbers " + prefix + "virtual_function_total_queue_number: enable_sriov true without virtual_function_total_queue_number: needs both numbers of virtual functions",
			"error sriov-numbers " + prefix + "virtual_function_quantity: enable_sriov true without virtual_function_quantity: needs both numbers of virtual functions"}},
		{"SR-IOV with wrong numbers", sriov(new(true), new(0), new(257)), nil, []string{
			"error sriov-numbers " + prefix + "virtual_function_total_queue_number: virtual_function_total_queue_number 0: want 1 or more",
			"error sriov-numbers " + prefix + "virtual_function_quantity: virtual_function_quantity 257: want 1 to 256"}},
		{"numbers without SR-IOV", sriov(nil, new(16), nil), nil, []string{
			"error sriov-numbers " + prefix + "virtual_function_total_queue_number: virtual_function_total_queue_number 16 without enable_sriov true: goes with SR-IOV only"}},
		{"numbers with SR-IOV off", sriov(new(false), nil, new(4)), nil, []string{
			"error sriov-numbers " + prefix + "virtual_function_quantity: virtual_function_quantity 4 without enable_sriov true: goes with SR-IOV only"}},
		{"other numbers while SR-IOV is on", sriov(new(true), new(16), new(8)), func(f *Facts) {
			f.ENI.EnhancedNetwork = &EnhancedNetwork{EnableSriov: new(true), VirtualFunctionTotalQueueNumber: new(16), VirtualFunctionQuantity: new(4)}
		}, []string{"warning sriov-fixed " + prefix + "enable_sriov: eni-a has SR-IOV already; the numbers of virtual functions cannot be changed while it is on"}},
		{"SR-IOV of an attached trunk", sriov(new(true), new(16), new(4)), func(f *Facts) { f.ENI.Type = "Trunk" },
			[]string{"warning sriov-trunk " + prefix + "enable_sriov: enable_sriov true: eni-a is a trunk ENI and InUse; SR-IOV of a trunk ENI is switched on while it is detached"}},
		{"SR-IOV on a type without", sriov(new(true), new(16), new(4)), func(f *Facts) { f.Type.SriovSupport = new(false) },
			[]string{"warning sriov-support " + prefix + "enable_sriov: enable_sriov true: ecs.g7.4xlarge has no SR-IOV"}},
		{"RSS", rss, nil, nil},
		{"RSS on a type without", rss, func(f *Facts) { f.Type.RssSupport = new(false) },
			[]string{"warning rss-support " + prefix + "enable_rss: enable_rss true: ecs.g7.4xlarge has no RSS"}},
		{"RSS on a type that does not say", rss, func(f *Facts) { f.Type.RssSupport = nil },
			[]string{"note rss-support " + prefix + "enable_rss: enable_rss true: whether ecs.g7.4xlarge has RSS is not published"}},
	})
}

func TestPreflightTellsOfPreviewsAndOfNothingElseForAGoodChange(t *testing.T) {
	m := everything()
	m.RxQueueSize, m.TxQueueSize = new(16384), new(16384)
	var rules []string
	for _, f := range slices.Concat(CheckRequest(m), Preflight(m, goodFacts())) {
		if f.Severity != SeverityNote {
			t.Errorf("%+v", f)
		}
		rules = append(rules, f.Rule)
	}
	want := []string{"queue-quota", "ring-preview", "traffic-config-preview", "enhanced-network-preview", "source-dest-check-region"}
	if d := cmp.Diff(want, rules); d != "" {
		t.Errorf("rules (-want +got):\n%s", d)
	}
	if got := Preflight(Modification{}, Facts{}); got != nil {
		t.Errorf("an empty change: %+v", got)
	}
}

func TestTheRemedyForARunningInstanceNamesTheCommands(t *testing.T) {
	facts := goodFacts()
	facts.Instance.Status = "Running"
	findings := Preflight(Modification{QueueNumber: new(8)}, facts)
	i := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == "eni-state" })
	if i < 0 {
		t.Fatal("no such finding")
	}
	for _, want := range []string{
		"aliyun ecs StopInstance --InstanceId i-1 --StoppedMode KeepCharging; run this again; aliyun ecs StartInstance --InstanceId i-1",
		"aliyun ecs DetachNetworkInterface --InstanceId i-1 --NetworkInterfaceId eni-a; run this again", "--traffic-queues",
	} {
		if !strings.Contains(findings[i].Remedy, want) {
			t.Errorf("%s\nlacks %s", findings[i].Remedy, want)
		}
	}
}

func TestSeveritiesHaveWords(t *testing.T) {
	for s, want := range map[Severity]string{SeverityNote: "note", SeverityWarning: "warning", SeverityError: "error", 0: "Severity(0)"} {
		if s.String() != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
}

func TestFactsThatAChangeDoesNotNeedSayNothingAboutIt(t *testing.T) {
	facts := goodFacts()
	facts.Instance.Status, facts.Instance.OSType = "Running", "windows"
	facts.Type = &InstanceType{ID: "ecs.g5.large", MaximumQueueNumberPerEni: new(0), TotalEniQueueQuantity: new(0), EriQuantity: new(1),
		QueuePairNumber: new(0), SriovSupport: new(false), RssSupport: new(false)}
	facts.Siblings[2].TrafficMode = "HighPerformance"
	bare := facts
	bare.Instance, bare.Type, bare.Siblings = nil, nil, nil
	alone := facts
	alone.Siblings = nil
	whole := everything()
	for _, tt := range []struct {
		m                  Modification
		instance, siblings bool
	}{
		{Modification{Name: whole.Name, Description: whole.Description, SecurityGroupIDs: whole.SecurityGroupIDs, DeleteOnRelease: whole.DeleteOnRelease,
			SourceDestCheck: whole.SourceDestCheck, ConnectionTracking: whole.ConnectionTracking}, false, false},
		{Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)}, true, false},
		{Modification{EnhancedNetwork: whole.EnhancedNetwork}, true, false},
		{Modification{TrafficConfig: &TrafficConfigChange{QueuePairNumber: new(4)}}, true, false},
		{Modification{QueueNumber: new(8)}, true, true},
		{Modification{TrafficConfig: &TrafficConfigChange{QueueNumber: new(8)}}, true, true},
		{Modification{TrafficConfig: &TrafficConfigChange{Mode: new("HighPerformance")}}, true, true},
	} {
		if NeedsInstance(tt.m) != tt.instance || NeedsSiblings(tt.m) != tt.siblings {
			t.Errorf("%v: instance %v, siblings %v", tt.m.Params(), NeedsInstance(tt.m), NeedsSiblings(tt.m))
		}
		all := lines(Preflight(tt.m, facts))
		if same := cmp.Equal(all, lines(Preflight(tt.m, bare))); same == tt.instance {
			t.Errorf("%v: the same findings without the instance: %v", tt.m.Params(), same)
		}
		if same := cmp.Equal(all, lines(Preflight(tt.m, alone))); same == tt.siblings {
			t.Errorf("%v: the same findings without the other ENIs: %v", tt.m.Params(), same)
		}
	}
}

func TestWhatIsNotKnownOfTheInstanceIsSaidAndNamesNoPlaceholder(t *testing.T) {
	eight := Modification{QueueNumber: new(8)}
	for _, tt := range []struct {
		name                  string
		facts                 func(*Facts)
		rule, message, remedy string
	}{
		{"no status", func(f *Facts) { f.Instance.Status = "" }, "eni-state", "its instance i-1 is in an unknown state;", "--InstanceId i-1"},
		{"not readable", func(f *Facts) { f.Instance = nil }, "instance-status-unknown", "whether i-1 is Stopped, as it must be, is not known", "--InstanceId i-1"},
		{"no instance told", func(f *Facts) { f.Instance, f.ENI.InstanceID = nil, "" }, "instance-status-unknown",
			"whether the instance is Stopped, as it must be, is not known", "stop the instance that it is attached to"},
		{"of another service", func(f *Facts) { f.Instance, f.ENI.InstanceID, f.ENI.ServiceManaged = nil, "", true }, "instance-status-unknown",
			"whether the instance is Stopped", "change it through the service that manages it"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			facts := goodFacts()
			tt.facts(&facts)
			findings := Preflight(eight, facts)
			i := slices.IndexFunc(findings, func(f Finding) bool { return f.Rule == tt.rule })
			if i < 0 {
				t.Fatalf("no such finding: %q", lines(findings))
			}
			f := findings[i]
			if !strings.Contains(f.Message, tt.message) || !strings.Contains(f.Remedy, tt.remedy) {
				t.Errorf("%s\nremedy %s", f.Message, f.Remedy)
			}
			if strings.Contains(f.Message, "DescribeInstances") || strings.Contains(f.Remedy, "--InstanceId INSTANCE") {
				t.Errorf("%s\nremedy %s", f.Message, f.Remedy)
			}
		})
	}
}
