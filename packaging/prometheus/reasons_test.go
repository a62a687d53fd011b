//go:build observe

package prometheus

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/enitune/enitune/plan"
)

// alertOf tells which alert a reason has; "" for a reason that is no drift.
func alertOf(r plan.Reason, s plan.Source) string {
	switch r {
	case plan.BelowDesired, plan.Held:
		return "EnituneDrift"
	case plan.AboveDesired:
		return "EnituneAboveDesired"
	case plan.DeviceMax:
		if s == plan.Override {
			return "EnituneDrift"
		}
		return "EnituneRestartNeeded"
	case plan.KernelRefused:
		return "EnituneKernelRefused"
	case plan.Contested:
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
// tells whether it is told since when a setting drifts.
func fleet(timed bool) (series, expected []object) {
	add := func(metric, labels, value string) {
		series = append(series, object{"series": metric + "{" + labels + "}", "values": value + "+0x120"})
	}
	for _, r := range plan.Reasons() {
		for _, s := range plan.Sources() {
			instance := fmt.Sprintf("%s by %s", r, s)
			labels := fmt.Sprintf(`device="eth1",eni="eni-1",instance=%q,job="j",setting="queues"`, instance)
			add("enitune_setting_reason", labels+fmt.Sprintf(",reason=%q,source=%q", r, s), "1")
			alert := alertOf(r, s)
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
	for _, timed := range []bool{true, false} {
		series, expected := fleet(timed)
		list = append(list, object{
			"interval": "1m", "input_series": series,
			"promql_expr_test": []object{{
				"expr":      `count by (alertname, instance) (ALERTS{alertstate="firing",setting="queues"})`,
				"eval_time": "2h", "exp_samples": expected,
			}},
		})
	}
	text, err := json.Marshal(object{"rule_files": []string{rules}, "evaluation_interval": "1m", "tests": list}) // JSON is YAML, too
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "reasons.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := run(t, "test", "rules", file); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
