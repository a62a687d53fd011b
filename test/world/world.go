// Package world puts a simulated cloud where an instance finds the real one, for
// tests in namespaces and guests.
package world

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
)

// Addresses and names of the real cloud, as seen from an instance.
const (
	MetadataAddress = "100.100.100.200"
	Region          = "cn-hangzhou"
	ECSHost         = "ecs-vpc." + Region + ".aliyuncs.com"
	PublicECSHost   = "ecs." + Region + ".aliyuncs.com" // from outside of a VPC
	InstanceID      = "i-bp1test0000000000001"
	InstanceType    = "ecs.g7.xlarge" // 4 queues an ENI
	Role            = "EnituneTestRole"
)

// New makes a cloud with one running instance that has a RAM role and no ENI.
func New() *ecssim.Cloud { return NewWith(ecssim.Options{}) }

// NewWith makes the same cloud with options.
func NewWith(o ecssim.Options) *ecssim.Cloud {
	c := ecssim.New(o)
	c.SetInstance(ecssim.Instance{ID: InstanceID, Region: Region, Zone: Region + "-i", Type: InstanceType, Owner: "1234567890123456", RoleName: Role})
	c.SetRole(Role)
	return c
}

// ENI is an ENI of the instance with the given queue number.
func ENI(id, mac string, queues int) ecssim.ENI {
	return ecssim.ENI{ID: id, MAC: mac, Type: ecssim.TypeSecondary, Status: ecssim.StatusInUse, InstanceID: InstanceID, QueueNumber: &queues}
}

// Serve serves the cloud's metadata at port 80 and its ECS API with TLS at port
// 443 of an address, until the test ends. It gives the file of the certificate
// authority that clients are to trust (SSL_CERT_FILE). down stops both, as an
// outage does; it is called at the end of the test too.
func Serve(t testing.TB, c *ecssim.Cloud, metadata, ecs string) (caFile string, down func()) {
	t.Helper()
	cert, ca, err := ecssim.SelfSignedTLS(ECSHost, PublicECSHost)
	if err != nil {
		t.Fatal(err)
	}
	caFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(caFile, ca, 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	serve := func(addr string, h http.Handler, config *tls.Config) {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			cancel()
			t.Fatal(err)
		}
		wg.Go(func() {
			if err := ecssim.Serve(ctx, l, h, config); err != nil {
				t.Errorf("serve %s: %v", addr, err)
			}
		})
	}
	serve(net.JoinHostPort(metadata, "80"), c.Metadata(), nil)
	serve(net.JoinHostPort(ecs, "443"), c.ECS(), &tls.Config{Certificates: []tls.Certificate{cert}})
	down = func() { cancel(); wg.Wait() }
	t.Cleanup(down)
	return caFile, down
}
