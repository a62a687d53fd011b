package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func at(second int) time.Time { return time.Unix(1_770_000_000+int64(second), 0).UTC() }

// planReport is of a plan: eth0 drifts, eth1 does not, an ENI has no NIC.
func planReport() agent.Report {
	return agent.Report{
		Version: 1, Time: at(0), Determined: true,
		Instance: agent.Instance{ID: "i-1", Region: "cn-hangzhou", Type: "ecs.g7.xlarge"},
		Desired:  agent.Origin{Origin: agent.OriginCache, FetchedAt: at(-7200), Stale: true},
		NICs: []agent.NICReport{
			{Device: "eth1", MAC: "00:16:3e:00:00:02", ENI: "eni-2", Settings: []agent.SettingReport{
				{Setting: nic.Queues, Current: 4, Max: 8, Desired: 4, Source: plan.API, Action: plan.None, Reason: plan.InSync, Applied: &agent.Applied{From: 1, To: 4}},
			}},
			{Device: "eth0", MAC: "00:16:3e:00:00:01", ENI: "eni-1", Settings: []agent.SettingReport{
				{Setting: nic.Queues, Current: 1, Max: 8, Desired: 4, Source: plan.API, Action: plan.Set, Reason: plan.BelowDesired, Drift: true, Message: "1, should be 4"},
				{Setting: nic.RxRing, Action: plan.None, Reason: plan.Unsupported},
				{Setting: nic.TxRing, Current: 256, Max: 256, Desired: 512, Source: plan.Tag, Action: plan.Report, Reason: plan.DeviceMax, Drift: true, Message: "at most 256"},
			}},
		},
		Unmatched: []agent.Unmatched{{ENI: "eni-3", MAC: "00:16:3e:00:00:03", Reason: agent.NICMissing}},
		Errors:    []agent.Problem{{Component: agent.ComponentMetadata, Message: "metadata api/token: connection refused"}},
	}
}

func render(t *testing.T, r agent.Report, p painter) string {
	t.Helper()
	var b strings.Builder
	if err := writeReport(&b, r, p); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestReportShowsWhatIsWrongFirst(t *testing.T) {
	want := `drift: eth0 queues 1/4: below desired, and 1 more
i-1 ecs.g7.xlarge cn-hangzhou; desired state from the cache, read 2h ago, stale
error metadata: api/token: connection refused
wrote eth1 queues: 1 -> 4
drift eth0 queues: 1, should be 4; ` + "`enitune apply`" + ` sets it
drift eth0 tx_ring: at most 256
note ENI eni-3 (00:16:3e:00:00:03) has no NIC in this network namespace; it may have been moved into a container's

NIC   ENI    SETTING  CURRENT  DESIRED  MAX  SOURCE  ACTION  REASON
eth0  eni-1  queues         1        4    8  api     set     below_desired
eth0  eni-1  tx_ring      256      512  256  tag     report  device_max
eth1  eni-2  queues         4        4    8  api     none    in_sync
eth0  eni-1  rx_ring        -        -    -  -       none    unsupported
`
	if d := cmp.Diff(want, render(t, planReport(), false)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestColourChangesNoText(t *testing.T) {
	coloured := render(t, planReport(), true)
	if !strings.Contains(coloured, "\x1b[31mdrift\x1b[0m") {
		t.Errorf("no colour in:\n%s", coloured)
	}
	plain := coloured
	for _, code := range []string{red, green, yellow, bold, dim, "0"} {
		plain = strings.ReplaceAll(plain, "\x1b["+code+"m", "")
	}
	if d := cmp.Diff(render(t, planReport(), false), plain); d != "" {
		t.Errorf("(-plain +coloured):\n%s", d)
	}
}

func TestNamesFromOutsideDoNotSteerTheTerminal(t *testing.T) {
	r := planReport()
	r.NICs[1].Device = "e\x1b[2J\nth0"
	r.Errors[0].Message = "cloud says \x1b]0;owned\a\n"
	if got := render(t, r, false); strings.ContainsAny(got, "\x1b\a") || strings.Count(got, "\n") != strings.Count(render(t, planReport(), false), "\n") {
		t.Errorf("control characters came through: %q", got)
	}
}

func TestHeadline(t *testing.T) {
	drifted := planReport()
	two := planReport()
	two.NICs[0].Settings[0].Drift = true
	sync := planReport()
	sync.NICs = sync.NICs[:1]
	off := sync
	off.Desired.Origin = agent.OriginNone
	unknown := agent.Report{Errors: []agent.Problem{{Component: agent.ComponentAPI, Message: "no credentials"}}}
	for _, tt := range []struct {
		report agent.Report
		want   string
	}{
		{drifted, "drift: eth0 queues 1/4: below desired, and 1 more"},
		{two, "drift: eth1 queues 4/4: in sync, and 2 more"},
		{sync, "1 ENI in sync"},
		{off, "1 NIC in sync with the rules in nics:"},
		{unknown, "not determined: no credentials"},
	} {
		if got := headline(tt.report); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
}
