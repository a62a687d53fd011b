//go:build observe

package observe

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/enitune/enitune/test/world"
)

// fleet is an instance for each scenario, one that nothing happens to, and a
// Prometheus that scrapes them all.
type fleet struct {
	healthy   *instance
	scenarios []*scenario
	prom      *prometheus
	waits     map[string]bool // the alerts that are pending for some time first
	fired     map[alertKey]promv1.Alert
}

// newFleet starts the fleet and waits until Prometheus has seen all of it in order.
func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{healthy: newInstance(t, 1, "healthy"), scenarios: scenarios(t), waits: waitingAlerts(t), fired: map[alertKey]promv1.Alert{}}
	f.healthy.start()
	daemons, nodes := []string{f.healthy.target()}, []string{}
	reports := 1
	for n, s := range f.scenarios {
		s.instance = newInstance(t, n+2, s.name)
		s.instance.configure(s.config)
		if s.begin == nil {
			s.begin = (*instance).start
		}
		s.begin(s.instance)
		if s.textfile {
			nodes = append(nodes, s.target())
		} else {
			daemons = append(daemons, s.target())
		}
		if !s.blank {
			reports++
		}
	}
	more := aliases(f.healthy, leastFleet-len(daemons))
	f.prom = startPrometheus(t, "127.0.0.1:9090", scrape("enitune", daemons, "")+strings.Join(more, "")+scrape("node", nodes, ""), scaledRules(t))
	for _, s := range f.scenarios {
		s.instance.prom = f.prom
	}
	world.Await(t, "the whole fleet is scraped, and in sync", func() (bool, string) {
		up := f.prom.query(`count(up == 1)`)
		good := f.prom.query(`count(enitune_source_up{source="api"} == 1 unless on (instance) enitune_drift == 1)`)
		ok := len(up) == 1 && int(up[0].Value) == len(daemons)+len(more)+len(nodes) && len(good) == 1 && int(good[0].Value) == reports+len(more)
		ok = ok && len(f.prom.query("absent(enitune_build_info) or ALERTS{alertname=\"EnituneAbsent\"}")) == 0
		return ok, up.String() + "\n" + good.String()
	})
	f.prom.start = time.Now() // before that, agents that were still starting were rightly missed
	return f
}

// leastFleet is how many agents EnituneFleetDown takes for a fleet.
const leastFleet = 20

// aliases are more targets of a scrape configuration, each of which is the same
// instance under another name: agents enough for a fleet, at no cost.
func aliases(i *instance, n int) []string {
	var list []string
	for k := range n {
		list = append(list, fmt.Sprintf("      - {targets: [%q], labels: {instance: alias-%d}}\n", i.target(), k))
	}
	return list
}

// shippedAlert is an alerting rule.
type shippedAlert struct {
	Alert string `yaml:"alert"`
	For   string `yaml:"for"`
}

// shippedAlerts reads the alerting rules that come with enitune.
func shippedAlerts(t *testing.T) []shippedAlert {
	t.Helper()
	var list []shippedAlert
	for name, text := range shippedRules(t) {
		var file struct {
			Groups []struct{ Rules []shippedAlert }
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, g := range file.Groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					list = append(list, r)
				}
			}
		}
	}
	return list
}

// waitingAlerts are the alerts that are pending before they fire.
func waitingAlerts(t *testing.T) map[string]bool {
	t.Helper()
	waits := map[string]bool{}
	for _, a := range shippedAlerts(t) {
		waits[a.Alert] = a.For != "" && a.For != "0s"
	}
	return waits
}

func TestEachFaultRaisesItsAlertUntilItIsCured(t *testing.T) {
	f := newFleet(t)
	for _, s := range f.scenarios {
		s.inject(s.instance)
	}
	world.Await(t, "each fault has raised its alert", func() (bool, string) {
		missing := f.notFired()
		f.injectAgain(missing)
		return none(missing)
	})
	t.Run("every alert tells who, what and where to read on", f.alertsAreReadable)
	t.Run("the queries of the dashboards find the faults", f.dashboardsAnswer)
	for _, s := range f.scenarios {
		s.cure(s.instance)
	}
	world.Await(t, "each cure has ended its alert", func() (bool, string) { return none(f.stillActive()) })
	t.Run("each alert was pending before it fired, and no other one fired", f.historyIsRight)
	t.Run("the queries of docs/metrics.md found the faults", f.documentedQueriesAnswer)
	t.Run("an alert tells that every agent is gone", f.absenceIsTold)
}

// none tells whether a list is empty, and what is in it.
func none(list []string) (bool, string) {
	return len(list) == 0, strings.Join(list, "; ")
}

// expected are the alerts that the scenarios raise, with the scenario's name.
func (f *fleet) expected() map[alertKey]string {
	want := map[alertKey]string{{"EnituneFleetDrift", ""}: "all together"}
	for _, s := range f.scenarios {
		for _, alert := range s.alerts {
			want[alertKey{alert, s.target()}] = "scenario " + s.name
		}
	}
	return want
}

