package docs

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestEachTestThatTheReliabilityPageNamesExistsAndNoneIsLeftOut(t *testing.T) {
	page, security := read(t, "reliability.md"), read(t, "security.md")
	all := testFunctions(t, root)
	named := map[string]bool{}
	for _, s := range spans(page.text) {
		if name, _, _ := strings.Cut(s, "/"); strings.HasPrefix(name, "Test") || strings.HasPrefix(name, "Fuzz") {
			named[name] = true
			if all[name] == "" {
				t.Errorf("%s names %s, which there is not", page.name, name)
			}
		}
	}
	for _, s := range spans(security.text) {
		named[s] = true // the attacks are told there
	}
	for _, folder := range []string{"reliability", "soak", "fleet"} {
		for name, file := range testFunctions(t, filepath.Join(root, "test", folder)) {
			if !named[name] {
				t.Errorf("%s does not name %s of %s", page.name, name, file)
			}
		}
	}
}
