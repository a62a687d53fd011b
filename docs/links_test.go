package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

const root = ".."

// pages are the Markdown files of the repository.
func pages(t *testing.T) []page {
	t.Helper()
	var list []page
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "bin" || entry.Name() == "dist"):
			return filepath.SkipDir
		case filepath.Ext(path) == ".md":
			list = append(list, read(t, path))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 8 {
		t.Fatalf("found %d Markdown files, want at least 8", len(list))
	}
	return list
}

var (
	link  = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	fence = regexp.MustCompile("(?ms)^```.*?^```$")
)

func TestEveryRelativeLinkLeadsSomewhere(t *testing.T) {
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(p.text, ""), -1) {
			target := m[1]
			if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(target, "#")
			path := p.name
			if file != "" {
				path = filepath.Join(filepath.Dir(p.name), file)
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: link %s: %v", p.name, target, err)
				continue
			}
			if anchor != "" && !hasAnchor(read(t, path), anchor) {
				t.Errorf("%s: link %s: %s has no such heading", p.name, target, path)
			}
		}
	}
}

// hasAnchor tells whether a heading gets the anchor, by GitHub's rule: lower
// case, spaces to hyphens, without punctuation.
func hasAnchor(p page, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(p.text, ""), -1) {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, m[1])
		if slug == anchor {
			return true
		}
	}
	return false
}
