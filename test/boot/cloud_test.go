//go:build lab

package boot

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
	"github.com/enitune/enitune/test/world"
)

// site is a simulated cloud at the real addresses, that goes down and comes back with the same certificate.
type site struct {
	*ecssim.Cloud
	t    *testing.T
	cert tls.Certificate
	ca   string // the file of the certificate authority
	down func()
}

func newSite(t *testing.T, enis ...ecssim.ENI) *site {
	t.Helper()
	cert, ca, err := ecssim.SelfSignedTLS(world.ECSHost)
	if err != nil {
		t.Fatal(err)
	}
	s := &site{Cloud: world.New(), t: t, cert: cert, ca: filepath.Join(t.TempDir(), "ca.pem"), down: func() {}}
	if err := os.WriteFile(s.ca, ca, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, e := range enis {
		s.PutENI(e)
	}
	t.Cleanup(func() { s.down() })
	return s
}

// up serves the metadata at port 80 and the API at port 443 of every address, until down.
func (s *site) up() {
	s.serve(s.Metadata(), s.ECS())
}

// hang takes requests and never answers, until down.
func (s *site) hang() {
	never := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	s.serve(never, never)
}

func (s *site) serve(metadata, api http.Handler) {
	s.t.Helper()
	s.down()
	ctx, cancel := context.WithCancel(context.Background())
	var servers sync.WaitGroup
	s.down = func() { cancel(); servers.Wait() }
	start := func(addr string, h http.Handler, config *tls.Config) {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			s.t.Fatal(err)
		}
		servers.Go(func() {
			if err := ecssim.Serve(ctx, l, h, config); err != nil {
				s.t.Errorf("serve %s: %v", addr, err)
			}
		})
	}
	// The addresses of the guest's NICs come and go with it; the servers stay.
	start(":80", metadata, nil)
	start(":443", api, &tls.Config{Certificates: []tls.Certificate{s.cert}})
}
