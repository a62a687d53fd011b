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

// families collects the gauges and counters of a scrape. It builds what a registry would
// have at its end: handing each sample through a registry costs several times of
// that, and what the samples are is known here.
type families struct {
	list []*dto.MetricFamily
	of   map[*Description]*family
}

type family struct {
	*dto.MetricFamily
	order []int // the labels, sorted by name
}

func newFamilies() *families { return &families{of: map[*Description]*family{}} }

func (f *families) family(d *Description) *family {
	if known, ok := f.of[d]; ok {
		return known
	}
	kind := dto.MetricType_GAUGE
	if d.Kind == Counter {
		kind = dto.MetricType_COUNTER
	}
	made := &family{MetricFamily: &dto.MetricFamily{Name: &d.Name, Help: &d.Help, Type: &kind}}
	for i := range d.Labels {
		made.order = append(made.order, i)
	}
	slices.SortFunc(made.order, func(a, b int) int { return strings.Compare(d.Labels[a], d.Labels[b]) })
	f.of[d] = made
	f.list = append(f.list, made.MetricFamily)
	return made
}

// maxLabels is the most labels that a metric has.
const maxLabels = 5

// sample is all that one sample takes, in one piece of memory.
type sample struct {
	metric dto.Metric
	value  float64
	gauge  dto.Gauge
	count  dto.Counter
	labels [maxLabels]*dto.LabelPair
	pairs  [maxLabels]dto.LabelPair
	texts  [maxLabels]string
}

// add adds a sample; values are those of the description's labels. The kernel
// lets device names be any bytes, Prometheus wants labels in UTF-8.
func (f *families) add(d *Description, v float64, values ...string) {
	fam := f.family(d)
	s := &sample{value: v}
	for to, from := range fam.order {
		s.texts[to] = strings.ToValidUTF8(values[from], "\uFFFD")
		s.pairs[to].Name, s.pairs[to].Value = &d.Labels[from], &s.texts[to]
		s.labels[to] = &s.pairs[to]
	}
	s.metric.Label = s.labels[:len(fam.order)]
	if d.Kind == Counter {
		s.count.Value = &s.value
		s.metric.Counter = &s.count
	} else {
		s.gauge.Value = &s.value
		s.metric.Gauge = &s.gauge
	}
	fam.Metric = append(fam.Metric, &s.metric)
}

// sorted gives the families with those of other gatherers, by name.
func (f *families) sorted(others ...[]*dto.MetricFamily) []*dto.MetricFamily {
	all := slices.Concat(append(others, f.list)...)
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return all
}
