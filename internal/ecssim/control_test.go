package ecssim_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

// control sends one request to the control API.
func control(t *testing.T, c *ecssim.Cloud, method, path, body string) (int, string) {
	t.Helper()
	w := httptest.NewRecorder()
	c.Control().ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

func TestControlChangesENIs(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	steps := []struct {
		method, path, body string
		status             int
		want               []ecssim.ENI
	}{
		{"PUT", "/enis/eni-1", `{"mac":"00:16:3e:00:00:01","instance_id":"i-1","queue_number":4,"tags":{"a":"1"}}`, 200, []ecssim.ENI{{
			ID: "eni-1", MAC: "00:16:3e:00:00:01", Type: "Secondary", Status: "InUse", TrafficMode: "Standard", InstanceID: "i-1",
			QueueNumber: new(4), Tags: map[string]string{"a": "1"}}}},
		{"PATCH", "/enis/eni-1", `{"queue_number":null,"tags":{"b":"2"},"rx_queue_size":8192}`, 200, []ecssim.ENI{{
			ID: "eni-1", MAC: "00:16:3e:00:00:01", Type: "Secondary", Status: "InUse", TrafficMode: "Standard", InstanceID: "i-1",
			RxQueueSize: new(8192), Tags: map[string]string{"a": "1", "b": "2"}}}},
		{"PUT", "/enis/eni-1", `{"mac":"00:16:3e:00:00:01"}`, 200, []ecssim.ENI{{
			ID: "eni-1", MAC: "00:16:3e:00:00:01", Type: "Secondary", Status: "Available", TrafficMode: "Standard"}}},
		{"DELETE", "/enis/eni-1", "", 204, []ecssim.ENI{}},
	}
	for _, s := range steps {
		if status, body := control(t, c, s.method, s.path, s.body); status != s.status {
			t.Fatalf("%s %s: %d %s, want %d", s.method, s.path, status, body, s.status)
		}
		if diff := cmp.Diff(s.want, c.ENIs()); diff != "" {
			t.Errorf("after %s %s (-want +got)\n%s", s.method, s.body, diff)
		}
	}
}

func TestControlRefusesBadRequestsAndChangesNothing(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	someENIs(c)
	before := c.ENIs()
	for _, tt := range []struct {
		method, path, body string
		status             int
		message            string // a part of it
	}{
		{"PUT", "/enis/eni-x", `{"mac":"00:16:3e:00:00:09","queues":4}`, 400, `unknown field \"queues\"`},
		{"PUT", "/enis/eni-x", `{"mac":"nonsense"}`, 400, "mac"},
		{"PUT", "/enis/eni-x", `{"id":"eni-y","mac":"00:16:3e:00:00:09"}`, 400, "they must be equal"},
		{"PATCH", "/enis/eni-second", `{"type":"Tertiary"}`, 400, "allowed are Primary, Secondary"},
		{"PATCH", "/enis/eni-second", `{"rings_in_reply":"everywhere"}`, 400, "traffic_config"},
		{"PATCH", "/enis/eni-second", `{} {}`, 400, "more than one"},
		{"PATCH", "/enis/eni-none", `{}`, 404, "no such ENI"},
		{"DELETE", "/enis/eni-none", "", 404, "no such ENI"},
		{"PATCH", "/instances/i-none", `{}`, 404, "no such instance"},
		{"PATCH", "/instances/i-1", `{"state":"Stopped"}`, 400, "unknown field"},
		{"PUT", "/faults", `[{"target":"disk"}]`, 400, "allowed are ecs, metadata, token"},
		{"PUT", "/faults", `[{"target":"ecs","delay":"soon"}]`, 400, "write it as 1.5s"},
		{"PUT", "/throttle", `{"per_hour":1}`, 400, "unknown field"},
	} {
		status, body := control(t, c, tt.method, tt.path, tt.body)
		if status != tt.status || !strings.Contains(body, tt.message) {
			t.Errorf("%s %s %s: %d %s, want %d with %q", tt.method, tt.path, tt.body, status, body, tt.status, tt.message)
		}
	}
	if diff := cmp.Diff(before, c.ENIs()); diff != "" {
		t.Errorf("ENIs (-want +got)\n%s", diff)
	}
}

func TestControlSteersTheRest(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	someENIs(c)
	must := func(method, path, body string) string {
		t.Helper()
		status, text := control(t, c, method, path, body)
		if status >= 300 {
			t.Fatalf("%s %s: %d %s", method, path, status, text)
		}
		return text
	}
	cl := newClient(c, clk)

	must("PATCH", "/instances/i-1", `{"status":"Stopped"}`)
	if a := cl.call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-second", "QueueNumber=4"); a.status != 200 {
		t.Errorf("with the instance stopped: %v", a.body)
	}
	must("PUT", "/instances/i-9?current=true", `{"region":"cn-beijing","type":"ecs.x","role_name":"R"}`)
	if in, _ := c.CurrentInstance(); in.ID != "i-9" || in.Status != ecssim.InstanceRunning {
		t.Errorf("current instance %+v", in)
	}
	must("PUT", "/role", `{"name":""}`)
	if in, _ := c.CurrentInstance(); in.RoleName != "" {
		t.Errorf("role %q", in.RoleName)
	}
	must("PUT", "/types/ecs.x", `{"SecondaryEniQueueNumber":7}`)
	if types := must("GET", "/types", ""); !strings.Contains(types, `"SecondaryEniQueueNumber": 7`) {
		t.Errorf("types: %s", types)
	}
	must("PUT", "/faults", `[{"target":"ecs","match":"Describe*","code":"Throttling","delay":"1.5s","remaining":3}]`)
	want := []ecssim.Fault{{Target: ecssim.TargetECS, Match: "Describe*", Code: "Throttling", Delay: 1500 * time.Millisecond, Remaining: 3}}
	if diff := cmp.Diff(want, c.Faults()); diff != "" {
		t.Errorf("faults (-want +got)\n%s", diff)
	}
	must("DELETE", "/faults", "")
	must("PUT", "/keys/ak2", `{"secret":"sk2"}`)
	second := &client{handler: c.ECS(), clock: clk, id: "ak2", secret: "sk2"}
	if a := second.call(t, "DescribeInstanceTypes"); a.status != 200 {
		t.Errorf("with the new key: %v", a.body)
	}
	must("PUT", "/throttle", `{"per_minute":1}`)
	cl.call(t, "DescribeInstanceTypes")
	if a := cl.call(t, "DescribeInstanceTypes"); a.code() != "Throttling" {
		t.Errorf("with a limit of 1: %s", a.code())
	}
	var log []ecssim.Request
	if err := json.Unmarshal([]byte(must("GET", "/requests", "")), &log); err != nil || len(log) != 4 {
		t.Errorf("%d log entries, %v; want 4", len(log), err)
	}
	must("DELETE", "/requests", "")
	if len(c.Requests()) != 0 {
		t.Error("the log is not empty")
	}
	must("POST", "/rotate", "")
	must("POST", "/revoke-tokens", "")
	if state := must("GET", "/state", ""); !strings.Contains(state, `"current": "i-9"`) || strings.Contains(state, "sk2") {
		t.Errorf("state: %s", state)
	}
}

