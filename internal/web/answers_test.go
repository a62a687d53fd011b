package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestALongAnswerIsCompressedForClientsThatTakeIt(t *testing.T) {
	long := strings.Repeat("enitune_drift{device=\"eth0\"} 0\n", 1000)
	o := options()
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, long) })
	addr := start(t, o)
	for accept, want := range map[string]string{"gzip": "gzip", "identity": "", "zstd": ""} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept-Encoding", accept)
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body := io.Reader(resp.Body)
		if want == "gzip" {
			if body, err = gzip.NewReader(resp.Body); err != nil {
				t.Fatal(err)
			}
		}
		text, err := io.ReadAll(body)
		if err != nil || string(text) != long || resp.Header.Get("Content-Encoding") != want {
			t.Errorf("%s: %q, %d bytes, %v", accept, resp.Header.Get("Content-Encoding"), len(text), err)
		}
	}
}

func TestProfilesAreServedOnRequestOnly(t *testing.T) {
	on := false
	o := options()
	o.Profiles = func() bool { return on }
	addr := start(t, o)
	for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline"} {
		if resp, body := fetch(t, http.DefaultClient, "GET", "http://"+addr+path); resp.StatusCode != http.StatusNotFound || !strings.Contains(body, "web.pprof") {
			t.Errorf("%s: %s %q", path, resp.Status, body)
		}
	}
	on = true
	if resp, body := fetch(t, http.DefaultClient, "GET", "http://"+addr+"/debug/pprof/goroutine?debug=1"); resp.StatusCode != http.StatusOK || !strings.Contains(body, "goroutine profile:") {
		t.Errorf("%s %q", resp.Status, body)
	}
}

func TestAFewProfilesAreTakenAtATime(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	h := atMost(profilesAtOnce, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		entered <- struct{}{}
		<-release
	}))
	ask := func() int {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/debug/pprof/trace", nil))
		return w.Code
	}
	var taken sync.WaitGroup
	for range profilesAtOnce {
		taken.Go(func() { ask() })
		<-entered
	}
	if code := ask(); code != http.StatusServiceUnavailable {
		t.Errorf("one more: %d", code)
	}
	close(release)
	taken.Wait()
	taken.Go(func() {
		if code := ask(); code != http.StatusOK {
			t.Errorf("afterwards: %d", code)
		}
	})
	<-entered
	taken.Wait()
}
