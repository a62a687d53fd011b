//go:build lab

// Package boot installs the real packages in a real Debian with systemd and looks at what becomes of the services: on the
// first boot and on the next, through faults, upgrades and removal.
package boot

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/enitune/enitune/test/lab"
)

// Two releases of the same source.
const (
	version     = "1.0.0"
	nextVersion = "1.1.0"
)

// distKey is the environment variable that names a directory with the packages of both versions; without it they are built.
const distKey = "ENITUNE_DIST"

func TestMain(m *testing.M) {
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	lab.Main(m)
}

// build builds the probe and the packages of both versions, unless the environment already names them, as it does for the
// process inside of the namespaces. They stay in the cache: lab.Main does not return.
func build() error {
	if os.Getenv(probeKey) != "" {
		return nil
	}
	dir, err := filepath.Abs("../../.cache/lab/boot")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := buildProbe(probeFile(dir)); err != nil {
		return err
	}
	if os.Getenv(distKey) != "" {
		return nil
	}
	return buildPackages(dir)
}

func buildProbe(file string) error {
	cmd := exec.Command("go", "build", "-buildvcs=false", "-trimpath", "-o", file, "./probe")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the probe: %w: %s", err, out)
	}
	return os.Setenv(probeKey, file)
}

// buildPackages builds the packages of both versions into dir.
func buildPackages(dir string) error {
	for _, v := range []string{nextVersion, version} {
		cmd := exec.Command("make", "-C", "../..", "packages", "ARCHS=amd64", "VERSION="+v)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("build the packages of %s: %w", v, err)
		}
		built := []string{filepath.Join("../../dist", deb(v)), filepath.Join("../../dist", rpm(v))}
		if out, err := exec.Command("cp", append(built, dir)...).CombinedOutput(); err != nil {
			return fmt.Errorf("keep the packages of %s: %w: %s", v, err, out)
		}
	}
	return os.Setenv(distKey, dir)
}

func deb(version string) string { return "enitune_" + version + "-1_amd64.deb" }
func rpm(version string) string { return "enitune-" + version + "-1.x86_64.rpm" }

// built is the file of a package on the host.
func built(name string) string { return filepath.Join(os.Getenv(distKey), name) }
