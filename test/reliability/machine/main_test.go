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
	for key, flags := range map[string][]string{world.BinaryKey: {"-race"}, plainKey: nil} {
		clean, err := world.BuildBinaryAs(key, flags...)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer clean()
	}
	return netns.Run(m)
}
