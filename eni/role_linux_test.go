package eni

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/internal/ecssim"
)

// inNamespace marks the child process that has a network namespace to itself.
const inNamespace = "ENI_TEST_NAMESPACE"

// TestTheRAMRoleIsFoundLateAndFollowsRotation runs by default, which asks
// 100.100.100.200: in a network namespace of its own, where that address stands on
// lo.
func TestTheRAMRoleIsFoundLateAndFollowsRotation(t *testing.T) {
	if os.Getenv(inNamespace) == "" {
		runInNamespace(t)
		return
	}
	cloud := newCloud()
	cloud.SetRole("")
	metadata := &counting{handler: cloud.Metadata()}
	listenOnMetadataAddress(t, metadata)
	api := httptest.NewServer(cloud.ECS())
	t.Cleanup(api.Close)

	noCredentials(t)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "")
	c := newClient(t, ClientOptions{Endpoint: api.URL}, nil)
	err := listOwn(t.Context(), c)
	checkIs(t, err, ErrCredentials)
	if !strings.Contains(errText(err), "no RAM role is attached to this instance") {
		t.Errorf("%v", err)
	}

	cloud.SetRole("enitune")
	checkIs(t, listOwn(t.Context(), c), nil)
	before := metadata.count()
	checkIs(t, listOwn(t.Context(), c), nil)
	if metadata.count() != before {
		t.Error("the role's credentials were not reused")
	}

	cloud.RotateCredentials()
	checkIs(t, listOwn(t.Context(), c), nil)

	cloud.RotateCredentials()
	cloud.SetFaults(ecssim.Fault{Target: ecssim.TargetMetadata, Match: "meta-data/ram/security-credentials/enitune",
		RawBody: `{"AccessKeyId":"STS.x","AccessKeySecret":"` + canarySecret + `","SecurityToken":"` + canaryToken + `"}`})
	checkIs(t, listOwn(t.Context(), c), ErrCredentials)
	err = listOwn(t.Context(), c)
	checkIs(t, err, ErrCredentials)
	if !strings.Contains(errText(err), "the metadata service gave no credentials for the RAM role: the reply does not say Success") {
		t.Errorf("%v", err)
	}
	mustNotLeak(t, errText(err))
	cloud.ClearFaults()
	checkIs(t, listOwn(t.Context(), c), nil)
}

// runInNamespace runs this test again in a new user and network namespace.
func runInNamespace(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.v", "-test.run=^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), inNamespace+"=1", "HTTP_PROXY=", "http_proxy=")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.CombinedOutput()
	if err == nil {
		return
	}
	if _, failed := errors.AsType[*exec.ExitError](err); failed || os.Getenv("CI") == "true" {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Skipf("this machine allows no network namespaces: %v", err)
}

func listenOnMetadataAddress(t *testing.T, h http.Handler) {
	t.Helper()
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	address := &netlink.Addr{IPNet: &net.IPNet{IP: net.IPv4(100, 100, 100, 200), Mask: net.CIDRMask(32, 32)}}
	if err := netlink.AddrAdd(lo, address); err != nil {
		t.Fatal(err)
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "100.100.100.200:80")
	if err != nil {
		t.Fatal(fmt.Errorf("the metadata service's address: %w", err))
	}
	s := &httptest.Server{Listener: l, Config: &http.Server{Handler: h}}
	s.Start()
	t.Cleanup(s.Close)
}

// counting counts the requests that pass.
type counting struct {
	handler http.Handler
	mu      sync.Mutex
	n       int
}

func (c *counting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.n++
	c.mu.Unlock()
	c.handler.ServeHTTP(w, r)
}

func (c *counting) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n
}
