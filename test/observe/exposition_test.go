//go:build observe

package observe

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// lint gives what promtool has to say about an exposition of metrics.
func lint(t *testing.T, exposition []byte) string {
	t.Helper()
	cmd := exec.Command(tool(t, "promtool"), "check", "metrics")
	cmd.Stdin = bytes.NewReader(exposition)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if err != nil && len(out) == 0 {
		return err.Error()
	}
	return string(out)
}

func TestPromtoolHasNothingToSayAboutTheDaemonsMetrics(t *testing.T) {
	i := newInstance(t, 1, "lint")
	i.start()
	i.daemon.Await("eth1 queues: 1 -> 4")
	body, contentType := i.get("/metrics", "")
	if !strings.HasPrefix(contentType, "text/plain; version=0.0.4") || !bytes.Contains(body, []byte(`enitune_changes_total{device="eth1"`)) {
		t.Errorf("%s:\n%s", contentType, body)
	}
	if out := lint(t, body); out != "" {
		t.Errorf("%s", out)
	}
	if out := lint(t, []byte("# TYPE enitune_bad counter\nenitune_bad 1\n")); !strings.Contains(out, "_total") {
		t.Errorf("promtool would not have told: %q", out)
	}
}

// The headers that Prometheus sends: 2.42 as it is, and with native histograms.
const (
	acceptOpenMetrics = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
	acceptProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited," + acceptOpenMetrics
)

func TestTheFormatIsNegotiated(t *testing.T) {
	i := newInstance(t, 1, "formats")
	i.start()
	i.daemon.Await("eth1 queues: 1 -> 4")

	body, contentType := i.get("/metrics", acceptOpenMetrics)
	if !strings.HasPrefix(contentType, "application/openmetrics-text; version=1.0.0") || !bytes.HasSuffix(body, []byte("# EOF\n")) {
		t.Errorf("asked for OpenMetrics, got %s:\n%s", contentType, body)
	}

	body, contentType = i.get("/metrics", acceptProtobuf)
	if !strings.HasPrefix(contentType, "application/vnd.google.protobuf") {
		t.Fatalf("asked for protobuf, got %s", contentType)
	}
	families, err := decode(body, contentType)
	if err != nil {
		t.Fatal(err)
	}
	h := families["enitune_reconcile_duration_seconds"].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() == 0 || len(h.GetPositiveSpan()) == 0 || len(h.GetBucket()) == 0 {
		t.Errorf("not a native histogram with classic buckets: %v", h)
	}
	text, contentType := i.get("/metrics", "")
	plain, err := decode(text, contentType)
	if err != nil {
		t.Fatal(err)
	}
	for name := range plain {
		if families[name] == nil {
			t.Errorf("%s is in the text, and not in the protobuf format", name)
		}
	}
}

// decode reads a whole exposition.
func decode(body []byte, contentType string) (map[string]*dto.MetricFamily, error) {
	d := expfmt.NewDecoder(bytes.NewReader(body), expfmt.ResponseFormat(http.Header{"Content-Type": {contentType}}))
	families := map[string]*dto.MetricFamily{}
	for {
		var f dto.MetricFamily
		err := d.Decode(&f)
		if errors.Is(err, io.EOF) {
			return families, nil
		}
		if err != nil {
			return families, err
		}
		families[f.GetName()] = &f
	}
}

func TestPrometheusUnderstandsTheNativeHistograms(t *testing.T) {
	i := newInstance(t, 1, "native")
	i.start()
	i.daemon.Await("eth1 queues: 1 -> 4")
	i.setChannels(1) // a repair
	i.daemon.Await("eth1 queues: 1 -> 4")
	p := startPrometheus(t, "127.0.0.1:9090", scrape("enitune", []string{i.target()}, ""), scaledRules(t), "--enable-feature=native-histograms")
	for _, name := range []string{"enitune_reconcile_duration_seconds", "enitune_repair_duration_seconds"} {
		v := p.awaitResult(fmt.Sprintf("histogram_quantile(0.9, %s) >= 0", name))
		if got := float64(v[0].Value); got > 10 {
			t.Errorf("the 0.9 quantile of %s is %v s", name, got)
		}
		if v := p.query(name + "_bucket"); len(v) != 0 {
			t.Errorf("Prometheus took the classic buckets of %s", name)
		}
	}
	// The recording rule takes either kind.
	i.setChannels(1)
	i.daemon.Await("eth1 queues: 1 -> 4")
	p.awaitResult("job:enitune_repair_duration_seconds:p99_1h")
}
