package netns

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// outsideKey is the environment variable by which the re-executed test binary knows that it is the one inside. Its value
// is the identity of the network namespace outside, so a variable inherited by accident is not mistaken for it.
const outsideKey = "ENITUNE_TEST_NETNS_OUTSIDE"

// exitRefused is the exit code of a test binary whose namespaces were refused under CI=true.
const exitRefused = 1

// Main is the body of a TestMain: it re-executes the test binary inside a private user, network and mount namespace,
// brings lo up there, runs the tests and exits with their code.
//
// Where the machine does not permit such namespaces, no test runs: with CI=true in the environment that is a failure,
// otherwise a message on stderr and exit code 0.
func Main(m *testing.M) { os.Exit(Run(m)) }

// Run does the same for a TestMain that has something to clean up: it gives the code to exit with.
func Run(m *testing.M) int { return RunPrepared(m, func() error { return nil }) }

// RunPrepared does the same and calls prepare inside, before the first test.
func RunPrepared(m *testing.M, inside func() error) int {
	current, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return refuse(fmt.Errorf("read the network namespace's identity: %w", err))
	}
	if outside := os.Getenv(outsideKey); outside != "" && outside != current {
		if err := prepare(); err != nil {
			return refuse(err)
		}
		if err := inside(); err != nil {
			fmt.Fprintln(os.Stderr, "netns:", err)
			return 1
		}
		return m.Run()
	}
	code, err := reexec(current)
	if err != nil {
		return refuse(err)
	}
	return code
}

// reexec runs this binary with the same arguments in new namespaces and returns its exit code.
func reexec(outside string) (int, error) {
	self, err := os.Executable()
	if err != nil {
		return 0, fmt.Errorf("find the test binary: %w", err)
	}
	// The child must die with this process, even when this one is killed; the kernel ties that to the starting thread.
	runtime.LockOSThread()
	cmd := exec.Command(self, os.Args[1:]...)
	cmd.Env = append(os.Environ(), outsideKey+"="+outside)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		Pdeathsig:   syscall.SIGKILL,
	}
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case errors.As(err, &exit) && exit.Exited():
		return exit.ExitCode(), nil
	case errors.As(err, &exit):
		fmt.Fprintf(os.Stderr, "netns: the tests ended by %v\n", exit)
		return 1, nil
	default:
		return 0, fmt.Errorf("start the tests in a private user, network and mount namespace: %w", err)
	}
}

// prepare makes the new namespaces usable: mounts stop propagating to the outside and lo is up.
func prepare() error {
	if err := unix.Mount("none", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make the mounts private: %w", err)
	}
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return fmt.Errorf("find lo: %w", err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}

// refuse says why the tests can't run and returns the exit code for it.
func refuse(err error) int {
	const remedy = "allow unprivileged user namespaces (sysctl kernel.unprivileged_userns_clone=1, " +
		"kernel.apparmor_restrict_unprivileged_userns=0) or run as root outside a container"
	if os.Getenv("CI") == "true" {
		fmt.Fprintf(os.Stderr, "netns: FAIL: %v; %s\n", err, remedy)
		return exitRefused
	}
	fmt.Fprintf(os.Stderr, "netns: SKIPPED, no test of this package ran: %v; %s\n", err, remedy)
	return 0
}
