//go:build lab

package boot

import (
	"context"
	"io"
	"net/http"
	"regexp"
	"strings"
)

// states are whether a unit is enabled, its state and its sub-state.
func (s *system) states(unit string) string {
	s.t.Helper()
	return s.show(unit, "UnitFileState") + " " + s.show(unit, "ActiveState") + " " + s.show(unit, "SubState")
}

// pid is the daemon's process ID, "0" when there is none.
func (s *system) pid() string {
	s.t.Helper()
	return s.show("enitune.service", "MainPID")
}

// wantStatus compares systemctl's Status line.
func (s *system) wantStatus(pattern string) {
	s.t.Helper()
	if got := s.show("enitune.service", "StatusText"); !regexp.MustCompile(pattern).MatchString(got) {
		s.t.Errorf("the status is %q, want one like %q", got, pattern)
	}
}

// metrics reads the daemon's exposition over the guest's network.
func (s *system) metrics() string {
	s.t.Helper()
	body, err := s.get("http://" + guestAddr + ":10056/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	return body
}

func (s *system) get(url string) (string, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}

// names are the names of the metrics in an exposition.
func names(exposition string) []string {
	var all []string
	for line := range strings.Lines(exposition) {
		if name, found := strings.CutPrefix(line, "# TYPE "); found {
			all = append(all, strings.Fields(name)[0])
		}
	}
	return all
}
