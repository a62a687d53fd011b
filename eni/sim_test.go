package eni

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/ecssim"
)

// newCloud returns a simulated cloud with one instance and three ENIs, of which
// another cloud service manages the last.
func newCloud() *ecssim.Cloud {
	cloud := ecssim.New(ecssim.Options{})
	cloud.SetInstance(ecssim.Instance{ID: "i-sim1", Region: "cn-hangzhou", Zone: "cn-hangzhou-i", Type: "ecs.g7.xlarge",
		Owner: "1234567890123456", RoleName: "enitune"})
	cloud.PutENI(ecssim.ENI{ID: "eni-1", MAC: "00:16:3e:00:00:01", Type: "Primary", InstanceID: "i-sim1", QueueNumber: new(4)})
	cloud.PutENI(ecssim.ENI{ID: "eni-2", MAC: "00:16:3e:00:00:02", InstanceID: "i-sim1", DeviceIndex: 1,
		Tags: map[string]string{"enitune:rx-queue-size": "8192"}})
	cloud.PutENI(ecssim.ENI{ID: "eni-3", MAC: "00:16:3e:00:00:03", InstanceID: "i-sim1", DeviceIndex: 2, ServiceManaged: true,
		QueueNumber: new(2)})
	return cloud
}

// serve runs a handler of the simulator on a loopback socket.
func serve(t *testing.T, h http.Handler, config *tls.Config) (address string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- ecssim.Serve(ctx, l, h, config) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("simulator: %v", err)
		}
	})
	return l.Addr().String()
}

func TestAgainstTheSimulatorBothSidesDescribeTheSameInstance(t *testing.T) {
	cloud := newCloud()
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	cloud.AddAccessKey(canaryKey, canarySecret)
	m, err := NewMetadata(MetadataOptions{BaseURL: "http://" + serve(t, cloud.Metadata(), nil)})
	if err != nil {
		t.Fatal(err)
	}
	id, err := m.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantID := Identity{InstanceID: "i-sim1", RegionID: "cn-hangzhou", ZoneID: "cn-hangzhou-i", InstanceType: "ecs.g7.xlarge",
		OwnerAccountID: "1234567890123456", MAC: "00:16:3e:00:00:01"}
	if d := cmp.Diff(wantID, id); d != "" {
		t.Errorf("identity (-want +got):\n%s", d)
	}
	interfaces, err := m.Interfaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	wantInterfaces := []MetadataInterface{{"00:16:3e:00:00:01", "eni-1"}, {"00:16:3e:00:00:02", "eni-2"}, {"00:16:3e:00:00:03", "eni-3"}}
	if d := cmp.Diff(wantInterfaces, interfaces); d != "" {
		t.Errorf("interfaces (-want +got):\n%s", d)
	}

	c := newTLSClient(t, id.RegionID, cloud)
	own, err := c.NetworkInterfaces(t.Context(), Query{InstanceID: id.InstanceID})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"eni-1 4", "eni-2 absent"}, queues(own)); d != "" {
		t.Errorf("ENIs of the instance (-want +got):\n%s", d)
	}
	byID, err := c.NetworkInterfaces(t.Context(), Query{IDs: []string{"eni-3", "eni-none"}})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"eni-3 2"}, queues(byID)); d != "" || !byID[0].ServiceManaged || byID[0].InstanceID != "" {
		t.Errorf("%+v (-want +got):\n%s", byID, d)
	}
	types, err := c.InstanceTypes(t.Context(), id.InstanceType)
	if err != nil {
		t.Fatal(err)
	}
	if len(types) != 1 || types[0].TotalEniQueueQuantity == nil || *types[0].TotalEniQueueQuantity != 16 {
		t.Errorf("types %+v, want 16 queues in all", types)
	}
}

// newTLSClient serves the simulated API with TLS and returns a client that trusts it.
func newTLSClient(t *testing.T, region string, cloud *ecssim.Cloud) *Client {
	t.Helper()
	cert, ca, err := ecssim.SelfSignedTLS("127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	address := serve(t, cloud.ECS(), &tls.Config{Certificates: []tls.Certificate{cert}})
	c := newClient(t, ClientOptions{Region: region, Endpoint: "https://" + address}, nil)
	c.http.Transport.(*http.Transport).TLSClientConfig = &tls.Config{RootCAs: roots}
	t.Cleanup(c.http.CloseIdleConnections)
	return c
}

func queues(list []NetworkInterface) []string {
	var out []string
	for _, n := range list {
		q := "absent"
		if n.QueueNumber != nil {
			q = string(rune('0' + *n.QueueNumber))
		}
		out = append(out, n.ID+" "+q)
	}
	return out
}

func TestAgainstTheSimulatorFailuresHaveTheirClasses(t *testing.T) {
	cloud := newCloud()
	setCredentials(t)
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "")
	endpoint := "http://" + serve(t, cloud.ECS(), nil)
	c := newClient(t, ClientOptions{Endpoint: endpoint, Attempts: 1, Timeout: 10 * time.Second}, nil)
	checkIs(t, listOwn(t.Context(), c), ErrCredentials) // a key that the cloud does not know
	cloud.AddAccessKey(canaryKey, canarySecret)
	checkIs(t, listOwn(t.Context(), c), nil)
	for _, tt := range []struct {
		fault ecssim.Fault
		want  error
	}{
		{ecssim.Fault{Code: "Throttling.User", Message: "Request was denied due to user flow control."}, ErrThrottled},
		{ecssim.Fault{HTTPStatus: 403, Code: "Forbidden.RAM", Message: "User not authorized."}, ErrDenied},
		{ecssim.Fault{HTTPStatus: 503, Code: "ServiceUnavailable"}, ErrServer},
		{ecssim.Fault{HTTPStatus: 400, RawBody: `{"Code":7}`}, ErrMalformed},
		{ecssim.Fault{RawBody: "<html>"}, ErrMalformed},
		{ecssim.Fault{Drop: true}, ErrNetwork},
		{ecssim.Fault{DropAfter: 10}, ErrNetwork},
	} {
		tt.fault.Target = ecssim.TargetECS
		cloud.SetFaults(tt.fault)
		err := listOwn(t.Context(), c)
		checkIs(t, err, tt.want)
		mustNotLeak(t, errText(err))
	}
	cloud.ClearFaults()
	checkIs(t, listOwn(t.Context(), c), nil)
}
