//go:build lab

// Package scenarios runs the static binary in real guests, with real multi-queue
// virtio-net NICs and a simulated cloud at the real addresses, reached over the
// guest's network.
package scenarios

import (
	"fmt"
	"os"
	"testing"

	"github.com/enitune/enitune/test/lab"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) {
	if err := os.Setenv("CGO_ENABLED", "0"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if _, err := world.BuildBinary("-trimpath"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lab.Main(m)
}
