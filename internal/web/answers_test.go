package web

import (
	"cmp"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

func TestAnswersAreCompressedWhereItIsWorthIt(t *testing.T) {
	long, short := strings.Repeat("enitune_drift{device=\"eth0\"} 0\n", 1000), "ok\n"
	tests := []struct {
		name, method, accept, kind, body, want string
		status                                 int
	}{
		{name: "a scrape", accept: "gzip", body: long, want: "gzip"},
		{name: "a browser", accept: "deflate, gzip, br", body: long, want: "gzip"},
		{name: "the client takes none", accept: "identity", body: long},
		{name: "the client takes another one", accept: "zstd", body: long},
		{name: "the client refuses it", accept: "gzip;q=0", body: long},
		{name: "the client says nothing", body: long},
		{name: "a short answer", accept: "gzip", body: short},
		{name: "an empty answer", accept: "gzip"},
		{name: "a long refusal", accept: "gzip", body: long, status: http.StatusServiceUnavailable, want: "gzip"},
		{name: "a short refusal", accept: "gzip", body: short, status: http.StatusServiceUnavailable},
		{name: "a profile", accept: "gzip", kind: "application/octet-stream", body: long},
		{name: "only the header", method: http.MethodHead, accept: "gzip", body: long},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := options()
			o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				if tt.kind != "" {
					w.Header().Set("Content-Type", tt.kind)
				}
				if tt.status != 0 {
					w.WriteHeader(tt.status)
				}
				for i := 0; i < len(tt.body); i += 10_000 { // in parts, as of a handler that streams
					_, _ = io.WriteString(w, tt.body[i:min(len(tt.body), i+10_000)])
				}
			})
			r, err := http.NewRequestWithContext(t.Context(), cmp.Or(tt.method, http.MethodGet), "http://"+start(t, o)+"/metrics", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.accept != "" {
				r.Header.Set("Accept-Encoding", tt.accept)
			}
			resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			body := io.Reader(resp.Body)
			if tt.want == "gzip" {
				if body, err = gzip.NewReader(resp.Body); err != nil {
					t.Fatal(err)
				}
			}
			text, err := io.ReadAll(body)
			if want := tt.body; err != nil || string(text) != want && tt.method != http.MethodHead || resp.Header.Get("Content-Encoding") != tt.want {
				t.Errorf("%q, %d bytes, %v", resp.Header.Get("Content-Encoding"), len(text), err)
			}
			if resp.StatusCode != cmp.Or(tt.status, http.StatusOK) || resp.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s, %v", resp.Status, resp.Header)
			}
			if kind := cmp.Or(tt.kind, "text/plain; charset=utf-8"); tt.body != "" && resp.Header.Get("Content-Type") != kind {
				t.Errorf("content type %q, want %q", resp.Header.Get("Content-Type"), kind)
			}
		})
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
