//go:build observe

package observe

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/enitune/enitune/test/world"
)

// scrapeInterval is also the time in which a scrape must be done: not less, since
// a machine that is busy building needs its time.
const scrapeInterval = 500 * time.Millisecond

// prometheus is a running Prometheus.
type prometheus struct {
	t     *testing.T
	api   promv1.API
	start time.Time // from when on its past is of interest
}

// startPrometheus starts Prometheus with scrape configurations and rule files, and
// waits until it is ready.
func startPrometheus(t *testing.T, listen, scrapes string, ruleFiles []string, flags ...string) *prometheus {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: %[1]v, scrape_timeout: %[1]v, evaluation_interval: %[1]v}\nrule_files:\n", scrapeInterval)
	for _, file := range ruleFiles {
		text += "  - " + file + "\n"
	}
	if err := os.WriteFile(config, []byte(text+"scrape_configs:\n"+scrapes), 0o644); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--config.file=" + config, "--storage.tsdb.path=" + filepath.Join(dir, "data"),
		"--web.listen-address=" + listen, "--log.level=warn"}, flags...)
	start := time.Now()
	startProgram(t, exec.Command(tool(t, "prometheus"), args...))
	world.Await(t, "Prometheus is ready", func() (bool, string) {
		resp, err := http.Get("http://" + listen + "/-/ready")
		if err != nil {
			return false, err.Error()
		}
		defer resp.Body.Close()
		return resp.StatusCode == http.StatusOK, resp.Status
	})
	client, err := api.NewClient(api.Config{Address: "http://" + listen})
	if err != nil {
		t.Fatal(err)
	}
	return &prometheus{t: t, api: promv1.NewAPI(client), start: start}
}

// scrape is a scrape configuration of some targets, with more settings.
func scrape(job string, targets []string, more string) string {
	text := "  - job_name: " + job + "\n" + more + "    static_configs:\n      - targets:\n"
	for _, target := range targets {
		text += "          - \"" + target + "\"\n"
	}
	return text
}

// query evaluates an expression now.
func (p *prometheus) query(expr string) model.Vector {
	p.t.Helper()
	v, _, _, err := p.api.Query(p.t.Context(), expr, time.Now())
	if err != nil {
		p.t.Fatalf("%s: %v", expr, err)
	}
	switch v := v.(type) {
	case model.Vector:
		return v
	case *model.Scalar:
		return model.Vector{{Value: v.Value, Timestamp: v.Timestamp}}
	default:
		p.t.Fatalf("%s gives a %v", expr, v.Type())
		return nil
	}
}

// ever evaluates an expression over the whole time since the start, in steps of a
// scrape.
func (p *prometheus) ever(expr string) (model.Matrix, error) {
	v, _, _, err := p.api.QueryRange(p.t.Context(), expr, promv1.Range{Start: p.start, End: time.Now(), Step: scrapeInterval})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", expr, err)
	}
	m, ok := v.(model.Matrix)
	if !ok {
		return nil, fmt.Errorf("%s gives a %v", expr, v.Type())
	}
	return m, nil
}

// awaitResult waits until an expression has a result, and gives it.
func (p *prometheus) awaitResult(expr string) model.Vector {
	p.t.Helper()
	var v model.Vector
	world.Await(p.t, expr, func() (bool, string) {
		v = p.query(expr)
		return len(v) > 0, "no result"
	})
	return v
}

// alertKey is an alert of one instance.
type alertKey struct{ alert, instance string }

// states are the samples that an alert had in each state, by their times.
type states struct{ pending, firing []model.Time }

// history tells every alert that there was since the start.
func (p *prometheus) history() map[alertKey]states {
	p.t.Helper()
	window := int(time.Since(p.start).Seconds()) + 2
	v, _, _, err := p.api.Query(p.t.Context(), fmt.Sprintf("ALERTS[%ds]", window), time.Now())
	if err != nil {
		p.t.Fatal(err)
	}
	out := map[alertKey]states{}
	for _, series := range v.(model.Matrix) {
		k := alertKey{string(series.Metric["alertname"]), string(series.Metric["instance"])}
		s := out[k]
		for _, sample := range series.Values {
			if sample.Timestamp.Time().Before(p.start) {
				continue
			}
			if series.Metric["alertstate"] == "pending" {
				s.pending = append(s.pending, sample.Timestamp)
			} else {
				s.firing = append(s.firing, sample.Timestamp)
			}
		}
		out[k] = s
	}
	return out
}

// active gives the alerts of now, pending and firing.
func (p *prometheus) active() []promv1.Alert {
	p.t.Helper()
	r, err := p.api.Alerts(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return r.Alerts
}
