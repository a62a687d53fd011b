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
	if err == nil {
		err = install(os.Getenv(world.BinaryKey))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := netns.Run(m)
	clean()
	os.Exit(code)
}

// install writes a binary anew, as an installation does. The linker writes here and
// there in its file, which the kernel then holds in small pieces, and maps more slowly.
func install(path string) error {
	program, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.WriteFile(path, program, 0o755)
}