func TestUpdatesAreCopies(t *testing.T) {
	c, _ := newCloud(ecssim.Options{})
	someENIs(c)
	c.ENIs()[1].Tags["team"] = "changed"
	kept := 0
	if err := c.UpdateENI("eni-second", func(e *ecssim.ENI) { e.QueueNumber = &kept; e.ID = "renamed" }); err != nil {
		t.Fatal(err)
	}
	kept = 99
	e, err := c.ENI("eni-second")
	if err != nil {
		t.Fatal(err)
	}
	if e.Tags["team"] != "net" || *e.QueueNumber != 0 {
		t.Errorf("the cloud shares memory with its users: %+v", e)
	}
	if err := c.UpdateENI("eni-none", func(*ecssim.ENI) {}); !errors.Is(err, ecssim.ErrNoENI) {
		t.Errorf("got %v, want ErrNoENI", err)
	}
	if err := c.RemoveENI("eni-none"); !errors.Is(err, ecssim.ErrNoENI) {
		t.Errorf("got %v, want ErrNoENI", err)
	}
}

func TestTheCloudIsSafeForConcurrentUse(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	someENIs(c)
	done := make(chan struct{})
	for i := range 4 {
		go func() {
			defer func() { done <- struct{}{} }()
			cl := &client{handler: c.ECS(), clock: clk, id: "ak", secret: "sk", nonce: 1000 * i}
			for range 20 {
				cl.call(t, "DescribeNetworkInterfaces")
				cl.call(t, "TagResources", "ResourceType=eni", "ResourceId.1=eni-second", "Tag.1.Key=k")
				c.PutENI(ecssim.ENI{ID: "eni-new", MAC: "00:16:3e:00:00:0a", Tags: map[string]string{"a": "b"}})
				metadata{c.Metadata()}.do(http.MethodGet, "/latest/", nil)
				c.Requests()
			}
		}()
	}
	for range 4 {
		<-done
	}
	if n := len(c.Requests()); n != 4*20*3 {
		t.Errorf("%d log entries, want %d", n, 4*20*3)
	}
}
