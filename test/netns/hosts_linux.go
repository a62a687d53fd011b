package netns

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

const hostsFile = "/etc/hosts"

// BindHosts makes the names resolve to the IP addresses they map to, in this test's mount namespace only, by mounting an
// extended copy over /etc/hosts. It is unmounted when the test ends.
//
// Go's resolver keeps what it has read of /etc/hosts for 5 seconds (net/hosts.go): within the test's own process, call
// BindHosts before the first lookup. Processes that the test starts see it at once.
func BindHosts(t testing.TB, hosts map[string]string) {
	t.Helper()
	content, err := os.ReadFile(hostsFile)
	if err != nil {
		t.Fatalf("read %s: %v", hostsFile, err)
	}
	var extended bytes.Buffer
	// The first line that has a name wins.
	for _, name := range slices.Sorted(maps.Keys(hosts)) {
		fmt.Fprintf(&extended, "%s\t%s\n", hosts[name], name)
	}
	extended.Write(content)

	file := filepath.Join(t.TempDir(), "hosts")
	if err := os.WriteFile(file, extended.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount(file, hostsFile, "", unix.MS_BIND, ""); err != nil {
		t.Fatalf("mount %s over %s: %v", file, hostsFile, err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(hostsFile, unix.MNT_DETACH); err != nil {
			t.Errorf("unmount %s: %v", hostsFile, err)
		}
	})
}