// notFired tells which alerts have not yet fired that should. Some look back over a
// short time, so that they do not fire all at the same time.
func (f *fleet) notFired() []string {
	for _, a := range f.prom.active() {
		if a.State == promv1.AlertStateFiring {
			f.fired[keyOf(a)] = a
		}
	}
	var missing []string
	for k, name := range f.expected() {
		if _, ok := f.fired[k]; !ok {
			missing = append(missing, name+": "+k.alert)
		}
	}
	return missing
}

// injectAgain makes the faults anew that end by themselves and have not raised their
// alert yet.
func (f *fleet) injectAgain(missing []string) {
	for _, s := range f.scenarios {
		if s.passes && slices.ContainsFunc(missing, func(m string) bool { return strings.HasPrefix(m, "scenario "+s.name+": ") }) {
			s.inject(s.instance)
		}
	}
}

// stillActive tells which alerts are pending or firing.
func (f *fleet) stillActive() []string {
	var left []string
	for _, a := range f.prom.active() {
		left = append(left, fmt.Sprintf("%s %s", a.State, a.Labels))
	}
	return left
}

func keyOf(a promv1.Alert) alertKey {
	return alertKey{string(a.Labels["alertname"]), string(a.Labels["instance"])}
}

func (f *fleet) alertsAreReadable(t *testing.T) {
	for _, a := range f.fired {
		for _, key := range []string{"summary", "description", "runbook_url"} {
			text := string(a.Annotations[model.LabelName(key)])
			if text == "" || strings.Contains(text, "<no value>") || strings.Contains(text, "<error") || strings.Contains(text, "{{") {
				t.Errorf("%s: %s is %q", a.Labels["alertname"], key, text)
			}
		}
		if a.Labels["severity"] == "" {
			t.Errorf("%s has no severity", a.Labels["alertname"])
		}
		t.Logf("%s\n  %s\n  %s", a.Labels, a.Annotations["summary"], a.Annotations["description"])
	}
}

// historyIsRight compares what was with what should have been, instance by
// instance.
func (f *fleet) historyIsRight(t *testing.T) {
	want := f.expected()
	names := map[string]string{f.healthy.target(): "the healthy instance"}
	for _, s := range f.scenarios {
		names[s.target()] = "scenario " + s.name
	}
	history := f.prom.history()
	for k, s := range history {
		if k.alert == "EnituneForeignChanges" && want[alertKey{"EnituneContested", k.instance}] != "" {
			continue // it can be true then as well, and Alertmanager inhibits it
		}
		if want[k] == "" && len(s.firing) > 0 {
			t.Errorf("%s fired for %s %s", k.alert, names[k.instance], k.instance)
		}
	}
	for k, name := range want {
		s := history[k]
		switch {
		case len(s.firing) == 0:
			t.Errorf("%s has no firing sample for %s", k.alert, name)
		case !f.waits[k.alert]:
		case len(s.pending) == 0 || !s.pending[0].Before(s.firing[0]):
			t.Errorf("%s fired for %s without having been pending", k.alert, name)
		}
	}
}

// absenceIsTold ends the whole fleet, which is to come last.
func (f *fleet) absenceIsTold(t *testing.T) {
	f.healthy.daemon.Kill()
	for _, s := range f.scenarios {
		if s.textfile {
			s.instance.stopTextfile()
		} else {
			s.instance.daemon.Kill()
		}
	}
	absent, down := alertKey{alert: "EnituneAbsent"}, alertKey{alert: "EnituneFleetDown"}
	for _, key := range []alertKey{absent, down} {
		world.Await(t, key.alert+" fires", func() (bool, string) {
			active := f.prom.active()
			return slices.ContainsFunc(active, func(a promv1.Alert) bool { return a.State == promv1.AlertStateFiring && keyOf(a) == key }),
				fmt.Sprint(active)
		})
	}
	f.healthy.start()
	world.Await(t, "EnituneAbsent ends", func() (bool, string) {
		active := f.prom.active()
		return !slices.ContainsFunc(active, func(a promv1.Alert) bool { return keyOf(a) == absent }), fmt.Sprint(active)
	})
	for _, key := range []alertKey{absent, down} {
		if h := f.prom.history()[key]; len(h.pending) == 0 || !h.pending[0].Before(h.firing[0]) {
			t.Errorf("%s: %+v", key.alert, h)
		}
	}
}

// TestEveryShippedAlertIsRaised keeps the scenarios complete.
func TestEveryShippedAlertIsRaised(t *testing.T) {
	raised := map[string]bool{}
	for _, s := range scenarios(t) {
		for _, alert := range s.alerts {
			raised[alert] = true
		}
	}
	for _, a := range shippedAlerts(t) {
		if !raised[a.Alert] && notRaised()[a.Alert] == "" {
			t.Errorf("no scenario raises %s", a.Alert)
		}
		delete(raised, a.Alert)
	}
	for alert := range raised {
		t.Errorf("the scenarios raise %s, which is not shipped", alert)
	}
}
