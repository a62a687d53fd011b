package ecssim_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

func TestThrottleCountsEachActionByTheMinute(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	c.Throttle(2)
	cl := newClient(c, clk)
	codes := func(action string, n int) (out []string) {
		for range n {
			a := cl.call(t, action)
			if a.code() == "Throttling" && a.status != http.StatusBadRequest {
				t.Errorf("Throttling has status %d, want 400", a.status)
			}
			out = append(out, a.code())
		}
		return out
	}
	want := []string{"", "", "Throttling"}
	if diff := cmp.Diff(want, codes("DescribeNetworkInterfaces", 3)); diff != "" {
		t.Errorf("first action (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff(want, codes("DescribeInstanceTypes", 3)); diff != "" {
		t.Errorf("second action (-want +got)\n%s", diff)
	}
	clk.advance(time.Minute)
	if diff := cmp.Diff(want, codes("DescribeNetworkInterfaces", 3)); diff != "" {
		t.Errorf("next minute (-want +got)\n%s", diff)
	}
	c.Throttle(0)
	if diff := cmp.Diff([]string{"", "", ""}, codes("DescribeNetworkInterfaces", 3)); diff != "" {
		t.Errorf("without a limit (-want +got)\n%s", diff)
	}
}

func TestFaultHitsWhatItMatchesAsOftenAsItSays(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	cl := newClient(c, clk)
	c.SetFaults(
		ecssim.Fault{Target: ecssim.TargetECS, Match: "DescribeInstanceTypes", Code: "Forbidden.RAM", Message: "no"},
		ecssim.Fault{Target: ecssim.TargetECS, Match: "Describe*", Remaining: 2, HTTPStatus: 503, Code: "ServiceUnavailable"},
	)
	var got []string
	for _, action := range []string{
		"DescribeNetworkInterfaces", "DescribeInstanceTypes", "DescribeNetworkInterfaces", "DescribeNetworkInterfaces", "DescribeInstanceTypes",
	} {
		got = append(got, cl.call(t, action).code())
	}
	want := []string{"ServiceUnavailable", "Forbidden.RAM", "ServiceUnavailable", "", "Forbidden.RAM"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if n := len(c.Faults()); n != 1 {
		t.Errorf("%d faults remain, want 1", n)
	}
	c.ClearFaults()
	if a := cl.call(t, "DescribeInstanceTypes"); a.status != http.StatusOK {
		t.Errorf("after clearing: %d %s", a.status, a.code())
	}
}

func TestFaultStatusAndBody(t *testing.T) {
	tests := []struct {
		name   string
		fault  ecssim.Fault
		status int
		body   string // a part of it
	}{
		{"code with its documented status", ecssim.Fault{Code: "Forbidden.RAM", Message: "User not authorized"}, 403, `"Message":"User not authorized"`},
		{"code with another status", ecssim.Fault{Code: "Throttling", HTTPStatus: 429}, 429, `"Code":"Throttling"`},
		{"status alone", ecssim.Fault{HTTPStatus: 502}, 502, "502 - Bad Gateway"},
		{"raw body", ecssim.Fault{RawBody: `{"Code":42}`}, 200, `{"Code":42}`},
		{"raw body with a status", ecssim.Fault{RawBody: "<html>", HTTPStatus: 500}, 500, "<html>"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, _ := newCloud(ecssim.Options{})
			tt.fault.Target = ecssim.TargetECS
			c.SetFaults(tt.fault)
			w := httptest.NewRecorder()
			c.ECS().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/?Action=DescribeInstanceTypes", nil))
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.body) {
				t.Errorf("got %d %s, want %d with %s", w.Code, w.Body, tt.status, tt.body)
			}
		})
	}
}

