//go:build packages

package packaging

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// nextVersion is newer than what any commit makes.
const nextVersion = "999.0.0"

// scratch is where this run builds.
var scratch string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "enitune-packages-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	scratch = dir
	code := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

// clone makes a clone of what is in the working tree, changes that are not
// committed included.
func clone(name string) (string, error) {
	dir := filepath.Join(scratch, name)
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	root, err := filepath.Abs("..")
	if err != nil {
		return "", err
	}
	commit, err := output(root, "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "stash", "create")
	if err != nil {
		return "", err
	}
	if commit == "" {
		commit = "HEAD"
	}
	if commit, err = output(root, "git", "rev-parse", commit); err != nil {
		return "", err
	}
	// Shared, because nothing refers to a commit of uncommitted changes.
	if _, err = output(root, "git", "clone", "-q", "--shared", "--no-checkout", root, dir); err != nil {
		return "", err
	}
	_, err = output(dir, "git", "checkout", "-q", "--detach", commit)
	return dir, err
}

func output(dir, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s%s", name, strings.Join(args, " "), err, out, &stderr)
	}
	return strings.TrimSpace(string(out)), nil
}

// makePackages builds in a clone, and gives the folder of the results.
func makePackages(dir, umask string, args, env []string) (string, error) {
	script := "umask " + umask + " && exec make -s packages " + strings.Join(args, " ")
	cmd := exec.Command("sh", "-c", script)
	cmd.Dir = dir
	// Neither the caller's version nor make's own variables.
	cmd.Env = append(os.Environ(), "VERSION=", "SOURCE_DATE_EPOCH=", "MAKEFLAGS=", "MFLAGS=", "MAKEOVERRIDES=")
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("make packages in %s: %w\n%s", dir, err, out)
	}
	return filepath.Join(dir, "dist"), nil
}

// The packages of this commit, and this machine's of a next version.
var (
	buildFirst = sync.OnceValues(func() (string, error) {
		dir, err := clone("first")
		if err != nil {
			return "", err
		}
		return makePackages(dir, "022", nil, []string{"TZ=UTC", "LC_ALL=C"})
	})
	buildNext = sync.OnceValues(func() (string, error) {
		dir, err := clone("next")
		if err != nil {
			return "", err
		}
		return makePackages(dir, "022", []string{"VERSION=" + nextVersion, "ARCHS=" + runtime.GOARCH}, nil)
	})
)

// built is the folder of the packages of this commit.
func built(t *testing.T) string {
	t.Helper()
	dir, err := buildFirst()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// next is the folder of the packages of a next version.
func next(t *testing.T) string {
	t.Helper()
	dir, err := buildNext()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// one is the only file that a pattern fits.
func one(t *testing.T, dir, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: found %v, %v; want one", pattern, found, err)
	}
	return found[0]
}

// names of this machine's architecture.
func debArch() string { return runtime.GOARCH }
func rpmArch() string {
	return map[string]string{"amd64": "x86_64", "arm64": "aarch64"}[runtime.GOARCH]
}

func TestTheSameCommitGivesTheSameBytes(t *testing.T) {
	first := built(t)
	dir, err := clone("a/longer path/to the second")
	if err != nil {
		t.Fatal(err)
	}
	second, err := makePackages(dir, "077", nil, []string{"TZ=Asia/Kathmandu", "LC_ALL=C.UTF-8", "LANG=de_DE.UTF-8",
		"GOAMD64=v3", "CGO_ENABLED=1", "USER=somebody", "GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.abbrev", "GIT_CONFIG_VALUE_0=5"})
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(filepath.Join(first, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(second, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Errorf("first:\n%s\nsecond:\n%s", want, got)
	}
	if lines := bytes.Count(want, []byte("\n")); lines != 8 {
		t.Errorf("%d files, want a .deb, a .rpm, a tarball and a bill of materials for two architectures", lines)
	}
	for _, dist := range []string{first, second} {
		if _, err := output(dist, "sha256sum", "--check", "--strict", "SHA256SUMS"); err != nil {
			t.Error(err)
		}
	}
}

func TestPackagesNeedAVersion(t *testing.T) {
	dir, err := clone("unversioned")
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"dev", "1.2", "1.2.3 4", "1.2.3-a-b"} {
		_, err := makePackages(dir, "022", []string{"VERSION='" + version + "'"}, nil)
		if err == nil || !strings.Contains(err.Error(), "packages need one such as 1.2.3") {
			t.Errorf("%q: %v", version, err)
		}
	}
}
