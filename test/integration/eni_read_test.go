//go:build netns

package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/internal/enireport"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/world"
)

func ids(list []enireport.ENI) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.ID)
	}
	return out
}

func TestListOfThisInstanceHasTheENIsOfOtherServicesToo(t *testing.T) {
	h := newHost(t)
	h.addGateway()
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	managed := world.ENI("eni-2", mac2, 2)
	managed.ServiceManaged = true
	h.cloud.PutENI(managed)

	var doc enireport.List
	if res := h.document(&doc, "eni", "list"); res.Code != 0 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	if diff := cmp.Diff([]string{"eni-1", "eni-2"}, ids(doc.ENIs)); diff != "" || doc.Instance != world.InstanceID {
		t.Errorf("of %s (-want +got):\n%s", doc.Instance, diff)
	}
	h.document(&doc, "eni", "list", "--instance", gatewayID)
	if diff := cmp.Diff([]string{"eni-gp", "eni-g"}, ids(doc.ENIs)); diff != "" || doc.Instance != gatewayID {
		t.Errorf("of %s (-want +got):\n%s", doc.Instance, diff)
	}
	if res := h.run("eni", "list", "--region", "cn-beijing"); res.Code != 1 || !strings.Contains(res.Stderr, "this instance is in cn-hangzhou") {
		t.Errorf("another region: exit %d, stdout %s, stderr %s", res.Code, res.Stdout, res.Stderr)
	}
	if res := h.run("eni", "list"); res.Code != 0 || !strings.HasPrefix(res.Stdout, "2 ENIs of "+world.InstanceID+" in cn-hangzhou\n") || res.Stderr != "" {
		t.Errorf("exit %d, stdout %s, stderr %s", res.Code, res.Stdout, res.Stderr)
	}
}

func TestListOfTheAccountReadsEveryPage(t *testing.T) {
	h := newOperator(t)
	for i := range 1098 {
		h.cloud.PutENI(ecssim.ENI{ID: fmt.Sprintf("eni-%03d", i), MAC: fmt.Sprintf("00:16:3e:01:%02x:%02x", i/256, i%256), Region: world.Region})
	}
	var doc enireport.List
	res := h.document(&doc, "eni", "list", "--all")
	if res.Code != 0 || len(doc.ENIs) != 1100 || doc.Instance != "" || res.Stderr != "" {
		t.Errorf("exit %d, %d ENIs of %q, stderr %q", res.Code, len(doc.ENIs), doc.Instance, res.Stderr)
	}
	if n := len(h.sent("DescribeNetworkInterfaces")); n < 2 {
		t.Errorf("%d requests, want several pages", n)
	}
}

func TestShowPutsTheNICBesideItsENI(t *testing.T) {
	h := newHost(t)
	h.nic("eth1", mac1)
	e := world.ENI("eni-1", mac1, 4)
	e.Name, e.Tags = "front", map[string]string{"enitune:rx-queue-size": "8192", "owner": "net\x1b[31m"}
	h.cloud.PutENI(e)
	h.addGateway()

	var doc enireport.One
	if res := h.document(&doc, "eni", "show", "eni-1"); res.Code != 0 || doc.NIC == nil {
		t.Fatalf("exit %d: %s %+v", res.Code, res.Stderr, doc)
	}
	want := enireport.NICSetting{Setting: nic.Queues, Current: 1, Max: 8}
	if diff := cmp.Diff(want, doc.NIC.Settings[0]); diff != "" || doc.NIC.Device != "eth1" || doc.NIC.Driver != "veth" {
		t.Errorf("%+v (-want +got):\n%s", doc.NIC, diff)
	}
	if doc.ENI.Tracking == nil || doc.ENI.Name != "front" || *doc.ENI.Queues != 4 {
		t.Errorf("got %+v", doc.ENI)
	}
	text := h.run("eni", "show", "eni-1").Stdout
	for _, part := range []string{"eni-1 in cn-hangzhou", "name  ", "device   eth1", "1 of at most 8", "enitune:rx-queue-size  8192", "UDP"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in:\n%s", part, text)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Errorf("a tag changes what a terminal shows: %q", text)
	}
	doc = enireport.One{}
	if h.document(&doc, "eni", "show", "eni-g"); doc.NIC != nil {
		t.Errorf("an ENI of another instance has the NIC %+v", doc.NIC)
	}
}

