//go:build netns

// Package kernel puts the built binary through the faults of a kernel, and of those who change its NICs meanwhile.
package kernel

import (
	"os"
	"testing"

	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) {
	faults.Main()
	os.Exit(world.Main(m, false, func(m *testing.M) int {
		defer loadXDP()()
		return netns.Run(m)
	}))
}
