package eni

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

// pipes is a network of in-memory connections, so that a whole HTTP server and
// client run on synctest's clock.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.closed) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case p.conns <- server:
		return client, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// newSimClient serves the cloud's ECS API in memory and returns a client of it.
// It is for a synctest bubble; end ends both.
func newSimClient(t *testing.T, cloud *ecssim.Cloud, o ClientOptions) (c *Client, end func()) {
	t.Helper()
	cloud.AddAccessKey(canaryKey, canarySecret)
	network := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	server := &http.Server{Handler: cloud.ECS()}
	go func() { _ = server.Serve(network) }()
	transport := &http.Transport{DialContext: network.dial}
	o.Endpoint = "http://localhost"
	return newClient(t, o, transport), func() {
		transport.CloseIdleConnections()
		_ = server.Close()
	}
}

// actions lists the requests that the cloud got.
func actions(cloud *ecssim.Cloud) string {
	short := map[string]string{"ModifyNetworkInterfaceAttribute": "write", "DescribeNetworkInterfaceAttribute": "read"}
	var list []string
	for _, r := range cloud.Requests() {
		list = append(list, short[r.Action])
	}
	return strings.Join(list, " ")
}

// fault hits so many changes; 0 for all.
func fault(times int, f ecssim.Fault) ecssim.Fault {
	f.Target, f.Match, f.Remaining = ecssim.TargetECS, "ModifyNetworkInterfaceAttribute", times
	return f
}

