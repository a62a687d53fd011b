//go:build netns

// Package cloud injects faults of the cloud: of its names, connections, TLS,
// answers, credentials and truth. The built binary runs against real kernel NICs
// (veth) in namespaces of their own, and finds the metadata service, the ECS API
// and a name server where an instance finds them.
package cloud

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// patience bounds every wait for an event; it is only reached by a failure.
const patience = 90 * time.Second

// together is how many instances are tested at a time: most of the time each
// waits for the daemon's backoff.
const together = "12"

// Most instances run the binary as it is shipped, because there are many: the race
// detector doubles the cost.
func TestMain(m *testing.M) {
	flag.Parse()
	parallel := false
	flag.Visit(func(f *flag.Flag) { parallel = parallel || f.Name == "test.parallel" })
	if err := flag.Set("test.parallel", together); err != nil && !parallel {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(world.Main(m, true, func(m *testing.M) int { return netns.RunPrepared(m, useNames) }))
}
