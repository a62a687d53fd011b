//go:build bench

// Package bench measures what enitune costs: the built binary as it is shipped,
// in a namespace with veth NICs and a simulated cloud, each figure beside a
// baseline that is measured in the same run. Nothing here passes or fails by a
// time.
package bench

import (
	"fmt"
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) {
	clean, err := world.BuildBinary("-trimpath", "-ldflags=-s -w")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := netns.Run(m)
	clean()
	os.Exit(code)
}
