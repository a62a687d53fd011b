package ecssim_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

func TestAChangeShowsAfterItsLag(t *testing.T) {
	for _, tt := range []struct {
		name string
		lag  ecssim.Lag
		wait time.Duration // before each read but the first
		want []float64     // queue numbers as read
	}{
		{"none", ecssim.Lag{}, 0, []float64{8, 8, 8, 8}},
		{"reads", ecssim.Lag{Reads: 2}, 0, []float64{4, 4, 8, 8}},
		{"time", ecssim.Lag{For: 3 * time.Second}, 2 * time.Second, []float64{4, 4, 8, 8}},
		{"both", ecssim.Lag{Reads: 1, For: 5 * time.Second}, 2 * time.Second, []float64{4, 4, 4, 8}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, clk := newCloud(ecssim.Options{})
			c.PutENI(ecssim.ENI{ID: "eni-free", MAC: "00:16:3e:00:00:01", QueueNumber: new(4)})
			cl := newClient(c, clk)
			c.SetLag(tt.lag)
			if a := cl.call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free", "QueueNumber=8"); a.status != 200 {
				t.Fatal(a.body)
			}
			var got []float64
			for i := range tt.want {
				if i > 0 {
					clk.advance(tt.wait)
				}
				read := func() any { return cl.call(t, "DescribeNetworkInterfaces").sets(t)[0]["QueueNumber"] }
				if i%2 == 1 { // both actions show the same
					read = func() any {
						return cl.call(t, "DescribeNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free").body["QueueNumber"]
					}
				}
				got = append(got, read().(float64))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("queue numbers (-want +got)\n%s", diff)
			}
		})
	}
}

func TestAProcessedFaultHidesThatTheWorkWasDone(t *testing.T) {
	for name, fault := range map[string]ecssim.Fault{
		"drop":     {Drop: true},
		"hang":     {Hang: true},
		"code":     {Code: "InternalError"},
		"status":   {HTTPStatus: 502},
		"raw body": {RawBody: "<html>"},
	} {
		for _, processed := range []bool{true, false} {
			c, clk := newCloud(ecssim.Options{})
			c.PutENI(ecssim.ENI{ID: "eni-free", MAC: "00:16:3e:00:00:01"})
			fault.Target, fault.Processed = ecssim.TargetECS, processed
			c.SetFaults(fault)
			query := make(url.Values)
			p := newClient(c, clk).parameters("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free", "QueueNumber=8")
			p["Signature"] = ecssim.Sign(http.MethodPost, p, "sk")
			for k, v := range p {
				query.Set(k, v)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel() // ends a hang at once
			r := httptest.NewRequest(http.MethodPost, "/?"+query.Encode(), nil).WithContext(ctx)
			func() {
				defer func() { _ = recover() }() // an aborted connection
				c.ECS().ServeHTTP(httptest.NewRecorder(), r)
			}()
			e, err := c.ENI("eni-free")
			if err != nil || (e.QueueNumber != nil) != processed {
				t.Errorf("%s, processed %v: %+v %v", name, processed, e.QueueNumber, err)
			}
		}
	}
}

func TestControlSetsLagDenialsAndProcessedFaults(t *testing.T) {
	c, clk := newCloud(ecssim.Options{})
	c.PutENI(ecssim.ENI{ID: "eni-free", MAC: "00:16:3e:00:00:01", QueueNumber: new(4)})
	for _, tt := range []struct {
		path, body string
		status     int
	}{
		{"/lag", `{"reads":1}`, 204},
		{"/lag", `{"reads":1,"for":"soon"}`, 400},
		{"/denied", `["TagResources"]`, 204},
		{"/denied", `{}`, 400},
		{"/faults", `[{"target":"ecs","match":"DescribeInstances","processed":true,"drop":true}]`, 200},
	} {
		if status, body := control(t, c, "PUT", tt.path, tt.body); status != tt.status {
			t.Errorf("%s %s: %d %s", tt.path, tt.body, status, body)
		}
	}
	cl := newClient(c, clk)
	if a := cl.call(t, "TagResources"); a.code() != "Forbidden.RAM" {
		t.Errorf("tagging: %s", a.code())
	}
	cl.call(t, "ModifyNetworkInterfaceAttribute", "NetworkInterfaceId=eni-free", "QueueNumber=8")
	if n := cl.call(t, "DescribeNetworkInterfaces").sets(t)[0]["QueueNumber"]; n != 4.0 {
		t.Errorf("shown at once: %v", n)
	}
	if f := c.Faults(); len(f) != 1 || !f[0].Processed {
		t.Errorf("faults %+v", f)
	}
}
