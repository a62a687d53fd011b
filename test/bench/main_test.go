//go:build bench

// Package bench measures what enitune costs: the built binary as it is shipped,
// in a namespace with veth NICs and a simulated cloud, each figure beside a
// baseline that is measured in the same run. Nothing here passes or fails by a
// time.
package bench

import (
	"fmt"
	"os"
	"os/exec"
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

// install copies a binary, as an installation does. The linker writes here and there in
// its file, which the kernel then holds in small pieces, and starts more slowly.
func install(path string) error {
	if out, err := exec.Command("cp", path, path+".copy").CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return os.Rename(path+".copy", path)
}
