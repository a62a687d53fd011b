package main

import (
	"log/slog"
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
	ready  bool
	status string
	fed    time.Time
}

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
		s.ready = true
		state = daemon.SdNotifyReady + "\n" + state
	case status == s.status:
		return
	}
	s.status = status
	s.send(state)
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
	s.fed = now
	s.send(daemon.SdNotifyWatchdog)
}

func (s *systemd) send(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		s.log.Warn("cannot tell systemd", "error", err)
	}
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
