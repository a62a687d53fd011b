//go:build netns

// Package machine runs the built binary on a machine that fails it: disks, limits,
// kills, damaged files. Everything is injected for real, into a private namespace
// with real NICs (veth) and a simulated cloud where an instance finds the real one.
package machine

import (
	"fmt"
	"io"
	"log"
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// plainKey is the environment variable that names a binary without the race
// detector, for tests that count its system calls, take its memory, or start it a
// great many times.
const plainKey = "ENITUNE_PLAIN_BIN"

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	log.SetOutput(io.Discard) // the simulated cloud tells of each client that was killed
	clean, err := world.BuildBinary("-race")
	if err == nil {
		defer clean()
		err = os.Setenv("CGO_ENABLED", "0") // as it is shipped; the race detector needs it
	}
	if err == nil {
		clean, err = world.BuildBinaryAs(plainKey)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer clean()
	return netns.Run(m)
}
