package eni

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/http/httpguts"
)

// fakeService is a metadata service in hardened mode. It gives tokens token-1,
// token-2, …, of which only the last is good.
type fakeService struct {
	values map[string]string // below /latest/
	status map[string][]int  // answers before the good one
	tokens int
	log    []string
}

func (s *fakeService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/latest/")
	s.log = append(s.log, r.Method+" "+path)
	if next := s.status[path]; len(next) > 0 {
		s.status[path] = next[1:]
		w.WriteHeader(next[0])
		return
	}
	if r.Method == http.MethodPut && path == "api/token" {
		if r.Header.Get("X-aliyun-ecs-metadata-token-ttl-seconds") != "21600" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		s.tokens++
		_, _ = fmt.Fprintf(w, "token-%d", s.tokens)
		return
	}
	if r.Header.Get("X-aliyun-ecs-metadata-token") != fmt.Sprintf("token-%d", s.tokens) {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	value, ok := s.values[path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	_, _ = io.WriteString(w, value)
}

func newMetadata(t *testing.T, h http.Handler) *Metadata {
	t.Helper()
	m, err := NewMetadata(MetadataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	m.http.Transport = handlerTransport{h}
	return m
}

var singleKeys = map[string]string{
	"meta-data/instance-id":            "i-1",
	"meta-data/region-id":              "cn-hangzhou",
	"meta-data/instance/instance-type": "ecs.g7.xlarge\n",
	"meta-data/mac":                    "00:16:3E:00:00:01",
}

func TestIdentityComesFromTheDocumentAndTheSingleKeys(t *testing.T) {
	matters := Identity{InstanceID: "i-1", RegionID: "cn-hangzhou", InstanceType: "ecs.g7.xlarge"}
	full := Identity{InstanceID: "i-1", RegionID: "cn-hangzhou", ZoneID: "cn-hangzhou-i", InstanceType: "ecs.g7.xlarge",
		OwnerAccountID: "1234567890123456", MAC: "00:16:3e:00:00:01"}
	with := func(document string) map[string]string {
		values := map[string]string{"dynamic/instance-identity/document": document}
		for k, v := range singleKeys {
			values[k] = v
		}
		return values
	}
	for _, tt := range []struct {
		name     string
		values   map[string]string
		want     Identity
		wantGets int
	}{
		{"the document has it all", map[string]string{"dynamic/instance-identity/document": `{"zone-id":"cn-hangzhou-i","instance-id":"i-1",
			"region-id":"cn-hangzhou","instance-type":"ecs.g7.xlarge","owner-account-id":"1234567890123456","mac":"00:16:3e:00:00:01"}`}, full, 1},
		{"no document", singleKeys, matters, 4},
		{"document is HTML", with("<html>"), matters, 4},
		{"document lacks some", with(`{"instance-id":"i-1","region-id":"cn-hangzhou","zone-id":null}`), matters, 2},
		{"optional keys missing", map[string]string{"meta-data/instance-id": "i-1", "meta-data/region-id": "cn-hangzhou"},
			Identity{InstanceID: "i-1", RegionID: "cn-hangzhou"}, 4},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &fakeService{values: tt.values}
			got, err := newMetadata(t, s).Identity(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("identity (-want +got):\n%s", d)
			}
			if s.tokens != 1 || len(s.log) != 1+tt.wantGets {
				t.Errorf("%d tokens, requests %q; want 1 token, %d GETs", s.tokens, s.log, tt.wantGets)
			}
		})
	}
}

func TestValuesThatAreNoIdsAreRefused(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{"<html>\n<body>login</body>", `got "<html> <body>login</body>"`},
		{"i-1\ni-2", `got "i-1 i-2"`},
		{"", "got an empty body"},
		{strings.Repeat("i", 129), "want one word"},
	} {
		m := newMetadata(t, &fakeService{values: map[string]string{"meta-data/instance-id": tt.value}})
		_, err := m.Identity(t.Context())
		checkIs(t, err, ErrMalformed)
		if !strings.HasPrefix(errText(err), "metadata meta-data/instance-id: want one word") || !strings.Contains(errText(err), tt.want) {
			t.Errorf("%q: %v", tt.value, err)
		}
	}
}