func TestModifyIsNeverRepeatedBeforeTheENIWasRead(t *testing.T) {
	queues := Modification{QueueNumber: new(8)}
	looked := strings.Repeat(" read", 9) // for lostFor
	rings := Modification{RxQueueSize: new(8192), TxQueueSize: new(8192)}
	for _, tt := range []struct {
		name   string
		change Modification // queues unless set
		faults []ecssim.Fault
		lag    ecssim.Lag
		shown  ecssim.RingPlacement
		want   error
		text   string // a part of the error
		trace  string
	}{
		{name: "no fault", trace: "write"},
		{name: "connection dropped after the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Drop: true})}, trace: "write read"},
		{name: "connection dropped before the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{Drop: true})}, want: ErrAmbiguous,
			text: "the ENI did not show it afterwards", trace: "write" + looked},
		{name: "HTTP 500 before the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{Code: "InternalError"})}, trace: "write read read read read read write"},
		{name: "reset in mid-reply", faults: []ecssim.Fault{fault(1, ecssim.Fault{DropAfter: 5})}, trace: "write read"},
		{name: "no answer after the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Hang: true})}, trace: "write read"},
		{name: "HTTP 500 after the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Code: "InternalError"})}, trace: "write read"},
		{name: "HTTP 502 from a gateway after the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, HTTPStatus: 502})}, trace: "write read"},
		{name: "malformed reply after the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, RawBody: "<html>"})}, trace: "write read"},
		{name: "malformed refusal before the work", faults: []ecssim.Fault{fault(1, ecssim.Fault{HTTPStatus: 400, RawBody: `{"Code":7}`})}, want: ErrAmbiguous, trace: "write" + looked},
		{name: "the change shows late", lag: ecssim.Lag{Reads: 1}, faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Drop: true})}, trace: "write read read"},
		{name: "the change shows too late", lag: ecssim.Lag{Reads: 30}, faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Drop: true})}, want: ErrAmbiguous, trace: "write" + looked},
		{name: "refused as done already", faults: []ecssim.Fault{fault(1, ecssim.Fault{Code: "InternalError"}), fault(1, ecssim.Fault{Processed: true, Code: "InvalidOperation.InvalidEniState"})},
			trace: "write read read read read read write read"},
		{name: "refused after a failure", lag: ecssim.Lag{Reads: 30}, faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Code: "InternalError"}), fault(1, ecssim.Fault{Code: "Throttling"}), fault(0, ecssim.Fault{Code: "Forbidden.RAM"})},
			want: ErrAmbiguous},
		{name: "connection always dropped", faults: []ecssim.Fault{fault(0, ecssim.Fault{Drop: true})}, want: ErrNetwork,
			text: "it is not known whether the change of queue_number was made", trace: "write" + looked},
		{name: "a value that no reply has", change: Modification{EnhancedNetwork: &EnhancedNetworkChange{EnableRss: new(true)}},
			faults: []ecssim.Fault{fault(1, ecssim.Fault{Drop: true})}, want: ErrAmbiguous, text: "the API does not give them back", trace: "write read"},
		{name: "reading fails too", faults: []ecssim.Fault{{Target: ecssim.TargetECS, Drop: true}}, want: ErrAmbiguous,
			text:  "eni-free: it is not known whether the change of queue_number was made (reading the ENI afterwards failed: DescribeNetworkInterfaceAttribute: ",
			trace: "write read read read read"},
		{name: "ring sizes that no reply has", change: rings, faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Drop: true})}, want: ErrAmbiguous,
			text:  "the change of rx_queue_size, tx_queue_size was made (the API does not give them back); the guest shows it after the instance's next start: ethtool -g DEVICE; ",
			trace: "write read"},
		{name: "ring sizes that the replies have", change: rings, shown: ecssim.RingsTopLevel, faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Drop: true})}, trace: "write read"},
		{name: "connection tracking is read with its attribute", change: Modification{ConnectionTracking: &ConnectionTrackingChange{UDPTimeout: new(60)}},
			faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Drop: true})}, trace: "write read read"},
		{name: "throttled", faults: []ecssim.Fault{fault(3, ecssim.Fault{Code: "Throttling.User"})}, trace: "write write write write"},
		{name: "something else under way", faults: []ecssim.Fault{fault(1, ecssim.Fault{Code: "OperationConflict", HTTPStatus: 409})}, trace: "write write"},
		{name: "resent on the way", faults: []ecssim.Fault{fault(1, ecssim.Fault{Processed: true, Code: "SignatureNonceUsed"})}, trace: "write read"},
		{name: "throttled for too long", faults: []ecssim.Fault{fault(0, ecssim.Fault{Code: "Throttling"})}, want: ErrThrottled, trace: "write write write write"},
		{name: "permission", faults: []ecssim.Fault{fault(0, ecssim.Fault{Code: "Forbidden.RAM"})}, want: ErrDenied, trace: "write"},
		{name: "state", faults: []ecssim.Fault{fault(0, ecssim.Fault{Code: "InvalidOperation.InvalidEniState"})}, want: ErrState, trace: "write"},
		{name: "quota", faults: []ecssim.Fault{fault(0, ecssim.Fault{Code: "InvalidOperation.ExceedInstanceTypeQueueNumber"})}, want: ErrQuota, trace: "write"},
		{name: "unsupported here", faults: []ecssim.Fault{fault(0, ecssim.Fault{Code: "InvalidEniQueueSize.RegionOrUserNotSupported"})}, want: ErrUnsupported, trace: "write"},
		{name: "not found", faults: []ecssim.Fault{fault(0, ecssim.Fault{Code: "InvalidSecurityGroupId.NotFound"})}, want: ErrNotFound, trace: "write"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			setCredentials(t)
			t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
			synctest.Test(t, func(t *testing.T) {
				cloud := newCloud()
				cloud.PutENI(ecssim.ENI{ID: "eni-free", MAC: "00:16:3e:00:00:09", QueueNumber: new(4), RingsInReply: tt.shown})
				c, end := newSimClient(t, cloud, ClientOptions{})
				defer end()
				cloud.SetFaults(tt.faults...)
				cloud.SetLag(tt.lag)
				change := tt.change
				if change.Empty() {
					change = queues
				}
				err := c.Modify(t.Context(), "eni-free", change)
				if !errors.Is(err, tt.want) {
					t.Errorf("error %v, want %v", err, tt.want)
				}
				if tt.text != "" && !strings.Contains(errText(err), tt.text) {
					t.Errorf("error %v, want %s", err, tt.text)
				}
				if d := cmp.Diff(tt.trace, actions(cloud)); d != "" && tt.trace != "" {
					t.Errorf("requests (-want +got):\n%s", d)
				}
				e, _ := cloud.ENI("eni-free")
				if err == nil && change.QueueNumber != nil && *e.QueueNumber != 8 {
					t.Errorf("success, and the ENI has %d queues", *e.QueueNumber)
				}
				mustNotLeak(t, errText(err))
			})
		})
	}
}

func TestModifyThatIsCanceledOnTheWayIsAmbiguous(t *testing.T) {
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		c, end := newSimClient(t, cloud, ClientOptions{Timeout: time.Hour})
		defer end()
		cloud.SetFaults(fault(1, ecssim.Fault{Processed: true, Hang: true}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := c.Modify(ctx, "eni-2", Modification{Description: new("new words")})
		synctest.Wait()
		if !errors.Is(err, ErrAmbiguous) || !errors.Is(err, context.DeadlineExceeded) || actions(cloud) != "write" {
			t.Errorf("%s: %v", actions(cloud), err)
		}
	})
}

