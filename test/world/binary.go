package world

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// BinaryKey is the environment variable that names the enitune binary to test.
const BinaryKey = "ENITUNE_BIN"

// BuildBinary builds the binary to test into a temporary directory, with the
// given build flags, unless BinaryKey already names one. It is for a TestMain,
// before the tests enter their namespaces. clean removes what was built.
func BuildBinary(flags ...string) (clean func(), err error) {
	return buildAs(BinaryKey, nil, flags...)
}

// buildAs does the same with another environment variable, and with more environment
// for the build.
func buildAs(key string, env []string, flags ...string) (clean func(), err error) {
	if os.Getenv(key) != "" {
		return func() {}, nil
	}
	dir, err := os.MkdirTemp("", "enitune-bin-")
	if err != nil {
		return nil, err
	}
	clean = func() { _ = os.RemoveAll(dir) }
	bin := filepath.Join(dir, "enitune")
	args := append([]string{"build", "-o", bin}, flags...)
	cmd := exec.Command("go", append(args, "github.com/enitune/enitune/cmd/enitune")...)
	cmd.Env, cmd.Stderr = append(os.Environ(), env...), os.Stderr
	if err := cmd.Run(); err != nil {
		clean()
		return nil, fmt.Errorf("build enitune: %w", err)
	}
	return clean, os.Setenv(key, bin)
}