func TestInterfacesJoinsMACsWithENIs(t *testing.T) {
	const macs = "meta-data/network/interfaces/macs/"
	m := newMetadata(t, &fakeService{values: map[string]string{
		macs: "00:16:3e:00:00:01/\n00:16:3e:00:00:02/\n",
		macs + "00:16:3e:00:00:01/network-interface-id": "eni-1",
	}})
	got, err := m.Interfaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]MetadataInterface{{"00:16:3e:00:00:01", "eni-1"}, {"00:16:3e:00:00:02", ""}}, got); d != "" {
		t.Errorf("interfaces (-want +got):\n%s", d)
	}
}

func TestInterfacesRefusesAPageInPlaceOfTheList(t *testing.T) {
	m := newMetadata(t, &fakeService{values: map[string]string{"meta-data/network/interfaces/macs/": "<html></html>"}})
	_, err := m.Interfaces(t.Context())
	checkIs(t, err, ErrMalformed)
}

func TestTheTokenIsReusedAndReplacedBeforeItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &fakeService{values: singleKeys}
		m := newMetadata(t, s)
		for _, step := range []struct {
			wait       time.Duration
			wantTokens int
		}{{0, 1}, {tokenTTL - tokenMargin - time.Second, 1}, {time.Second, 2}, {time.Minute, 2}} {
			time.Sleep(step.wait)
			if _, err := m.Identity(t.Context()); err != nil {
				t.Fatal(err)
			}
			if s.tokens != step.wantTokens {
				t.Errorf("%d tokens, want %d", s.tokens, step.wantTokens)
			}
		}
	})
}

func TestATokenThatTheServiceForgotIsFetchedAnewOnce(t *testing.T) {
	s := &fakeService{values: singleKeys}
	m := newMetadata(t, s)
	if _, err := m.get(t.Context(), "meta-data/mac"); err != nil {
		t.Fatal(err)
	}
	s.tokens = 10 // as after a restart of the service
	if _, err := m.get(t.Context(), "meta-data/mac"); err != nil {
		t.Fatal(err)
	}
	want := []string{"PUT api/token", "GET meta-data/mac", "GET meta-data/mac", "PUT api/token", "GET meta-data/mac"}
	if d := cmp.Diff(want, s.log); d != "" {
		t.Errorf("requests (-want +got):\n%s", d)
	}
	s.log, s.status = nil, map[string][]int{"meta-data/mac": {401, 401}}
	_, err := m.get(t.Context(), "meta-data/mac")
	checkIs(t, err, ErrDenied)
	if len(s.log) != 3 {
		t.Errorf("requests %q, want GET, PUT, GET", s.log)
	}
}

func TestMetadataStatusesDecideAboutRetrying(t *testing.T) {
	const path, token = "meta-data/mac", "api/token"
	for _, tt := range []struct {
		name     string
		status   map[string][]int
		wantErr  error
		requests int
	}{
		{"429 passes", map[string][]int{path: {429}}, nil, 3},
		{"5xx passes", map[string][]int{path: {500, 503}}, nil, 4},
		{"5xx stays", map[string][]int{path: {500, 500, 500}}, ErrServer, 4},
		{"404 is final", map[string][]int{path: {404}}, ErrNotFound, 2},
		{"403 is final", map[string][]int{path: {403}}, ErrDenied, 2},
		{"redirects are not followed", map[string][]int{path: {302}}, ErrMalformed, 2},
		{"token 503 passes", map[string][]int{token: {503, 429}}, nil, 4},
		{"no token mode: 404", map[string][]int{token: {404}}, ErrInvalid, 1},
		{"no token mode: 403", map[string][]int{token: {403}}, ErrInvalid, 1},
		{"no token mode: 405", map[string][]int{token: {405}}, ErrInvalid, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &fakeService{values: singleKeys, status: tt.status}
				_, err := newMetadata(t, s).get(t.Context(), path)
				checkIs(t, err, tt.wantErr)
				if len(s.log) != tt.requests {
					t.Errorf("requests %q, want %d", s.log, tt.requests)
				}
			})
		})
	}
}

