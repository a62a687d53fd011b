//go:build netns

// Package kernel puts the built binary through the faults of a kernel, and of those who change its NICs meanwhile.
package kernel

import (
	"fmt"
	"os"
	"testing"

	"github.com/enitune/enitune/test/faults"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) {
	faults.Main()
	clean, err := world.BuildBinary("-race")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	closeXDP := loadXDP()
	code := netns.Run(m)
	closeXDP()
	clean()
	os.Exit(code)
}
