package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

const (
	runtimeFolder = "run"
	socketName    = "enitune.sock"
	maxSocketPath = 107 // bytes of sockaddr_un.sun_path without the closing zero, unix(7)
	maxMetrics    = 4 << 20
)

// agentBinary is the unmodified enitune binary, and how it is run here.
type agentBinary struct {
	path   string
	folder string
	colour bool
	client *http.Client // of the daemon's own socket
}

// newAgentBinary writes the configuration that all commands use.
func newAgentBinary(path string, h handed, colour bool) (*agentBinary, error) {
	a := &agentBinary{path: path, folder: h.folder, colour: colour}
	socket := filepath.Join(h.folder, runtimeFolder, socketName)
	if len(socket) > maxSocketPath {
		return nil, fmt.Errorf("the path of a socket would be too long: %s; set TMPDIR to a shorter one, such as /tmp", socket)
	}
	if err := os.Mkdir(filepath.Join(h.folder, runtimeFolder), 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(h.folder, configFile), []byte(a.config()), 0o644); err != nil {
		return nil, err
	}
	a.client = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		},
	}}
	return a, nil
}

// config is the whole configuration; everything else is at its default.
func (a *agentBinary) config() string {
	return "discovery: {virtual_devices: true}\nstate_dir: " + filepath.Join(a.folder, "state") + "\n"
}

// environ is all that the agent's environment holds: no proxy, no credentials, nobody's home.
func (a *agentBinary) environ() []string {
	env := []string{
		"PATH=" + filepath.Dir(a.path) + ":" + os.Getenv("PATH") + ":/usr/sbin:/sbin",
		"HOME=" + a.folder,
		"RUNTIME_DIRECTORY=" + filepath.Join(a.folder, runtimeFolder),
		"SSL_CERT_FILE=" + filepath.Join(a.folder, caFile),
	}
	for _, key := range []string{"TERM", "LANG", "NO_COLOR"} {
		if value, ok := os.LookupEnv(key); ok {
			env = append(env, key+"="+value)
		}
	}
	return env
}

// command prepares enitune with the demo's configuration.
func (a *agentBinary) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, a.path, a.arguments(args)...)
	a.equip(cmd)
	return cmd
}

// arguments completes a command line. Colour is asked for because the output goes through the demo to a terminal.
func (a *agentBinary) arguments(args []string) []string {
	args = append(args, "--config", configFile)
	if a.colour {
		args = append(args, "--color", "always")
	}
	return args
}

func (a *agentBinary) equip(cmd *exec.Cmd) {
	cmd.Dir, cmd.Env = a.folder, a.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// outcome is what a command that ended left behind.
type outcome struct {
	output string // stdout and stderr as they came
	code   int
	took   time.Duration
}

// run runs a command to its end.
func (a *agentBinary) run(ctx context.Context, args ...string) (outcome, error) {
	var out bytes.Buffer
	cmd := a.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	err := cmd.Run()
	o := outcome{output: out.String(), took: time.Since(start)}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		return o, fmt.Errorf("enitune %s: %w", strings.Join(args, " "), err)
	}
	o.code = cmd.ProcessState.ExitCode()
	return o, nil
}

// metrics reads the running daemon's metrics through its own socket.
func (a *agentBinary) metrics(ctx context.Context) (samples, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://enitune/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("read /metrics: %w", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxMetrics))
	if err != nil {
		return nil, fmt.Errorf("read /metrics: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("read /metrics: %s", resp.Status)
	}
	return newSamples(string(body)), nil
}
