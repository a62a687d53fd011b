// fleet simulates the instances of one account, each with the agent's own code for
// reading the cloud and for deciding when to read it next, under the account's
// limits on calls. It prints a line for each scenario.
//
//	go run ./test/fleet
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"golang.org/x/sync/errgroup"
)

// options say what to simulate.
type options struct {
	instances int
	limit     int // DescribeNetworkInterfaces a minute; half as many DescribeInstanceTypes
	seed      uint64
	newPace   newPacer
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("fleet", flag.ContinueOnError)
	o := options{}
	flags.IntVar(&o.instances, "instances", 100_000, "how many instances the account has in the region")
	flags.IntVar(&o.limit, "limit", 800, "DescribeNetworkInterfaces a minute that the account may make; of DescribeInstanceTypes it is half")
	flags.Uint64Var(&o.seed, "seed", 1, "of the random numbers")
	only := flags.String("scenario", "", "simulate only these, separated by commas; -scenario list names them")
	backoff := flags.String("backoff", "agent", "agent: the agent's own; usual: exponential with full jitter up to 15 minutes, to compare with")
	if err := flags.Parse(args); err != nil {
		return err
	}
	switch *backoff {
	case "agent":
		o.newPace = agentPace
	case "usual":
		o.newPace = usualPace
	default:
		return fmt.Errorf("-backoff is %q: want agent or usual", *backoff)
	}
	if o.instances < 1 || o.limit < 20 {
		return fmt.Errorf("-instances %d -limit %d: want at least 1 and 20", o.instances, o.limit)
	}
	chosen, err := choose(*only, out)
	if err != nil || chosen == nil {
		return err
	}
	fmt.Fprintf(out, "%d instances, %d DescribeNetworkInterfaces a minute, of which the account's other tools want %d\n", o.instances, o.limit, o.limit/20)
	return table(o, chosen, out)
}

// choose finds scenarios by name; it lists them, and gives none, for "list".
func choose(names string, out io.Writer) ([]scenario, error) {
	all := scenarios()
	switch names {
	case "":
		return all, nil
	case "list":
		for _, sc := range all {
			fmt.Fprintf(out, "%-15s %s\n", sc.name, sc.about)
		}
		return nil, nil
	}
	var chosen []scenario
	for name := range strings.SplitSeq(names, ",") {
		at := slices.IndexFunc(all, func(sc scenario) bool { return sc.name == name })
		if at < 0 {
			return nil, fmt.Errorf("-scenario %q: there is none of this name; -scenario list names them", name)
		}
		chosen = append(chosen, all[at])
	}
	return chosen, nil
}

const header = "scenario\tlimit\tlacking\t50 %\t99 %\tall\tmedian/min\tpeak/min\ttypes peak\tcalls/inst\tmost\trefused/inst\tlimit used\ttools refused\tover\t\n"

// table simulates, as many scenarios at a time as there are processors, and prints a
// line for each.
func table(o options, list []scenario, out io.Writer) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	var rows []*string
	for _, sc := range list {
		for _, r := range sc.readings {
			row := new(string)
			rows = append(rows, row)
			g.Go(func() error {
				*row = line(o, sc, r)
				return nil
			})
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(w, header)
	for _, row := range rows {
		fmt.Fprint(w, *row)
	}
	return w.Flush()
}

func line(o options, sc scenario, r reading) string {
	m := simulate(o, sc, r)
	median, peak := m.minutes(describeENIs)
	_, types := m.minutes(describeTypes)
	return fmt.Sprintf("%s\t%v\t%d\t%s\t%s\t%s\t%d\t%d\t%d\t%.1f\t%d\t%.2f\t%.0f %%\t%.1f %%\t%.1f h\t\n", sc.name, r, m.awaited,
		arrival(m, 50), arrival(m, 99), arrival(m, 100), median, peak, types, m.perInstance(), m.busiest,
		float64(m.refused)/float64(m.instances), 100*m.taken(o.limit), 100*m.toolsRefused(), m.took.Hours())
}

// arrival is when so many of a hundred instances had what they lacked.
func arrival(m *measurement, percent int) string {
	if m.awaited == 0 {
		return ""
	}
	d, ok := m.after(percent)
	if !ok {
		return "never"
	}
	return fmt.Sprintf("%.0f min", d.Minutes())
}
