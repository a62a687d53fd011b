package main

import (
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// notifySocket stands for systemd; it gives the messages that came so far.
func notifySocket(t *testing.T) (received func() []string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func() (messages []string) {
		t.Helper()
		// What was sent is in the socket's queue; a message of our own ends it.
		end, err := net.DialUnix("unixgram", nil, conn.LocalAddr().(*net.UnixAddr))
		if err != nil {
			t.Fatal(err)
		}
		defer end.Close()
		if _, err := end.Write([]byte("end")); err != nil {
			t.Fatal(err)
		}
		for buf := make([]byte, 4096); ; {
			n, err := conn.Read(buf)
			if err != nil {
				t.Fatal(err)
			}
			if string(buf[:n]) == "end" {
				return messages
			}
			messages = append(messages, string(buf[:n]))
		}
	}
}

func TestSystemdIsToldOnceWhatIsNew(t *testing.T) {
	received := notifySocket(t)
	s := newSystemd(slog.New(slog.DiscardHandler))
	s.reloading()() // before it is ready: nothing
	for _, status := range []string{"2 ENIs in sync", "2 ENIs in sync", "eth1 queues 2/4: kernel refused"} {
		s.says(status)
	}
	done := s.reloading()
	during := received()
	done()
	want := []string{"READY=1\nSTATUS=2 ENIs in sync", "STATUS=eth1 queues 2/4: kernel refused"}
	if diff := cmp.Diff(want, during[:min(2, len(during))]); diff != "" {
		t.Error(diff)
	}
	if len(during) != 3 || !strings.HasPrefix(during[2], "RELOADING=1\nMONOTONIC_USEC=") {
		t.Errorf("a reload is told as %q", during[min(2, len(during)):])
	}
	if after := received(); len(after) != 1 || after[0] != "READY=1" {
		t.Errorf("its end is told as %q", after)
	}
}

func TestTheWatchdogIsFedAsOftenAsSystemdAsks(t *testing.T) {
	received := notifySocket(t)
	t.Setenv("WATCHDOG_USEC", "3600000000")
	s := newSystemd(slog.New(slog.DiscardHandler))
	if s.every() != 20*time.Minute {
		t.Errorf("every %v, want a third of an hour", s.every())
	}
	s.alive()
	s.alive()
	if got := received(); len(got) != 1 || got[0] != "WATCHDOG=1" {
		t.Errorf("twice in a moment: %q", got)
	}
	s.fed = s.fed.Add(-s.every())
	s.alive()
	if got := received(); len(got) != 1 {
		t.Errorf("20 minutes later: %q", got)
	}
}

func TestWithoutAWatchdogNothingIsFed(t *testing.T) {
	received := notifySocket(t)
	t.Setenv("WATCHDOG_USEC", "")
	s := newSystemd(slog.New(slog.DiscardHandler))
	s.alive()
	if got := received(); s.every() != 0 || len(got) != 0 {
		t.Errorf("every %v, %q", s.every(), got)
	}
}

func TestTheMachinesSerialIsHandedOver(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	file := filepath.Join(dir, "machine-serial")
	ids := map[string]bool{}
	for _, serial := range []string{"5e1f0a0e-77f4-4a31-9a52-000000000001\n", "5e1f0a0e-77f4-4a31-9a52-000000000002\n"} {
		if err := os.WriteFile(file, []byte(serial), 0o600); err != nil {
			t.Fatal(err)
		}
		ids[machineID()] = true
	}
	if ids[""] || len(ids) != 2 {
		t.Errorf("got %v, want two different ids", ids)
	}
	if err := os.WriteFile(file, []byte("none"), 0o600); err != nil {
		t.Fatal(err)
	}
	if id := machineID(); id != "" {
		t.Errorf("with no serial number: %q", id)
	}
}

func TestAnInitThatHangsHoldsUpNothingAndIsToldLater(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	t.Setenv("NOTIFY_SOCKET", path)
	// Fill the queue of what nobody reads.
	full, err := net.DialUnix("unixgram", nil, conn.LocalAddr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	sent := 0
	for ; err == nil; sent++ {
		if err = full.SetWriteDeadline(time.Now().Add(notifyPatience)); err == nil {
			_, err = full.Write([]byte("x"))
		}
	}
	s := newSystemd(slog.New(slog.DiscardHandler))
	s.says("in sync") // would wait for good
	buf := make([]byte, 4096)
	for range sent - 1 {
		if _, err := conn.Read(buf); err != nil {
			t.Fatal(err)
		}
	}
	s.says("in sync")
	n, err := conn.Read(buf)
	if got := string(buf[:n]); err != nil || got != "READY=1\nSTATUS=in sync" {
		t.Errorf("got %q, %v", got, err)
	}
}

func TestASystemdThatStartedAnewIsFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	t.Setenv("NOTIFY_SOCKET", path)
	s := newSystemd(slog.New(slog.DiscardHandler))
	for _, status := range []string{"one", "two"} {
		conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		s.says(status)
		buf := make([]byte, 4096)
		n, err := conn.Read(buf)
		if got := string(buf[:n]); err != nil || !strings.HasSuffix(got, "STATUS="+status) {
			t.Errorf("got %q, %v", got, err)
		}
		if err := errors.Join(conn.Close(), os.RemoveAll(path)); err != nil {
			t.Fatal(err)
		}
	}
}
