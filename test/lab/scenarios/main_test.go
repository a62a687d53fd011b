//go:build lab

// Package scenarios runs the static binary in real guests, with real multi-queue
// virtio-net NICs and a simulated cloud at the real addresses, reached over the
// guest's network.
package scenarios

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
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
	if err := buildTool(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lab.Main(m)
}

// toolKey is the environment variable that names the built guesttool.
const toolKey = "ENITUNE_GUESTTOOL"

// buildTool builds guesttool, unless the environment already names it, as it does
// for the process inside of the namespaces. It stays in the cache: lab.Main does
// not return.
func buildTool() error {
	if os.Getenv(toolKey) != "" {
		return nil
	}
	file, err := filepath.Abs("../../../.cache/lab/guesttool")
	if err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", file, "./guesttool")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build guesttool: %w: %s", err, out)
	}
	return os.Setenv(toolKey, file)
}
