package metrics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
)

// FuzzLabels: whatever the names from outside are, the text that is served is read
// back as the same series: none is added, and a label says what the name was.
func FuzzLabels(f *testing.F) {
	for _, s := range []string{"eth1", `a"} 1` + "\nenitune_drift 1\n", `\`, "\x1b[31m", "\xff\xfe", "é\u2028", "", "a\\nb"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		count := func(name string) (map[string]int, map[string]bool) {
			r := someReport()
			n := &r.NICs[0]
			n.Device, n.MAC, n.ENI, n.Type, n.Driver = name, name, name, name, name
			r.Unmatched[0].ENI, r.Unmatched[0].MAC, r.Unmatched[0].Reason = name, name, agent.UnmatchedReason(name)
			r.Errors[0].Class, r.Errors[1].Class = name, name
			r.Sources[0].Class = name
			m := newMetrics(&r)
			m.Changed(name, name, nic.Queues, "ok")
			m.ForeignChange(name, name, nic.Queues)
			m.APIRequest("DescribeNetworkInterfaces", name)
			parser := expfmt.NewTextParser(model.UTF8Validation)
			families, err := parser.TextToMetricFamilies(strings.NewReader(exposition(t, m)))
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			series, values := map[string]int{}, map[string]bool{}
			for family, f := range families {
				series[family] = len(f.Metric)
				for _, m := range f.Metric {
					for _, l := range m.Label {
						if l.GetName() == "device" {
							values[l.GetValue()] = true
						}
					}
				}
			}
			return series, values
		}
		text = "n" + text // an empty name is that of no ENI, and has other series
		want, _ := count("name")
		got, devices := count(text)
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q gives the series %v, want %v", text, got, want)
		}
		if name := strings.ToValidUTF8(text, "\uFFFD"); !devices[name] {
			t.Errorf("no series of the device %q in %v", name, devices)
		}
	})
}
