package main

import (
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// systemd tells systemd how the daemon is (sd_notify(3)). Without systemd
// nothing is told.
type systemd struct {
	log *slog.Logger
	// watchdog is the time after which systemd restarts a daemon that does not
	// say that it is alive; 0 for never.
	watchdog time.Duration

	mu     sync.Mutex
	conn   *net.UnixConn // kept open, so that it is there when descriptors run out; nil before the first message
	ready  bool
	status string
	fed    time.Time
	failed string // why the last message did not go out
}

// notifyPatience is how long a message waits for room in systemd's queue. An init
// that hangs does not empty it, and is not to hold up the reconcile loop.
const notifyPatience = 100 * time.Millisecond

func newSystemd(log *slog.Logger) *systemd {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		log.Warn("systemd's watchdog is left alone", "error", err)
	}
	return &systemd{log: log, watchdog: watchdog}
}

// says sets the line that systemctl status shows. The first one also tells that
// the daemon is ready.
func (s *systemd) says(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := "STATUS=" + status
	switch {
	case !s.ready:
		state = daemon.SdNotifyReady + "\n" + state
	case status == s.status:
		return
	}
	if s.send(state) {
		s.ready, s.status = true, status
	}
}

// reloading tells that a reload has begun; done that it has ended. Before the
// daemon is ready neither is told.
func (s *systemd) reloading() (done func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.ready {
		return func() {}
	}
	s.send(daemon.SdNotifyReloading + "\n" + daemon.SdNotifyMonotonicUsec())
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.send(daemon.SdNotifyReady)
	}
}

// every is how often alive should be called at least; 0 if it need not be. With
// the calls that are passed over, half of the watchdog's time is the longest
// silence of a daemon that is well.
func (s *systemd) every() time.Duration { return s.watchdog / 3 }

// alive feeds the watchdog. It may be called often.
func (s *systemd) alive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.watchdog == 0 || now.Sub(s.fed) < s.every()/2 {
		return
	}
	if s.send(daemon.SdNotifyWatchdog) {
		s.fed = now
	}
}

// send sends a message, and tells whether it went out. Why not is logged once.
func (s *systemd) send(state string) bool {
	err := s.write(state)
	if err != nil && s.conn != nil { // a systemd that started anew has another socket
		_ = s.conn.Close()
		s.conn = nil
		err = s.write(state)
	}
	if err == nil {
		s.failed = ""
		return true
	}
	if why := err.Error(); why != s.failed {
		s.failed = why
		s.log.Warn("cannot tell systemd", "error", err)
	}
	return false
}

// write sends a message to the socket that systemd names; without one it does
// nothing.
func (s *systemd) write(state string) error {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil
	}
	if s.conn == nil {
		conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
		if err != nil {
			return err
		}
		s.conn = conn
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(notifyPatience)); err != nil {
		return err
	}
	_, err := s.conn.Write([]byte(state))
	return err
}

// credential reads what the unit hands over with LoadCredential= (systemd.exec(5));
// "" if it hands over none of this name.
func credential(name string) string {
	dir := os.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return ""
	}
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return ""
	}
	return string(data)
}
