//go:build linux

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestATreeIsCopiedOverAnotherWithModesAndLinks(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	for path, mode := range map[string]fs.FileMode{
		filepath.Join(from, "etc", "new"): 0o640, filepath.Join(from, "bin", "tool"): 0o755, filepath.Join(to, "etc", "old"): 0o600,
	} {
		if err := writeFile(path, []byte(path), mode); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../bin/tool", filepath.Join(from, "etc", "link")); err != nil {
		t.Fatal(err)
	}
	if err := copyTree(from, to); err != nil {
		t.Fatal(err)
	}
	got := make(map[string]string)
	err := filepath.WalkDir(to, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(path)
		if err == nil && !info.IsDir() {
			name, _ := filepath.Rel(to, path)
			got[name] = info.Mode().String()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"etc/new": "-rw-r-----", "bin/tool": "-rwxr-xr-x", "etc/old": "-rw-------", "etc/link": "Lrwxrwxrwx"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the tree (-want +got):\n%s", diff)
	}
	if points, err := os.Readlink(filepath.Join(to, "etc", "link")); err != nil || points != "../bin/tool" {
		t.Errorf("the link leads to %q, %v", points, err)
	}
}
