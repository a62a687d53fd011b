package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// Either of these calls methods by names that the linker cannot know, so that it
// leaves out no exported method of any type: a quarter of the binary, and of the
// memory that its pages take.
func TestNothingIsLinkedThatKeepsTheLinkerFromLeavingOutMethods(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	deps := strings.Fields(string(out))
	for _, heavy := range []string{"golang.org/x/net/trace", "github.com/json-iterator/go", "github.com/modern-go/reflect2"} {
		if slices.Contains(deps, heavy) {
			t.Errorf("%s is linked; go mod why -m, or go list -deps, says through what", heavy)
		}
	}
}
