//go:build netns

// Package rivals sets the built binary against other programs that set channels
// too: scripts, ecs_mq, TuneD, another enitune. The NICs are veth pairs in a private
// namespace, the cloud is a simulated one at the real one's addresses, and what was
// written is counted by the kernel's own notifications.
package rivals

import (
	"fmt"
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
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
