//go:build bench

package bench

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// row is one figure beside its baseline, of the same run.
type row struct{ figure, measured, baseline, goal string }

// table gathers the figures in the order of the measurements.
type table struct{ rows []row }

func (tb *table) add(figure, measured, baseline, goal string) {
	tb.rows = append(tb.rows, row{figure, measured, baseline, goal})
	fmt.Printf("%s: %s (%s)\n", figure, measured, baseline) // as it comes: a whole run takes a while
}

func (tb *table) print() {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nFIGURE\tMEASURED\tBESIDE IT, IN THE SAME RUN\tGOAL")
	for _, r := range tb.rows {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.figure, r.measured, r.baseline, r.goal)
	}
	_ = w.Flush()
}

// TestFigures measures everything and prints one table. A figure beyond its goal
// is printed like the others: only what cannot be measured fails.
func TestFigures(t *testing.T) {
	var tb table
	defer tb.print()
	for _, m := range []struct {
		name string
		run  func(*testing.T, *table)
	}{
		{"reading", reading}, {"apply", applying}, {"repair", repairing}, {"many", many}, {"foreign", foreign},
		{"pods", pods}, {"binary", binary}, {"rest", resting},
	} {
		t.Run(m.name, func(t *testing.T) { m.run(t, &tb) })
	}
}

// median of some figures.
func median[N cmp.Ordered](d []N) N { return quantile(d, 0.5) }

func quantile[N cmp.Ordered](d []N, q float64) N {
	d = slices.Sorted(slices.Values(d))
	return d[min(len(d)-1, int(q*float64(len(d))))]
}

func short(d time.Duration) string {
	switch {
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(10 * time.Nanosecond).String()
}

func mb(kB int) string { return fmt.Sprintf("%.1f MB", float64(kB)/1000) }

func ratio(a, b float64) string { return fmt.Sprintf("%.2f×", a/b) }

// lines counts the lines of a text that begin so.
func lines(body []byte, prefix string) (n int) {
	for line := range strings.Lines(string(body)) {
		if strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}
