package ecssim_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
)

func TestTheExampleLayoutWorks(t *testing.T) {
	text, err := os.ReadFile("../../test/ecssim/layout.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	l, err := ecssim.ParseLayout(text)
	if err != nil {
		t.Fatal(err)
	}
	clk := newClock()
	c := ecssim.New(ecssim.Options{Clock: clk.Now})
	c.Load(l)
	cl := &client{handler: c.ECS(), clock: clk, id: l.Keys[0].ID, secret: l.Keys[0].Secret}
	if got := cl.call(t, "DescribeNetworkInterfaces", "InstanceId="+l.Instance.ID).ids(t); len(got) != 2 {
		t.Errorf("ENIs of the instance: %v, want 2", got)
	}
	m := metadata{c.Metadata()}
	if status, role := m.get("/latest/meta-data/ram/security-credentials/", m.token(t, "60")); status != 200 || role != l.Role {
		t.Errorf("role: %d %q, want %q", status, role, l.Role)
	}
}

func TestBadLayoutsAreRefusedWithThePlace(t *testing.T) {
	const instance = "instance: {id: i-1, region: cn-hangzhou, type: ecs.g7.xlarge}\n"
	for name, tt := range map[string]struct{ text, want string }{
		"unknown key":     {instance + "eni: []\n", `[2:1] unknown field "eni"`},
		"unknown ENI key": {instance + "enis:\n  - id: eni-1\n    queues: 4\n", `[4:5] unknown field "queues"`},
		"no instance":     {"enis: []\n", "instance: id, region and type must be set"},
		"bad MAC":         {instance + "enis: [{id: eni-1, mac: x}]\n", "enis[0]: ENI eni-1: mac"},
		"same id":         {instance + "enis: [{id: e, mac: '00:16:3e:00:00:01'}, {id: e, mac: '00:16:3e:00:00:02'}]\n", "enis[1]: id e is given twice"},
		"same MAC":        {instance + "enis: [{id: e, mac: '00:16:3e:00:00:01'}, {id: f, mac: '00:16:3e:00:00:01'}]\n", "is that of e too"},
		"key, no secret":  {instance + "keys: [{id: ak}]\n", "keys[0]: id and secret must be set"},
		"nameless type":   {instance + "types: [{cpu_core_count: 2}]\n", "types[0]: instance_type_id must be set"},
	} {
		if _, err := ecssim.ParseLayout([]byte(tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", name, err, tt.want)
		}
	}
}

func TestServeReportsAListenerThatFails(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := ecssim.Serve(t.Context(), l, http.NotFoundHandler(), nil); !errors.Is(err, net.ErrClosed) {
		t.Errorf("got %v, want net.ErrClosed", err)
	}
}

func TestServeEndsHungRequestsWithItsContext(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	caught := make(chan struct{})
	h := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(caught)
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	})
	go func() { served <- ecssim.Serve(ctx, l, h, nil) }()
	asked := make(chan error, 1)
	go func() {
		r, err := http.Get("http://" + l.Addr().String())
		if err == nil {
			r.Body.Close()
		}
		asked <- err
	}()
	<-caught
	cancel()
	if err := <-served; err != nil {
		t.Errorf("Serve: %v", err)
	}
	if err := <-asked; err == nil {
		t.Error("the hung request was answered")
	}
}
