//go:build netns

// Package soak runs the built daemon for a chosen time under faults, rivals and
// hot-plugs that come at random, and proves at the end that it has converged and that
// it leaks neither memory nor descriptors nor goroutines:
//
//	make soak DURATION=1h SEED=7
//
// The choices follow from the seed; how far they come within the time does not.
package soak

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// What is asked for by go test ./test/soak -args.
var (
	duration = flag.Duration("duration", 30*time.Second, "how long there are faults")
	seed     = flag.Uint64("seed", 0, "of the random choices; 0 draws one")
)

// The binary as it is shipped is the one whose memory is worth measuring.
func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(world.Main(m, true, netns.Run))
}
