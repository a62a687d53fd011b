package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestATextfileThatNobodyWouldReadIsRefused(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"":                                   "end in .prom",
		filepath.Join(dir, "enitune.txt"):    "end in .prom",
		filepath.Join(dir, "none", "e.prom"): "is no directory",
		filepath.Join(file, "e.prom"):        "is no directory",
		filepath.Join(dir, "enitune.prom"):   "",
	} {
		err := checkTextfile(path)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", path, err, want)
		}
	}
}
