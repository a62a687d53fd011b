//go:build netns

// Package machine runs the built binary on a machine that fails it: disks, limits,
// kills, damaged files. Everything is injected for real, into a private namespace
// with real NICs (veth) and a simulated cloud where an instance finds the real one.
package machine

import (
	"io"
	"log"
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// The binary without the race detector is for tests that count its system calls, take
// its memory, or start it a great many times.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard) // the simulated cloud tells of each client that was killed
	os.Exit(world.Main(m, true, netns.Run))
}
