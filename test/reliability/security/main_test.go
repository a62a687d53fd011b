//go:build netns

// Package security holds the built binary to docs/security.md: it attacks the agent
// as a local user, the cloud or the network could, for real, in namespaces of its
// own.
package security

import (
	"os"
	"testing"

	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

func TestMain(m *testing.M) { os.Exit(world.Main(m, false, netns.Run)) }
