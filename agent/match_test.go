package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func TestMatch(t *testing.T) {
	dev := func(index int, name, mac, perm string) nic.NIC {
		return nic.NIC{Index: index, Name: name, MAC: mac, PermMAC: perm, Parent: "virtio0"}
	}
	e := func(id, mac string) ENI { return ENI{ID: id, MAC: mac, Type: "Secondary", Status: "InUse"} }
	const a, b = "00:16:3e:00:00:0a", "00:16:3e:00:00:0b"
	tests := []struct {
		name     string
		nics     []nic.NIC
		enis     []ENI
		unknown  bool // nothing is known of the cloud
		want     map[string]string
		missing  []Unmatched
		problems int
	}{
		{name: "by address", nics: []nic.NIC{dev(1, "eth0", a, ""), dev(2, "eth1", b, "")}, enis: []ENI{e("eni-b", b), e("eni-a", a)},
			want: map[string]string{"eth0": "eni-a", "eth1": "eni-b"}},
		{name: "a bond's member by its permanent address", nics: []nic.NIC{dev(1, "eth0", b, a), dev(2, "eth1", b, b)}, enis: []ENI{e("eni-a", a), e("eni-b", b)},
			want: map[string]string{"eth0": "eni-a", "eth1": "eni-b"}},
		{name: "a permanent address outdoes a copied one", nics: []nic.NIC{dev(1, "eth0", a, a), dev(2, "eth1", a, "")}, enis: []ENI{e("eni-a", a)},
			want: map[string]string{"eth0": "eni-a", "eth1": "unknown"}},
		{name: "a failover master copies its member", nics: []nic.NIC{dev(1, "eth0", a, a), {Index: 2, Name: "ens1", MAC: a, PermMAC: a, Parent: "x", Master: 1}}, enis: []ENI{e("eni-a", a)},
			want: map[string]string{"eth0": "unknown", "ens1": "eni-a"}},
		{name: "a NIC without an ENI", nics: []nic.NIC{dev(1, "eth0", a, "")}, want: map[string]string{"eth0": "unknown"}},
		{name: "a NIC without an address", nics: []nic.NIC{dev(1, "ib0", "", "")}, enis: []ENI{{ID: "eni-x"}}, want: map[string]string{"ib0": "unknown"},
			missing: []Unmatched{{"eni-x", "", NICMissing}}},
		{name: "an ENI without a NIC", enis: []ENI{e("eni-a", a)}, want: map[string]string{}, missing: []Unmatched{{"eni-a", a, NICMissing}}},
		{name: "an ENI on its way", enis: []ENI{{ID: "eni-a", MAC: a, Status: "Detaching"}}, want: map[string]string{}, missing: []Unmatched{{"eni-a", a, NotInUse}}},
		{name: "a trunk's member", enis: []ENI{{ID: "eni-a", MAC: a, Type: "Member", Status: "InUse"}}, want: map[string]string{}, missing: []Unmatched{{"eni-a", a, TrunkMember}}},
		{name: "two NICs with one address", nics: []nic.NIC{dev(1, "eth0", a, ""), dev(2, "eth1", a, "")}, enis: []ENI{e("eni-a", a)},
			want: map[string]string{"eth0": "ambiguous", "eth1": "ambiguous"}, problems: 1},
		{name: "two ENIs with one address", nics: []nic.NIC{dev(1, "eth0", a, "")}, enis: []ENI{e("eni-a", a), e("eni-b", a)},
			want: map[string]string{"eth0": "ambiguous"}, problems: 1},
		{name: "nothing known of the cloud", nics: []nic.NIC{dev(1, "eth0", a, "")}, unknown: true, want: map[string]string{"eth0": "undetermined"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			pairs, missing, problems := match(tt.nics, tt.enis, !tt.unknown)
			got := map[string]string{}
			for _, p := range pairs {
				got[p.nic.Name] = map[plan.ENIKnowledge]string{plan.ENIMatched: p.eni.ID, plan.ENIUnknown: "unknown",
					plan.ENIAmbiguous: "ambiguous", plan.ENIUndetermined: "undetermined"}[p.knows]
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("pairs (-want +got):\n%s", d)
			}
			if d := cmp.Diff(tt.missing, missing); d != "" {
				t.Errorf("missing (-want +got):\n%s", d)
			}
			if len(problems) != tt.problems {
				t.Errorf("problems: %v", problems)
			}
		})
	}
}

func TestRulesMatchByAllGivenKeys(t *testing.T) {
	n := nic.NIC{Name: "eth1", AltNames: []string{"enp0s5"}, MAC: "00:16:3e:00:00:01"}
	e := ENI{ID: "eni-abc", Type: "Secondary"}
	tests := []struct {
		name string
		rule Rule
		eni  ENI
		want bool
	}{
		{"everything", Rule{}, e, true},
		{"name", Rule{Device: "eth*"}, e, true},
		{"alternative name", Rule{Device: "enp0s?"}, e, true},
		{"another name", Rule{Device: "ens*"}, e, false},
		{"all keys", Rule{Device: "eth1", ENI: "eni-*", MAC: "00:16:3e:*", Type: "Secondary"}, e, true},
		{"one key fails", Rule{Device: "eth1", Type: "Primary"}, e, false},
		{"a key on an unknown ENI", Rule{ENI: "*"}, ENI{}, false},
		{"a type of an unknown ENI", Rule{Type: "Primary"}, ENI{}, false},
	}
	for _, tt := range tests {
		if got := tt.rule.matches(n, tt.eni); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	if r, explicit := matchRule(nil, n, e); explicit || !r.Manage {
		t.Error("without a rule a NIC is managed")
	}
}
