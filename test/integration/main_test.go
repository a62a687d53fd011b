//go:build netns

// Package integration runs the built binary against real kernel NICs (veth) in a
// private namespace, with a simulated cloud where an instance finds the real
// one.
package integration

import (
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) { os.Exit(world.Main(m, false, netns.Run)) }
