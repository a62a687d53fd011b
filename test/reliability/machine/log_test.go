//go:build netns

package machine

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/netns"
)

// unread gives both ends of a pipe in which there is no room.
func unread(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	fd := int(w.Fd()) // blocks from here on, as that of a program does
	if err := unix.SetNonblock(fd, true); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = unix.Write(fd, make([]byte, 4096))
	}
	if !errors.Is(err, unix.EAGAIN) {
		t.Fatal(err)
	}
	if err := unix.SetNonblock(fd, false); err != nil {
		t.Fatal(err)
	}
	return r, w
}

// works runs the daemon, whose log nobody reads, fails the test if it does not do all
// that a daemon does, and ends it. meanwhile is called before its end.
func (i *instance) works(cmd *exec.Cmd, meanwhile func()) {
	i.t.Helper()
	if err := cmd.Start(); err != nil {
		i.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { defer close(ended); _ = cmd.Wait() }()
	i.t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	i.awaitChannels(4)
	for range 2 {
		netns.SetChannels(i.t, device, 1)
		i.awaitChannels(4)
	}
	if _, status, err := i.get("/status"); status != 200 || err != nil {
		i.t.Errorf("status %d, %v", status, err)
	}
	i.give(6)
	if res := i.run("reload"); res.Code != 0 {
		i.t.Errorf("reload: %+v", res)
	}
	i.awaitChannels(6)
	meanwhile()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		i.t.Fatal(err)
	}
	select {
	case <-ended:
	case <-time.After(patience):
		i.t.Fatal("it does not end")
	}
	if code := cmd.ProcessState.ExitCode(); code != 0 {
		i.t.Errorf("it ends with %d (%v)", code, cmd.ProcessState)
	}
}

func TestALogThatNobodyReadsHoldsUpNothing(t *testing.T) {
	nothing := func() {}
	t.Run("a pipe", func(t *testing.T) {
		i := newInstance(t)
		cmd := i.daemon()
		_, cmd.Stderr = unread(t)
		i.works(cmd, nothing)
	})
	t.Run("a pipe that is read again later", func(t *testing.T) {
		i := newInstance(t)
		cmd := i.daemon()
		r, w := unread(t)
		cmd.Stderr = w
		var text bytes.Buffer
		read := make(chan error, 1)
		i.works(cmd, func() {
			go func() {
				_, err := io.Copy(&text, r)
				read <- err
			}()
		})
		w.Close()
		if err := <-read; err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"enitune starts", "eth1 queues: 1 -> 4", "configuration unchanged", "eth1 queues: 4 -> 6", "enitune ends"} {
			if !bytes.Contains(text.Bytes(), []byte(want)) {
				t.Errorf("%q is not in the log:\n%s", want, bytes.Trim(text.Bytes(), "\x00"))
			}
		}
	})
	t.Run("a pipe whose reader has gone", func(t *testing.T) {
		i := newInstance(t)
		cmd := i.daemon()
		r, w := unread(t)
		r.Close()
		cmd.Stderr = w
		i.works(cmd, nothing)
	})
	t.Run("a journal", func(t *testing.T) {
		i := newInstance(t)
		cmd := i.daemon()
		stderr, err := os.Create(i.path("stderr"))
		if err != nil {
			t.Fatal(err)
		}
		defer stderr.Close()
		var stat unix.Stat_t
		if err := unix.Fstat(int(stderr.Fd()), &stat); err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(cmd.Env, fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino))
		cmd.Stderr = stderr
		elsewhere(t, func() error {
			return errors.Join(ownMounts(), unix.Mount("none", "/run", "tmpfs", 0, ""), hungJournal(t))
		}, func() { i.works(cmd, nothing) })
		if text := read(t, i.path("stderr")); text != "" {
			t.Errorf("this did not go to the journal: %s", text)
		}
	})
}

// hungJournal stands for a journal that has stopped to read: a socket with a full
// queue.
func hungJournal(t *testing.T) error {
	address := &net.UnixAddr{Name: "/run/systemd/journal/socket", Net: "unixgram"}
	if err := os.MkdirAll(filepath.Dir(address.Name), 0o755); err != nil {
		return err
	}
	journal, err := net.ListenUnixgram("unixgram", address)
	if err != nil {
		return err
	}
	t.Cleanup(func() { journal.Close() })
	conn, err := net.DialUnix("unixgram", nil, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	for err == nil {
		if err = conn.SetWriteDeadline(time.Now().Add(100 * time.Millisecond)); err == nil {
			_, err = conn.Write([]byte("x"))
		}
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return nil
	}
	return err
}