func TestMetadataAndTokenFaultsAreApart(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	m := metadata{c.Metadata()}
	token := m.token(t, "60")
	c.SetFaults(
		ecssim.Fault{Target: ecssim.TargetToken, HTTPStatus: 429},
		ecssim.Fault{Target: ecssim.TargetMetadata, Match: "meta-data/ram/*", HTTPStatus: 500},
	)
	put, _ := m.do(http.MethodPut, "/latest/api/token", map[string]string{"X-aliyun-ecs-metadata-token-ttl-seconds": "60"})
	ram, _ := m.get("/latest/meta-data/ram/security-credentials/", token)
	id, _ := m.get("/latest/meta-data/instance-id", token)
	if diff := cmp.Diff([]int{429, 500, 200}, []int{put, ram, id}); diff != "" {
		t.Errorf("token, role, instance (-want +got)\n%s", diff)
	}
	var log []string
	for _, r := range c.Requests() {
		log = append(log, string(r.Target)+" "+r.Method+" "+r.Path+" "+http.StatusText(r.Status))
	}
	want := []string{
		"token PUT /latest/api/token OK", "token PUT /latest/api/token Too Many Requests",
		"metadata GET /latest/meta-data/ram/security-credentials/ Internal Server Error", "metadata GET /latest/meta-data/instance-id OK",
	}
	if diff := cmp.Diff(want, log); diff != "" {
		t.Errorf("log (-want +got)\n%s", diff)
	}
}

func TestDroppedConnections(t *testing.T) {
	c, _ := newCloud(ecssim.Options{AllowTokenless: true})
	url := "http://" + listen(t, c.Metadata(), nil) + "/latest/meta-data/instance/instance-type"
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}

	c.SetFaults(ecssim.Fault{Target: ecssim.TargetMetadata, Drop: true, Remaining: 1})
	if r, err := client.Get(url); err == nil {
		r.Body.Close()
		t.Errorf("a dropped connection was answered %d", r.StatusCode)
	}

	c.SetFaults(ecssim.Fault{Target: ecssim.TargetMetadata, DropAfter: 4, Remaining: 1})
	r, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	r.Body.Close()
	if string(body) != "ecs." || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %q, %v; want the first 4 bytes and an unexpected end", body, err)
	}
}

func TestHangEndsWithTheClientOrTheFaults(t *testing.T) {
	for name, end := range map[string]func(*ecssim.Cloud, context.CancelFunc){
		"client": func(_ *ecssim.Cloud, cancel context.CancelFunc) { cancel() },
		"faults": func(c *ecssim.Cloud, _ context.CancelFunc) { c.ClearFaults() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := ecssim.New(ecssim.Options{AllowTokenless: true})
				c.SetFaults(ecssim.Fault{Target: ecssim.TargetMetadata, Hang: true})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				ended := make(chan error, 1)
				go func() { ended <- serveAborted(ctx, c.Metadata()) }()
				synctest.Wait()
				select {
				case reason := <-ended:
					t.Fatalf("the request did not hang: %v", reason)
				default:
				}
				end(c, cancel)
				if reason := <-ended; !errors.Is(reason, http.ErrAbortHandler) {
					t.Errorf("the handler ended with %v, want an aborted connection", reason)
				}
			})
		})
	}
}

// serveAborted sends a request and returns what its handler panicked with.
func serveAborted(ctx context.Context, h http.Handler) (reason error) {
	defer func() { reason, _ = recover().(error) }()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/latest/meta-data/instance-id", nil).WithContext(ctx))
	return nil
}

func TestDelayLastsAsLongAsItSaysAndEndsWithTheRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := ecssim.New(ecssim.Options{AllowTokenless: true})
		c.SetInstance(ecssim.Instance{ID: "i-1", Region: "cn-hangzhou", Type: "ecs.g7.xlarge"})
		c.SetFaults(ecssim.Fault{Target: ecssim.TargetMetadata, Delay: 5 * time.Second})
		start := time.Now()
		status, body := metadata{c.Metadata()}.do(http.MethodGet, "/latest/meta-data/instance-id", nil)
		if took := time.Since(start); took != 5*time.Second || status != 200 || body != "i-1" {
			t.Errorf("got %d %q after %v", status, body, took)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start = time.Now()
		if reason := serveAborted(ctx, c.Metadata()); !errors.Is(reason, http.ErrAbortHandler) {
			t.Errorf("the handler ended with %v, want an aborted connection", reason)
		}
		if took := time.Since(start); took != time.Second {
			t.Errorf("a cancelled request was held for %v", took)
		}
	})
}

func TestImpossibleFaultsAreRefused(t *testing.T) {
	for _, f := range []ecssim.Fault{
		{}, {Target: "disk"}, {Target: ecssim.TargetECS, Remaining: -1}, {Target: ecssim.TargetECS, HTTPStatus: 99},
	} {
		if f.Validate() == nil {
			t.Errorf("%+v is accepted", f)
		}
	}
}
