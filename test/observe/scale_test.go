//go:build observe

package observe

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

// An hour of the rules is a second here. What becomes too short for that is as
// long as it takes to tell what it is to tell.
const (
	speed          = 3600
	leastInterval  = scrapeInterval      // between two evaluations
	leastFor       = 4 * scrapeInterval  // no single late scrape, and a pending state that is seen
	leastRange     = 20 * scrapeInterval // four restarts, each of them scraped
	leastThreshold = 12 * time.Second    // of a number of seconds: beyond the ranges, as 30 minutes are beyond [10m]
)

// scale shortens a duration.
func scale(d, least time.Duration) time.Duration { return max(d/speed, least) }

// scaleText shortens a duration as Prometheus writes it; 0 stays 0.
func scaleText(text string, least time.Duration) (string, error) {
	d, err := model.ParseDuration(text)
	if err != nil || d == 0 {
		return text, err
	}
	return model.Duration(scale(time.Duration(d), least).Truncate(time.Millisecond)).String(), nil
}

// scalable finds in PromQL what is a duration, or may be one. What is quoted and
// what is a comment is found first, so that it stays as it is.
var scalable = regexp.MustCompile("(?s)\"(?:[^\"\\\\]|\\\\.)*\"|'(?:[^'\\\\]|\\\\.)*'|`[^`]*`|#[^\n]*" +
	`|\[[^\]]*\]|\boffset\s+-?\w+|(?:[<>]=?|==)\s*(?:bool\s+)?[0-9.]+(?:\s*\*\s*[0-9.]+)*`)

var (
	duration = regexp.MustCompile(`[0-9]+[a-z][0-9a-z]*`)
	product  = regexp.MustCompile(`[0-9.]+(?:\s*\*\s*[0-9.]+)*`)
)

// scaleExpr shortens the durations of an expression: ranges, offsets, and where it
// reckons with time(), the numbers of a minute or more that it compares with.
func scaleExpr(expr string) string {
	clock := strings.Contains(expr, "time()")
	return scalable.ReplaceAllStringFunc(expr, func(s string) string {
		switch {
		case s[0] == '[' || s[0] == 'o':
			return duration.ReplaceAllStringFunc(s, func(d string) string {
				if scaled, err := scaleText(d, leastRange); err == nil {
					return scaled
				}
				return d
			})
		case strings.ContainsRune("<>=", rune(s[0])) && clock:
			return product.ReplaceAllStringFunc(s, scaleSeconds)
		default:
			return s
		}
	})
}

// scaleSeconds shortens a number of seconds, or a product that makes one.
func scaleSeconds(text string) string {
	seconds := 1.0
	for factor := range strings.SplitSeq(text, "*") {
		f, err := strconv.ParseFloat(strings.TrimSpace(factor), 64)
		if err != nil {
			return text
		}
		seconds *= f
	}
	if seconds < 60 {
		return text
	}
	return strconv.FormatFloat(scale(time.Duration(seconds*float64(time.Second)), leastThreshold).Seconds(), 'g', -1, 64)
}

// scaleRules shortens a rule file.
func scaleRules(text []byte) ([]byte, error) {
	var file map[string]any
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	if err := scaleNode(file); err != nil {
		return nil, err
	}
	return yaml.Marshal(file)
}

// scaleNode shortens what is below a node of a rule file.
func scaleNode(node any) error {
	switch node := node.(type) {
	case []any:
		for _, child := range node {
			if err := scaleNode(child); err != nil {
				return err
			}
		}
	case map[string]any:
		for key, value := range node {
			text, isText := value.(string)
			least := map[string]time.Duration{"interval": leastInterval, "for": leastFor, "keep_firing_for": leastFor}[key]
			switch {
			case isText && key == "expr":
				node[key] = scaleExpr(text)
			case isText && least > 0:
				scaled, err := scaleText(text, least)
				if err != nil {
					return fmt.Errorf("%s: %w", key, err)
				}
				node[key] = scaled
			default:
				if err := scaleNode(value); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// shippedRules reads the rule files that come with enitune.
func shippedRules(t *testing.T) map[string][]byte {
	t.Helper()
	paths, err := filepath.Glob("../../packaging/prometheus/*.rules.yml")
	if err != nil || len(paths) < 2 {
		t.Fatalf("rule files %v, %v; want the recording and the alerting rules", paths, err)
	}
	files := map[string][]byte{}
	for _, path := range paths {
		if files[filepath.Base(path)], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// scaledRules writes shortened copies of the shipped rules, and gives their paths.
func scaledRules(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for name, text := range shippedRules(t) {
		scaled, err := scaleRules(text)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, scaled, 0o644); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestDurationsAreShortenedAndNothingElse(t *testing.T) {
	const in = `groups:
  - name: g1h
    interval: 1h
    rules:
      - alert: Old
        expr: time() - last{source="1h", text=~"[5m]"} > 24 * 3600 and on (job) x == 1
        for: 12h
        keep_firing_for: 5m
        labels: {severity: warning}
        annotations: {summary: "older than 6h [5m]"}
      - record: a:b:increase1h
        expr: |
          increase(a[2h]) > 0 # in [2h]
            or b offset 5h > 600 or max_over_time(c[1d:1h]) > bool 900
`
	want := map[string]any{"groups": []any{map[string]any{"name": "g1h", "interval": "1s", "rules": []any{
		map[string]any{"alert": "Old", "expr": `time() - last{source="1h", text=~"[5m]"} > 24 and on (job) x == 1`, "for": "12s",
			"keep_firing_for": "2s", "labels": map[string]any{"severity": "warning"}, "annotations": map[string]any{"summary": "older than 6h [5m]"}},
		map[string]any{"record": "a:b:increase1h",
			"expr": "increase(a[10s]) > 0 # in [2h]\n  or b offset 10s > 600 or max_over_time(c[24s:10s]) > bool 900\n"},
	}}}}
	scaled, err := scaleRules([]byte(in))
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal(scaled, &got); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if _, err := scaleRules([]byte("groups: [{rules: [{alert: A, for: soon}]}]")); err == nil {
		t.Error("a duration that is none is accepted")
	}
}
