package metrics

import (
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"
)

// Description is what is said of a metric.
type Description struct {
	Name, Help string
	Kind       Kind
	Labels     []string // in the order in which its values are given
}

// Kind is the type of a metric, named as in the text format. The zero value is
// invalid.
type Kind string

// The kinds.
const (
	Gauge     Kind = "gauge"
	Counter   Kind = "counter"
	Histogram Kind = "histogram"
)

// families collects the gauges and counters of a scrape. It builds what a registry
// would have at its end: handing each sample through a registry costs several times
// of that, and what the samples are is known here.
type families struct {
	list []*dto.MetricFamily
	of   map[*Description]*dto.MetricFamily
}

func newFamilies() *families { return &families{of: map[*Description]*dto.MetricFamily{}} }

func (f *families) family(d *Description) *dto.MetricFamily {
	if known, ok := f.of[d]; ok {
		return known
	}
	kind := dto.MetricType_GAUGE
	if d.Kind == Counter {
		kind = dto.MetricType_COUNTER
	}
	made := &dto.MetricFamily{Name: &d.Name, Help: &d.Help, Type: &kind}
	f.of[d] = made
	f.list = append(f.list, made)
	return made
}

// labels are those of a sample, sorted by name. Samples of several metrics can have
// the same.
type labels []*dto.LabelPair

// labelsOf gives labels their values. The kernel lets device names be any bytes,
// Prometheus wants labels in UTF-8.
func labelsOf(names, values []string) labels {
	texts := make([]string, len(names))
	pairs := make([]dto.LabelPair, len(names))
	l := make(labels, len(names))
	for i := range names {
		texts[i] = strings.ToValidUTF8(values[i], "\uFFFD")
		pairs[i].Name, pairs[i].Value = &names[i], &texts[i]
		l[i] = &pairs[i]
	}
	slices.SortFunc(l, func(a, b *dto.LabelPair) int { return strings.Compare(*a.Name, *b.Name) })
	return l
}

// add adds a sample; values are those of the description's labels.
func (f *families) add(d *Description, v float64, values ...string) {
	f.addWith(d, v, labelsOf(d.Labels, values))
}

// addWith adds a sample with labels made before, which are the description's.
func (f *families) addWith(d *Description, v float64, l labels) {
	// What one sample takes, in one piece of memory.
	s := &struct {
		metric dto.Metric
		value  float64
		gauge  dto.Gauge
	}{value: v}
	s.metric.Label = l
	if d.Kind == Counter {
		s.metric.Counter = &dto.Counter{Value: &s.value}
	} else {
		s.gauge.Value = &s.value
		s.metric.Gauge = &s.gauge
	}
	fam := f.family(d)
	fam.Metric = append(fam.Metric, &s.metric)
}

// sorted gives the families with those of other gatherers, by name.
func (f *families) sorted(others ...[]*dto.MetricFamily) []*dto.MetricFamily {
	all := slices.Concat(append(others, f.list)...)
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all
}
