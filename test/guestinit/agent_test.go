//go:build linux

package main

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/test/guestinit/wire"
)

// serve runs an agent and returns the harness's end of its connection. The agent is ended with the test.
func serve(t *testing.T) *wire.Conn {
	t.Helper()
	host, guest := net.Pipe()
	result := make(chan error, 1)
	go func() { result <- newAgent(wire.NewConn(guest)).serve(context.Background()) }()
	t.Cleanup(func() {
		host.Close()
		if err := <-result; !errors.Is(err, io.EOF) {
			t.Errorf("serve ended with %v, want io.EOF", err)
		}
	})
	return wire.NewConn(host)
}

// outcome is all that a process did.
type outcome struct {
	Stdout, Stderr string
	Code           int
}

func send(t *testing.T, conn *wire.Conn, r wire.Request) {
	t.Helper()
	if err := conn.Send(r); err != nil {
		t.Fatal(err)
	}
}

func receive(t *testing.T, conn *wire.Conn) wire.Event {
	t.Helper()
	var e wire.Event
	if err := conn.Receive(&e); err != nil {
		t.Fatal(err)
	}
	return e
}

// follow receives events until the process id has ended; answers to other requests may stand between them.
func follow(t *testing.T, conn *wire.Conn, id uint64) outcome {
	t.Helper()
	var o outcome
	for {
		e := receive(t, conn)
		switch {
		case e.Error != "":
			t.Fatalf("unexpected event %+v", e)
		case e.ID != id:
		case e.Kind == wire.Output && e.Stream == 1:
			o.Stdout += string(e.Data)
		case e.Kind == wire.Output:
			o.Stderr += string(e.Data)
		case e.Kind == wire.Exit:
			o.Code = e.Code
			return o
		}
	}
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct {
		name string
		argv []string
		env  []string
		want outcome
	}{
		{
			name: "streams and exit code are kept apart",
			argv: []string{"sh", "-c", "echo out; echo err >&2; exit 3"},
			want: outcome{Stdout: "out\n", Stderr: "err\n", Code: 3},
		},
		{
			name: "a signal's end is 128 and its number",
			argv: []string{"sh", "-c", "kill -TERM $$"},
			want: outcome{Code: 128 + int(syscall.SIGTERM)},
		},
		{
			name: "the request's environment wins",
			argv: []string{"sh", "-c", "echo $HOME $EXTRA"},
			env:  []string{"HOME=/elsewhere", "EXTRA=1"},
			want: outcome{Stdout: "/elsewhere 1\n"},
		},
		{
			name: "much output arrives whole",
			argv: []string{"sh", "-c", "head -c 1000000 /dev/zero | tr '\\0' x"},
			want: outcome{Stdout: strings.Repeat("x", 1000000)},
		},
		{
			name: "a descendant that keeps the streams open does not delay the end",
			argv: []string{"sh", "-c", "sleep 1000 & echo $! > pid; echo started"},
			want: outcome{Stdout: "started\n"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, dir := serve(t), t.TempDir()
			send(t, conn, wire.Request{ID: 1, Op: wire.Start, Argv: tt.argv, Env: tt.env, Dir: dir})
			got := follow(t, conn, 1)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("outcome (-want +got):\n%s", diff)
			}
			if pid, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil {
				send(t, conn, wire.Request{ID: 2, Op: wire.Start, Argv: []string{"kill", strings.TrimSpace(string(pid))}})
				follow(t, conn, 2)
			}
		})
	}
}

func TestASignalReachesARunningProcess(t *testing.T) {
	conn := serve(t)
	send(t, conn, wire.Request{ID: 1, Op: wire.Start, Argv: []string{"sh", "-c", "trap 'echo caught; exit 5' USR1; echo ready; while :; do sleep 0.1; done"}})
	for receive(t, conn).Kind != wire.Output {
	}
	send(t, conn, wire.Request{ID: 2, Op: wire.Signal, Target: 1, Signal: int(syscall.SIGUSR1)})
	if diff := cmp.Diff(outcome{Stdout: "caught\n", Code: 5}, follow(t, conn, 1)); diff != "" {
		t.Errorf("outcome (-want +got):\n%s", diff)
	}
}

func TestTheEndOfTheConnectionKillsWhatRuns(t *testing.T) {
	conn := serve(t) // whose cleanup waits for the process to be gone
	send(t, conn, wire.Request{ID: 1, Op: wire.Start, Argv: []string{"sleep", "1000"}})
	receive(t, conn)
}

func TestFiles(t *testing.T) {
	conn := serve(t)
	path := filepath.Join(t.TempDir(), "deep", "file")
	content := []byte{0, 1, 255, '\n'}
	send(t, conn, wire.Request{ID: 1, Op: wire.WriteFile, Path: path, Data: content, Mode: 0o750})
	if e := receive(t, conn); e.Error != "" {
		t.Fatal(e.Error)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got != 0o750 {
		t.Errorf("mode %v, want -rwxr-x---", got)
	}
	send(t, conn, wire.Request{ID: 2, Op: wire.ReadFile, Path: path})
	if diff := cmp.Diff(wire.Event{ID: 2, Kind: wire.Done, Data: content}, receive(t, conn)); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
}

func TestImpossibleRequestsAreAnsweredWithTheReason(t *testing.T) {
	for _, tt := range []struct {
		name    string
		request wire.Request
		want    string
	}{
		{"no program", wire.Request{Op: wire.Start}, "no program to start"},
		{"unknown program", wire.Request{Op: wire.Start, Argv: []string{"no-such-program"}}, `exec: "no-such-program": executable file not found in $PATH`},
		{"unknown directory", wire.Request{Op: wire.Start, Argv: []string{"/bin/sh"}, Dir: "/none"}, "start /bin/sh: no such file or directory"},
		{"unknown file", wire.Request{Op: wire.ReadFile, Path: "/none"}, "open /none: no such file or directory"},
		{"unknown operation", wire.Request{Op: "dance"}, `unknown operation "dance"`},
		{"no MAC", wire.Request{Op: wire.SetupNIC}, "MAC of the NIC: invalid MAC address"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn := serve(t)
			send(t, conn, tt.request)
			if diff := cmp.Diff(wire.Event{Kind: wire.Done, Error: tt.want}, receive(t, conn)); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}