func TestModifyIsRepeatedWithoutAReadWhenNothingWasSent(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		dials := 0
		c := newClient(t, ClientOptions{Endpoint: "http://localhost"}, &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
			dials++
			return nil, errors.New("no route")
		}})
		err := c.Modify(t.Context(), "eni-1", Modification{QueueNumber: new(8)})
		checkIs(t, err, ErrNetwork)
		if errors.Is(err, ErrAmbiguous) || dials != DefaultAttempts {
			t.Errorf("%d dials, %v", dials, err)
		}
	})
}

func TestModifyOverRealSocketsAndTLSLearnsThatADroppedChangeWasMade(t *testing.T) {
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	cloud := newCloud()
	cloud.AddAccessKey(canaryKey, canarySecret)
	c := newTLSClient(t, "cn-hangzhou", cloud)
	cloud.SetFaults(fault(1, ecssim.Fault{Processed: true, Drop: true}))
	if err := c.Modify(t.Context(), "eni-2", Modification{Name: new("data-plane"), SecurityGroupIDs: []string{"sg-b", "sg-a"}}); err != nil {
		t.Fatal(err)
	}
	if got := actions(cloud); got != "write read" {
		t.Errorf("requests %s", got)
	}
	n, err := c.NetworkInterface(t.Context(), "eni-2")
	if err != nil || n.Name != "data-plane" || len(n.SecurityGroupIDs) != 2 {
		t.Errorf("%+v, %v", n, err)
	}
}

func TestADenialNamesActionAndResourceAndNotTheDiagnosticBlob(t *testing.T) {
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		c, end := newSimClient(t, cloud, ClientOptions{})
		defer end()
		cloud.Deny("TagResources")
		err := c.Tag(t.Context(), "eni-2", map[string]string{"a": "b"})
		checkIs(t, err, ErrDenied)
		const resource = "acs:ecs:cn-hangzhou:1234567890123456:eni/eni-2"
		for _, want := range []string{
			"; denied ecs:TagResources on " + resource + ": ImplicitDeny by AccountLevelIdentityBasedPolicy for AssumedRoleUser enitune:i-sim1; ",
			"; grant ecs:TagResources on " + resource + " to the RAM role or user whose credentials are used",
		} {
			if !strings.Contains(errText(err), want) {
				t.Errorf("%v\nlacks %s", err, want)
			}
		}
		if strings.Contains(errText(err), "AQEAAAAA") {
			t.Errorf("the blob is in %v", err)
		}
	})
}

func TestTagSetsTagsAndLeavesOthers(t *testing.T) {
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	synctest.Test(t, func(t *testing.T) {
		cloud := newCloud()
		c, end := newSimClient(t, cloud, ClientOptions{})
		defer end()
		if err := c.Tag(t.Context(), "eni-2", map[string]string{"enitune:tx-queue-size": "8192", "b": "ö & ="}); err != nil {
			t.Fatal(err)
		}
		e, _ := cloud.ENI("eni-2")
		want := map[string]string{"enitune:rx-queue-size": "8192", "enitune:tx-queue-size": "8192", "b": "ö & ="}
		if d := cmp.Diff(want, e.Tags); d != "" {
			t.Errorf("tags (-want +got):\n%s", d)
		}
	})
}

func TestBadChangesAreRefusedBeforeAnyCall(t *testing.T) {
	setCredentials(t)
	c := newClient(t, ClientOptions{}, transportFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent")
		return nil, errors.New("no network")
	}))
	many := make(map[string]string)
	for i := range 21 {
		many[strings.Repeat("x", i+1)] = ""
	}
	for _, err := range []error{
		c.Modify(t.Context(), "eni 1", Modification{QueueNumber: new(8)}),
		c.Modify(t.Context(), "eni-1", Modification{TrafficConfig: &TrafficConfigChange{}}),
		c.Modify(t.Context(), "eni-1", Modification{SecurityGroupIDs: []string{}}),
		c.Tag(t.Context(), "", map[string]string{"a": "b"}),
		c.Tag(t.Context(), "eni-1", nil),
		c.Tag(t.Context(), "eni-1", many),
		c.Tag(t.Context(), "eni-1", map[string]string{"": "b"}),
	} {
		checkIs(t, err, ErrInvalid)
	}
}
