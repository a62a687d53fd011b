//go:build netns

// Package rivals sets the built binary against other programs that set channels
// too: scripts, ecs_mq, TuneD, another enitune. The NICs are veth pairs in a private
// namespace, the cloud is a simulated one at the real one's addresses, and what was
// written is counted by the kernel's own notifications.
package rivals

import (
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) { os.Exit(world.Main(m, true, netns.Run)) }
