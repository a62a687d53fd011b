//go:build observe

package prometheus

import (
	"fmt"
	"path/filepath"
	"testing"

	"github.com/enitune/enitune/plan"
)

// alertOf tells which alert a reason has, by whether the setting may be written; ""
// for a reason that is no drift.
func alertOf(r plan.Reason, s plan.Source, enforced bool) string {
	drift := "EnituneDrift"
	if !enforced {
		drift = "EnituneDriftObserved"
	}
	switch r {
	case plan.BelowDesired:
		return drift
	case plan.AboveDesired:
		return "EnituneAboveDesired"
	case plan.DeviceMax:
		if s == plan.Override {
			return drift
		}
		return "EnituneRestartNeeded"
	case plan.KernelRefused:
		return "EnituneKernelRefused"
	case plan.Contested, plan.Held:
		return "EnituneContested"
	case plan.InSync, plan.Unsupported, plan.Unreadable, plan.NoDesiredValue, plan.Excluded, plan.NoENI, plan.DuplicateMAC:
		return ""
	default:
		return "no alert is chosen for " + r.String()
	}
}

// object is a JSON object.
type object map[string]any

// fleet is one instance for each reason and source, which lasts for two hours. timed
// tells whether it is told since when a setting drifts; enforced, whether it may be
// written.
func fleet(timed, enforced bool) (series, expected []object) {
	add := func(metric, labels, value string) {
		series = append(series, object{"series": metric + "{" + labels + "}", "values": value + "+0x120"})
	}
	for _, r := range plan.Reasons() {
		for _, s := range plan.Sources() {
			instance := fmt.Sprintf("%s by %s", r, s)
			labels := fmt.Sprintf(`device="eth1",eni="eni-1",instance=%q,job="j",setting="queues"`, instance)
			add("enitune_setting_reason", labels+fmt.Sprintf(",reason=%q,source=%q", r, s), "1")
			if !enforced {
				series = append(series, object{"series": fmt.Sprintf(`enitune_setting_enforced{instance=%q,job="j",setting="queues"}`, instance), "values": "0+0x120"})
			}
			alert := alertOf(r, s, enforced)
			if alert == "" {
				add("enitune_drift", labels, "0")
				continue
			}
			add("enitune_drift", labels, "1")
			if timed {
				add("enitune_drift_since_timestamp_seconds", labels, "0")
			}
			expected = append(expected, object{"labels": fmt.Sprintf("{alertname=%q,instance=%q}", alert, instance), "value": 1})
		}
	}
	return series, expected
}

func TestEachReasonOfDriftHasOneAlertAndTheOthersNone(t *testing.T) {
	rules, err := filepath.Abs(alertsFile)
	if err != nil {
		t.Fatal(err)
	}
	var list []object
	for n := range 4 {
		series, expected := fleet(n&1 == 0, n&2 == 0)
		list = append(list, object{
			"interval": "1m", "input_series": series,
			"promql_expr_test": []object{{
				"expr":      `count by (alertname, instance) (ALERTS{alertstate="firing",setting="queues"})`,
				"eval_time": "2h", "exp_samples": expected,
			}},
		})
	}
	file := write(t, object{"rule_files": []string{rules}, "evaluation_interval": "1m", "tests": list})
	if out, err := run(t, "test", "rules", file); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
