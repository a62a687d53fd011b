package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var testFunction = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)[A-Z]\w*)\((?:t|f) \*testing\.[TF]\)`)

// testFunctions are the tests and fuzz targets of the Go files below a folder, each
// with its file.
func testFunctions(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != folder && strings.HasPrefix(entry.Name(), ".") && entry.Name() != "..":
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
			if m[1] != "TestMain" {
				found[m[1]] = path
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestEachTestThatTheSecurityPageNamesExistsAndNoneIsLeftOut(t *testing.T) {
	page := read(t, "security.md")
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
	for name, file := range testFunctions(t, filepath.Join(root, "test", "reliability", "security")) {
		if !named[name] {
			t.Errorf("%s does not name %s of %s", page.name, name, file)
		}
	}
	for name, file := range all {
		// The simulator's and the tests' own decoders read nothing from outside.
		own := strings.Contains(file, "ecssim") || strings.Contains(file, filepath.Join(root, "test"))
		if strings.HasPrefix(name, "Fuzz") && !named[name] && !own {
			t.Errorf("%s does not name %s of %s", page.name, name, file)
		}
	}
}
