//go:build bench

package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// listen is where the daemon listens in every namespace.
const listen = "127.0.0.1:10056"

// host is an instance in a network namespace of its own, with a number of ENIs
// whose NICs (veth, 8 queues) have the 4 queues that they are to have.
type host struct {
	t     *testing.T
	ns    *netns.Namespace
	cloud *ecssim.Cloud
	dir   string
	env   []string
}

func newHost(t *testing.T, nics int) *host {
	t.Helper()
	h := &host{t: t, ns: netns.New(t), cloud: world.New(), dir: t.TempDir()}
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	h.ns.Do(func() {
		netns.Addr(t, "lo", world.MetadataAddress+"/32")
		ca, _ := world.Serve(t, h.cloud, world.MetadataAddress, "127.0.0.1")
		h.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "RUNTIME_DIRECTORY="+h.dir)
		for i := range nics {
			h.plug(i)
		}
	})
	h.configure("")
	return h
}

// plug adds the NIC of a further ENI; it is called in the namespace.
func (h *host) plug(i int) {
	mac := fmt.Sprintf("00:16:3e:00:%02x:%02x", i>>8, i&255)
	h.cloud.PutENI(world.ENI(fmt.Sprintf("eni-bp1%017d", i), mac, 4))
	netns.Veth(h.t, netns.VethPair{Name: device(i), Peer: fmt.Sprintf("peer%d", i), Queues: 8, Channels: 4, MAC: mac})
}

func device(i int) string { return fmt.Sprintf("eth%d", i) }

func (h *host) configure(more string) {
	h.t.Helper()
	text := "discovery: {virtual_devices: true}\nstate_dir: " + filepath.Join(h.dir, "state") + "\nweb: {listen: [\"" + listen + "\"]}\n" + more
	if err := os.WriteFile(h.configFile(), []byte(text), 0o644); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) configFile() string { return filepath.Join(h.dir, "config.yaml") }

// command is enitune with arguments, to be started in the namespace.
func (h *host) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(world.BinaryKey), append([]string{"--config", h.configFile()}, args...)...)
	cmd.Env = h.env
	return cmd
}

// start starts the daemon and waits until it knows what is desired.
func (h *host) start() *world.Daemon {
	h.t.Helper()
	var d *world.Daemon
	h.ns.Do(func() { d = world.StartDaemon(h.t, h.command("run")) })
	d.Await("read from the cloud")
	return d
}

// scraper reads a page as Prometheus does, over one connection that is kept.
type scraper struct {
	t      *testing.T
	client http.Client
	url    string
}

// newScraper makes one in a namespace.
func newScraper(t *testing.T, ns *netns.Namespace, url string) *scraper {
	dial := func(_ context.Context, network, addr string) (conn net.Conn, err error) {
		ns.Do(func() { conn, err = net.Dial(network, addr) })
		return conn, err
	}
	return &scraper{t: t, url: url, client: http.Client{Transport: &http.Transport{DialContext: dial}}}
}

func (s *scraper) scrape() []byte {
	s.t.Helper()
	req, err := http.NewRequest(http.MethodGet, s.url, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Accept", "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3")
	resp, err := s.client.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s, %v", s.url, resp.Status, err)
	}
	return body
}