func TestLimitsOfThisInstanceOfAnotherAndOfAType(t *testing.T) {
	h := newHost(t)
	h.cloud.PutENI(world.ENI("eni-1", mac1, 4))
	h.cloud.PutENI(world.ENI("eni-2", mac2, 2))
	h.addGateway()
	queues := func(doc enireport.Limits) enireport.Limit {
		for _, l := range doc.Limits {
			if l.Limit == enireport.LimitQueues {
				return l
			}
		}
		return enireport.Limit{}
	}
	for _, tt := range []struct {
		args     []string
		instance string
		want     enireport.Limit
	}{
		{nil, world.InstanceID, enireport.Limit{Limit: enireport.LimitQueues, Max: new(16), Used: new(6), Left: new(10)}},
		{[]string{"--instance", gatewayID}, gatewayID, enireport.Limit{Limit: enireport.LimitQueues, Max: new(16), Used: new(8), Left: new(8)}},
		{[]string{"--instance-type", "ecs.u1-c1m4.xlarge"}, "", enireport.Limit{Limit: enireport.LimitQueues, Max: new(6)}},
	} {
		var doc enireport.Limits
		res := h.document(&doc, append([]string{"eni", "limits"}, tt.args...)...)
		if diff := cmp.Diff(tt.want, queues(doc)); diff != "" || res.Code != 0 || doc.Instance != tt.instance {
			t.Errorf("%v: exit %d, instance %q (-want +got):\n%s", tt.args, res.Code, doc.Instance, diff)
		}
	}
	if text := h.run("eni", "limits", "--instance-type", "ecs.u1-c1m4.xlarge").Stdout; !strings.Contains(text, "queues of one ENI                     not published for this type") {
		t.Errorf("an absent limit is not told:\n%s", text)
	}
}

func TestTheRegionComesFromWhereItIsNamed(t *testing.T) {
	h := newOperator(t)
	environment := h.env
	h.env = append(environment, "ALIBABA_CLOUD_REGION_ID=")
	res := h.run("eni", "show", "eni-g")
	if res.Code != 1 || !strings.Contains(res.Stderr, "the region is not known: name it with --region") || strings.Count(res.Stderr, "\n") != 1 {
		t.Errorf("without a region: exit %d, %s", res.Code, res.Stderr)
	}
	if res := h.run("eni", "show", "eni-g", "--region", world.Region); res.Code != 0 {
		t.Errorf("--region: exit %d, %s", res.Code, res.Stderr)
	}
	h.configure("cloud: {region: " + world.Region + "}")
	if res := h.run("eni", "show", "eni-g"); res.Code != 0 {
		t.Errorf("cloud.region: exit %d, %s", res.Code, res.Stderr)
	}
	h.configure("")
	h.write(".aliyun/config.json", `{"current": "ops", "profiles": [{"name": "ops", "mode": "AK", "access_key_id": "`+accessKey+
		`", "access_key_secret": "`+secretKey+`", "region_id": "`+world.Region+`"}]}`)
	if res := h.run("eni", "show", "eni-g"); res.Code != 0 {
		t.Errorf("the CLI's current profile: exit %d, %s", res.Code, res.Stderr)
	}
	if res := h.run("eni", "show", "eni-g", "--profile", "ops"); res.Code != 0 {
		t.Errorf("--profile: exit %d, %s", res.Code, res.Stderr)
	}
	h.env = environment
	res = h.run("eni", "show", "eni-none")
	if res.Code != 1 || !strings.Contains(res.Stderr, "looked in region cn-hangzhou (from ALIBABA_CLOUD_REGION_ID)") {
		t.Errorf("an ENI that is not there: exit %d, %s", res.Code, res.Stderr)
	}
	res = h.run("eni", "list")
	if res.Code != 1 || !strings.Contains(res.Stderr, "--instance i-… or --all") {
		t.Errorf("this instance where there is none: exit %d, %s", res.Code, res.Stderr)
	}
}
