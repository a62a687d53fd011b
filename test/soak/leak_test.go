//go:build netns

package soak

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// warmUp is the share of the samples in which caches and pools fill.
const warmUp = 0.3

// growth judges a figure over time: by how much it grows after the warm-up, as the
// median of the slopes between any two samples has it (Theil and Sen), and how surely
// it does, in standard deviations of what chance would do (Mann and Kendall).
func growth(samples []float64) (by, surely float64) {
	rest := samples[int(warmUp*float64(len(samples))):]
	var slopes []float64
	var up, down int
	for i := range rest {
		for j := i + 1; j < len(rest); j++ {
			slopes = append(slopes, (rest[j]-rest[i])/float64(j-i))
			switch cmp.Compare(rest[j], rest[i]) {
			case 1:
				up++
			case -1:
				down++
			}
		}
	}
	if len(slopes) == 0 {
		return 0, 0
	}
	slices.Sort(slopes)
	n := float64(len(rest))
	deviation := math.Sqrt(n * (n - 1) * (2*n + 5) / 18)
	return slopes[len(slopes)/2] * (n - 1), float64(up-down) / deviation
}

// sure is the sureness from which growth is none of chance, but once in 30,000 times.
const sure = 4

// leaks tells whether a figure surely grows, and by more than allowed.
func leaks(samples []float64, allowed float64) (leak bool, by float64) {
	by, surely := growth(samples)
	return by > allowed && surely > sure, by
}

func TestASlowGrowthIsALeakAndNoiseIsNone(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	series := func(f func(i int) float64) []float64 {
		list := make([]float64, 40)
		for i := range list {
			list[i] = f(i)
		}
		return list
	}
	noise := func() float64 { return 20 * (rng.Float64() - 0.5) }
	for _, tt := range []struct {
		name string
		list []float64
		want bool
	}{
		{"flat", series(func(int) float64 { return 100 }), false},
		{"noise", series(func(int) float64 { return 100 + noise() }), false},
		{"a spike at the end", series(func(i int) float64 { return 100 + 1000*math.Floor(float64(i)/39) }), false},
		{"warm-up", series(func(i int) float64 { return 100 + 50*math.Min(1, float64(i)/8) + noise() }), false},
		{"shrinking", series(func(i int) float64 { return 200 - float64(i) }), false},
		{"one at a time", series(func(i int) float64 { return 100 + float64(i) }), true},
		{"growth that is hard to see", series(func(i int) float64 { return 100 + 1.5*float64(i) + noise() }), true},
		{"in steps", series(func(i int) float64 { return 100 + 10*math.Floor(float64(i)/8) }), true},
		{"too few to judge", []float64{1, 100}, false},
	} {
		if got, by := leaks(tt.list, 10); got != tt.want {
			t.Errorf("%s: leak %t, growth %.1f", tt.name, got, by)
		}
	}
	for range 1000 { // chance
		if got, by := leaks(series(func(int) float64 { return 100 + noise() }), 10); got {
			t.Fatalf("noise is taken for a growth by %.1f", by)
		}
	}
}
