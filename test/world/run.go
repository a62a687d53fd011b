package world

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
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
)

// PlainKey is the environment variable that names a binary as it is shipped, without
// the race detector: for tests that measure it, or start it a great many times.
const PlainKey = "ENITUNE_PLAIN_BIN"

// Main is for a TestMain: it builds enitune with the race detector (BinaryKey), and
// with plain also as it is shipped (PlainKey), runs the tests by run, such as
// netns.Run, and gives the exit code.
func Main(m *testing.M, plain bool, run func(*testing.M) int) int {
	builds := []func() (func(), error){func() (func(), error) { return BuildBinary("-race") }}
	if plain {
		builds = append(builds, func() (func(), error) { return buildAs(PlainKey, []string{"CGO_ENABLED=0"}) })
	}
	for _, build := range builds {
		clean, err := build()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer clean()
	}
	return run(m)
}

// RaceOptions is an entry of a process's environment: a data race ends it at once, with
// exit code RaceCode.
const (
	RaceOptions = "GORACE=halt_on_error=1 exitcode=66 atexit_sleep_ms=0"
	RaceCode    = 66
)

// Result is what a command printed, and its exit code; -1 if a signal ended it.
type Result struct {
	Stdout, Stderr string
	Code           int
}

// Finish runs a command to its end.
func Finish(t testing.TB, cmd *exec.Cmd) Result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if cmd.ProcessState.ExitCode() == RaceCode {
		t.Fatalf("a race: %s", &stderr)
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// Ask sends a request over a connection of its own, to http://HOST:PORT/PATH.
func Ask(method, url string) (body string, status int, err error) {
	return ask(method, url, new(net.Dialer).DialContext)
}

// AskSocket sends a request to a Unix socket.
func AskSocket(socket, method, path string) (body string, status int, err error) {
	return ask(method, "http://enitune"+path, func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	})
}

func ask(method, url string, dial func(context.Context, string, string) (net.Conn, error)) (body string, status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return "", 0, err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true, DialContext: dial}).RoundTrip(req)
	if err != nil {
		return "", 0, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return string(text), resp.StatusCode, err
}

// Metric finds the value of a series in an exposition; "" if it is not there.
func Metric(exposition, series string) string {
	for line := range strings.Lines(exposition) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// Setting finds one setting in a report; zero if it is not there.
func Setting(r agent.Report, device string, s nic.Setting) agent.SettingReport {
	for _, n := range r.NICs {
		for _, sr := range n.Settings {
			if n.Device == device && sr.Setting == s {
				return sr
			}
		}
	}
	return agent.SettingReport{}
}

// Await asks again and again until check is content, and fails the test with what it
// saw last if it never is.
func Await[S any](t testing.TB, what string, check func() (ok bool, seen S)) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		ok, seen := check()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v; last: %+v", what, patience, seen)
		}
	}
}
