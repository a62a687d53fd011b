package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// socketFD is the descriptor of the inherited listening socket, inside and in the agent: the first after stdin, stdout and
// stderr, as sd_listen_fds(3) has it.
const socketFD = 3

// innerGrace is how long the inside may take to clean up after a signal before it is killed.
const innerGrace = 10 * time.Second

// What the outside hands to the inside through the environment.
const (
	networkKey = "ENITUNE_DEMO_OUTSIDE" // identity of the outside's network namespace
	folderKey  = "ENITUNE_DEMO_FOLDER"
	userKey    = "ENITUNE_DEMO_USER_NAMESPACE" // "yes" or "no"
	urlKey     = "ENITUNE_DEMO_URL"            // "" without --keep
)

// handed is what the inside gets from the outside.
type handed struct {
	network       string // identity of the network namespace that the inside must not be in
	folder        string // for everything that the demo writes; the outside removes it
	userNamespace bool   // false where root had to do without one
	url           string // where the inherited socket is reachable from outside; "" for no socket
}

func (h handed) environ() []string {
	user := "no"
	if h.userNamespace {
		user = "yes"
	}
	return []string{networkKey + "=" + h.network, folderKey + "=" + h.folder, userKey + "=" + user, urlKey + "=" + h.url}
}

// handedOver reads what environ wrote; ok is false in the process that the user started.
func handedOver(lookup func(string) (string, bool)) (h handed, ok bool) {
	h.network, ok = lookup(networkKey)
	h.folder, _ = lookup(folderKey)
	user, _ := lookup(userKey)
	h.userNamespace = user == "yes"
	h.url, _ = lookup(urlKey)
	return h, ok && h.network != ""
}

// outside runs the inside in its namespaces, cleans up after it and gives its exit code.
func outside(ctx context.Context, o options, stdout, stderr *os.File) (code int, err error) {
	h := handed{}
	if h.network, err = os.Readlink("/proc/self/ns/net"); err != nil {
		return 1, fmt.Errorf("read the network namespace's identity: %w", err)
	}
	if h.folder, err = os.MkdirTemp("", "enitune-demo-"); err != nil {
		return 1, fmt.Errorf("make a folder for the demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(h.folder)) }()
	var socket *os.File
	if o.keep {
		if socket, err = listen(ctx, o.listen, stdout, &h.url); err != nil {
			return 1, err
		}
		defer socket.Close()
	}
	cmd, err := enter(ctx, h, socket, stdout, stderr)
	if err != nil {
		return 1, err
	}
	// The exit code says it all; Wait's error also tells of ctx.
	_ = cmd.Wait()
	if code = cmd.ProcessState.ExitCode(); code < 0 {
		return 1, fmt.Errorf("the inside ended by %v", cmd.ProcessState)
	}
	return code, nil
}

// listen opens the socket that outlives the namespaces, on a free port if the wanted one is taken.
func listen(ctx context.Context, address string, stdout io.Writer, url *string) (*os.File, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		host, _, _ := net.SplitHostPort(address)
		fmt.Fprintf(stdout, "%s is in use, so /metrics takes a free port.\n", address)
		l, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		return nil, fmt.Errorf("--listen: %w; give host:port with a port from 1024 on, such as 127.0.0.1:10056", err)
	}
	defer l.Close()
	tcp, ok := l.(*net.TCPListener)
	if !ok {
		return nil, fmt.Errorf("--listen: %s is no TCP address", address)
	}
	*url = "http://" + l.Addr().String()
	return tcp.File()
}

// enter starts the inside. Where root is denied a user namespace, it does without: the others are what protects the machine.
func enter(ctx context.Context, h handed, socket *os.File, stdout, stderr *os.File) (*exec.Cmd, error) {
	h.userNamespace = true
	cmd, err := start(ctx, h, socket, stdout, stderr)
	if err != nil && refused(err) && os.Geteuid() == 0 {
		h.userNamespace = false
		cmd, err = start(ctx, h, socket, stdout, stderr)
	}
	if err != nil && refused(err) {
		return nil, explain(err, os.Geteuid() == 0, os.ReadFile)
	}
	return cmd, err
}

func start(ctx context.Context, h handed, socket *os.File, stdout, stderr *os.File) (*exec.Cmd, error) {
	cmd := exec.CommandContext(ctx, "/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), h.environ()...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, stdout, stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = innerGrace
	if socket != nil {
		cmd.ExtraFiles = []*os.File{socket} // becomes socketFD
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		Pdeathsig:  syscall.SIGKILL,
	}
	if h.userNamespace {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		if failed := new(fs.PathError); errors.As(err, &failed) {
			err = failed.Err // the path says nothing: it is clone that failed
		}
		return nil, fmt.Errorf("make private namespaces: %w", err)
	}
	return cmd, nil
}
