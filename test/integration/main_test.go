//go:build netns

// Package integration runs the built binary against real kernel NICs (veth) in a
// private namespace, with a simulated cloud where an instance finds the real
// one.
package integration

import (
	"fmt"
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) {
	clean, err := world.BuildBinary("-race")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := netns.Run(m)
	clean()
	os.Exit(code)
}