func TestAServiceWithoutTokensGetsAClearError(t *testing.T) {
	_, err := newMetadata(t, http.NotFoundHandler()).Identity(t.Context())
	const want = "metadata api/token: the service gives no tokens, and enitune asks with a token only (invalid, HTTP 404); " +
		"check that 100.100.100.200 is the ECS metadata service and that it is enabled for this instance"
	if d := cmp.Diff(want, errText(err)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestATokenReplyThatIsNoTokenIsRefusedAndNotQuoted(t *testing.T) {
	for _, reply := range []string{"", "two words", "line\nbreak", strings.Repeat("x", 1001), "<html> " + canaryToken} {
		m := newMetadata(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, reply) }))
		_, err := m.Identity(t.Context())
		checkIs(t, err, ErrMalformed)
		mustNotLeak(t, errText(err))
	}
}

func TestAMetadataReplyOfMoreThanOneMiBIsRefused(t *testing.T) {
	m := newMetadata(t, &fakeService{values: map[string]string{"meta-data/mac": strings.Repeat("x", maxMetadata+1)}})
	_, err := m.get(t.Context(), "meta-data/mac")
	checkIs(t, err, ErrMalformed)
}

func TestMetadataNeverUsesAProxy(t *testing.T) {
	m, err := NewMetadata(MetadataOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if tr, ok := m.http.Transport.(*http.Transport); !ok || tr.Proxy != nil {
		t.Error("the metadata client has a proxy")
	}
}

func TestCancellationAbortsAMetadataRequestAndThoseThatWaitForItsToken(t *testing.T) {
	arrived := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	m, err := NewMetadata(MetadataOptions{BaseURL: s.URL, Timeout: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error, 2)
	ask := func() { _, err := m.Identity(ctx); result <- err }
	go ask()
	<-arrived
	go ask() // this one waits for the first one's token, or has not begun to
	cancel()
	for range 2 {
		if err := <-result; !errors.Is(err, ErrCanceled) || !errors.Is(err, context.Canceled) {
			t.Errorf("error %v, want canceled", err)
		}
	}
}

func TestNewMetadataRefusesBadOptions(t *testing.T) {
	for _, o := range []MetadataOptions{
		{BaseURL: "100.100.100.200"}, {BaseURL: "http://h/latest"}, {BaseURL: "http://u:p@h"}, {BaseURL: "file:///etc"},
		{Timeout: -1}, {Attempts: -1},
	} {
		if _, err := NewMetadata(o); err == nil || strings.Contains(err.Error(), "u:p") {
			t.Errorf("%+v: error %v", o, err)
		}
	}
}

// FuzzMetadataValue: a single value of the metadata service is a word, which can
// stand in a path, a label and a host name, or refused in one line; a token can
// stand in a header.
func FuzzMetadataValue(f *testing.F) {
	for _, seed := range []string{"i-bp1test", "cn-hangzhou", "<html>\n<title>404</title>", "../../latest/user-data", "a b", "role/\n", "\x1b[31m", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := parseWord(text); err != nil {
			checkText(t, err.Error())
		} else if v != text || strings.ContainsAny(v, "/\\ \n\"<>&?#%") || strings.HasPrefix(v, ".") {
			t.Errorf("%q is a word", v)
		}
		if v, err := parseRegion(text); err != nil {
			checkText(t, err.Error())
		} else if u, err := url.Parse("https://ecs-vpc." + v + ".aliyuncs.com"); err != nil || u.Host != "ecs-vpc."+v+".aliyuncs.com" {
			t.Errorf("%q is a region", v)
		}
		if isToken(text) && !httpguts.ValidHeaderFieldValue(text) {
			t.Errorf("%q is a token", text)
		}
	})
}
