package lab

import (
	"testing"

	"github.com/enitune/enitune/test/netns"
)

// Main is the body of a TestMain: it runs the tests in private user, network and mount namespaces, see netns.Main.
func Main(m *testing.M) { netns.Main(m) }
