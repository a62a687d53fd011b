//go:build netns

package main_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// stuck is far more than the demo ever takes; only a hang lasts as long.
const stuck = 3 * time.Minute

// nobody is an ordinary user's id.
const nobody = 65534

// refusal begins the message of a demo that the machine does not allow.
const refusal = "demo: this machine "

// binaries builds the demo and the agent where every user may run them.
func binaries(t *testing.T) (folder string) {
	t.Helper()
	folder = open(t)
	for name, pkg := range map[string]string{"demo": ".", "enitune": "../../cmd/enitune"} {
		cmd := exec.CommandContext(t.Context(), "go", "build", "-o", filepath.Join(folder, name), pkg)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", name, err, out)
		}
	}
	return folder
}

// open makes a folder that every user may use. Its path is short, because that of a socket will stand below it.
func open(t *testing.T) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "demo-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	if err := os.Chmod(folder, 0o777); err != nil {
		t.Fatal(err)
	}
	return folder
}

// prepare makes a demo that has temp for its temporary files. A uid of 0 means the test's own user.
func prepare(ctx context.Context, bin, temp string, uid uint32, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(bin, "demo"), append([]string{"--enitune", filepath.Join(bin, "enitune")}, args...)...)
	cmd.Dir = bin
	cmd.Env = append(os.Environ(), "TMPDIR="+temp, "TERM=dumb")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if uid != 0 {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
	}
	return cmd
}

// skipIfRefused skips a test on a machine without namespaces, unless it is CI, which has to have them.
func skipIfRefused(t *testing.T, output string) {
	t.Helper()
	if strings.Contains(output, refusal) && os.Getenv("CI") != "true" {
		t.Skip(output)
	}
}

// checkNothingIsLeft looks for files in temp and for processes of the binaries in bin.
func checkNothingIsLeft(t *testing.T, bin, temp string) {
	t.Helper()
	entries, err := os.ReadDir(temp)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		t.Errorf("the file %s is left", e.Name())
	}
	processes, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range processes {
		// A process may have ended meanwhile.
		if exe, err := os.Readlink(p); err == nil && strings.HasPrefix(exe, bin) {
			t.Errorf("%s still runs %s", filepath.Dir(p), exe)
		}
	}
}

func TestTheWholeStoryComesTrue(t *testing.T) {
	bin := binaries(t)
	users := map[string]uint32{"as the tester": 0}
	if os.Getuid() == 0 {
		users["as an ordinary user"] = nobody
	}
	for name, uid := range users {
		t.Run(name, func(t *testing.T) {
			temp := open(t)
			ctx, cancel := context.WithTimeout(t.Context(), stuck)
			defer cancel()
			out, err := prepare(ctx, bin, temp, uid).CombinedOutput()
			skipIfRefused(t, string(out))
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			checkTheText(t, string(out))
			checkNothingIsLeft(t, bin, temp)
		})
	}
}

// checkTheText checks what a reader on a terminal without any capability gets.
func checkTheText(t *testing.T, text string) {
	t.Helper()
	var titles []string
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if len(line) > 110 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
		if line != "" && line[0] >= '0' && line[0] <= '9' {
			titles = append(titles, line)
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("there are escape codes in an output that is no terminal's")
	}
	want := []string{
		"1. What the cloud gave, and what the guest has",
		"2. One command brings the guest in line",
		"3. The daemon keeps it so",
		"4. Someone changes the queues",
		"5. An ENI is plugged into the running instance, and taken out again",
		"6. An ENI gets more queues than its NIC has",
		"7. The cloud goes dark",
		"8. The cloud comes back",
		"9. The daemon ends",
	}
	if diff := cmp.Diff(want, titles); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
}

func TestAWrongOutcomeEndsTheDemoWithExitCode1(t *testing.T) {
	bin, temp := binaries(t), open(t)
	// An agent that finds nothing to do.
	if err := os.WriteFile(filepath.Join(bin, "enitune"), []byte("#!/bin/sh\necho all is well\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), stuck)
	defer cancel()
	out, err := prepare(ctx, bin, temp, 0).CombinedOutput()
	skipIfRefused(t, string(out))
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit code 1", err)
	}
	if want := "FAILED in step 1: the exit code of plan: expected 2, got 0"; !strings.Contains(string(out), want) {
		t.Errorf("got %s\nwant %q in it", out, want)
	}
	checkNothingIsLeft(t, bin, temp)
}

func TestKeptUpItServesMetricsToTheOutsideUntilInterrupted(t *testing.T) {
	bin, temp := binaries(t), open(t)
	ctx, cancel := context.WithTimeout(t.Context(), stuck)
	defer cancel()
	cmd := prepare(ctx, bin, temp, 0, "--keep", "--listen", "127.0.0.1:0")
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	text := readUntil(lines, "Ctrl-C takes everything down")
	url := regexp.MustCompile(`http://127\.0\.0\.1:\d+/metrics`).FindString(text)
	if url == "" {
		t.Fatalf("no address in the output:\n%s", text)
	}
	if body := get(t, url); !strings.Contains(body, `enitune_setting_current{device="eth1",eni="eni-bp1demo00000000eth1",setting="queues"} 8`) {
		t.Errorf("metrics from outside:\n%s", body)
	}
	if body := get(t, strings.Replace(url, "/metrics", "/status", 1)); !strings.Contains(body, `"in_sync":true`) {
		t.Errorf("status from outside:\n%s", body)
	}
	if !strings.Contains(text, "nsenter ") {
		t.Errorf("the output does not tell how to get inside:\n%s", text)
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	rest := readUntil(lines, "\x00") // all
	if err := cmd.Wait(); err != nil {
		t.Errorf("after the interrupt: %v\n%s", err, rest)
	}
	checkNothingIsLeft(t, bin, temp)
}

func TestATakenPortIsReplacedByAFreeOne(t *testing.T) {
	bin, temp := binaries(t), open(t)
	first := serveSomething(t)
	ctx, cancel := context.WithTimeout(t.Context(), stuck)
	defer cancel()
	cmd := prepare(ctx, bin, temp, 0, "--keep", "--listen", first)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	got := readUntil(lines, "in use")
	if want := first + " is in use, so /metrics takes a free port.\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	// In the middle of the story, this time.
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	readUntil(lines, "\x00")
	_ = cmd.Wait() // whatever it was doing
	checkNothingIsLeft(t, bin, temp)
}

// readUntil reads lines up to and with the first that holds a text.
func readUntil(lines *bufio.Scanner, text string) string {
	var read []string
	for lines.Scan() {
		read = append(read, lines.Text()+"\n")
		if strings.Contains(lines.Text(), text) {
			break
		}
	}
	return strings.Join(read, "")
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// serveSomething occupies a port.
func serveSomething(t *testing.T) (address string) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}
