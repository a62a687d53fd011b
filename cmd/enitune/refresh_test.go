package main

import (
	"context"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
)

func TestARefreshIsOverWhenTheCloudWasReadAnew(t *testing.T) {
	start := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	report := func(at time.Duration, up bool, attempt time.Duration, err string) agent.Report {
		return agent.Report{Time: start.Add(at), Sources: []agent.SourceHealth{
			{Source: "metadata"}, {Source: "api", Up: up, LastAttempt: start.Add(attempt), Error: err},
		}}
	}
	before := report(0, true, 0, "")
	down := report(0, false, 0, "no route")
	tests := []struct {
		name          string
		before, after agent.Report
		want          bool
	}{
		{"the same report", before, before, false},
		{"a look at the NICs only", before, report(1, true, 0, ""), false},
		{"a new read", before, report(2, true, 1, ""), true},
		{"a failed read", before, report(2, false, 1, "no route"), true},
		{"down and not asked again", down, report(2, false, 0, "no route"), false},
		{"down in the same way again", down, report(2, false, 1, "no route"), true},
		{"down in another way", down, report(2, false, 1, "no credentials"), true},
		{"up again", down, report(2, true, 1, ""), true},
		{"no report before, none of the cloud yet", agent.Report{}, report(1, false, 0, ""), false},
		{"no report before, the cloud was read", agent.Report{}, report(1, true, 1, ""), true},
		{"no cloud at all", agent.Report{Time: start}, agent.Report{Time: start.Add(1), Determined: true}, true},
		{"not asked yet, with a cache", agent.Report{Time: start},
			agent.Report{Time: start.Add(1), Determined: true, Desired: agent.Origin{Origin: agent.OriginCache}}, false},
		{"not asked yet, nothing known", agent.Report{Time: start}, agent.Report{Time: start.Add(1)}, false},
	}
	for _, tt := range tests {
		if got := refreshed(tt.before, tt.after); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

// serveDaemon answers in place of a daemon.
func serveDaemon(t *testing.T, h http.HandlerFunc) daemonSocket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
	return daemonSocket{path}
}

func TestWhatTheDaemonAnswersToARefresh(t *testing.T) {
	for status, want := range map[int]string{
		http.StatusAccepted:  "",
		http.StatusForbidden: "only root may",
		http.StatusNotFound:  "older version; use systemctl reload enitune",
	} {
		d := serveDaemon(t, func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = w.Write([]byte("only root may\n"))
		})
		err := d.refresh(t.Context())
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%d: %v, want %q", status, err, want)
		}
	}
	err := daemonSocket{filepath.Join(t.TempDir(), "none")}.refresh(t.Context())
	if err == nil || !strings.Contains(err.Error(), "no such file or directory; start it (systemctl start enitune)") {
		t.Errorf("no daemon: %v", err)
	}
}

func TestWaitingForARefreshEndsAtItsDeadlineAndOnAnInterrupt(t *testing.T) {
	d := serveDaemon(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	before := agent.Report{Sources: []agent.SourceHealth{{Source: "api", Error: "no route"}}}
	if _, err := awaitRefresh(t.Context(), d, before, time.Nanosecond); err == nil || !strings.Contains(err.Error(), "within 1ns: still no route") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := awaitRefresh(ctx, d, before, time.Hour); err == nil || !strings.Contains(err.Error(), "interrupted") {
		t.Errorf("%v", err)
	}
}
