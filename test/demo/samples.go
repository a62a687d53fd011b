package main

import (
	"slices"
	"strings"
)

// samples are the lines of the Prometheus text format that carry values.
type samples []string

func newSamples(text string) samples {
	var s samples
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' {
			s = append(s, line)
		}
	}
	return s
}

// of keeps the samples of one metric that have all the labels, each written name="value".
func (s samples) of(metric string, labels ...string) samples {
	var found samples
	for _, line := range s {
		name, _, _ := strings.Cut(line, " ")
		name, _, _ = strings.Cut(name, "{")
		lacks := func(label string) bool { return !strings.Contains(line, label) }
		if name == metric && !slices.ContainsFunc(labels, lacks) {
			found = append(found, line)
		}
	}
	return found
}

// naming keeps the samples that have a label.
func (s samples) naming(label string) samples {
	return slices.DeleteFunc(slices.Clone(s), func(line string) bool { return !strings.Contains(line, label) })
}

// value is the value of the only sample, as it is written; "" if there is none or more than one.
func (s samples) value() string {
	if len(s) != 1 {
		return ""
	}
	return s[0][strings.LastIndexByte(s[0], ' ')+1:]
}
