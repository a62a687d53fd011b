//go:build observe

package observe

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

// Where the daemon and node_exporter listen in every instance.
const (
	port     = "10056"
	nodePort = "9100"
)

// resyncInterval makes reports that are as fresh beside the shortened rules as the
// default's are beside the rules.
const resyncInterval = "1s"

// instance is one of several: a network namespace with two NICs, a cloud at its
// real addresses, folders, and perhaps a running daemon. eth0 is its primary ENI,
// and carries the scrapes; eth1 is what a test changes.
type instance struct {
	t      *testing.T
	number int // 1 to 250; its address is made from it
	id     string
	here   *netns.Namespace // Prometheus's
	ns     *netns.Namespace
	cloud  *ecssim.Cloud
	dir    string
	env    []string
	daemon *world.Daemon
	// stopTimer ends the timer of apply --textfile.
	stopTimer func()
	prom      *prometheus // which scrapes it; nil before there is one
}

// newInstance makes an instance whose eth1 has 8 queues, of which the ENI has 4.
func newInstance(t *testing.T, number int, name string) *instance {
	t.Helper()
	i := &instance{t: t, number: number, id: "i-bp1" + name, here: netns.Current(t), ns: netns.New(t), dir: shortDir(t)}
	i.makeCloud()
	netns.BindHosts(t, map[string]string{world.ECSHost: "127.0.0.1"})
	outside := fmt.Sprintf("wire%d", number)
	netns.Veth(t, netns.VethPair{Name: outside, Peer: "eth0", Queues: 4, PeerMAC: i.mac(0), Namespace: i.ns.FD()})
	netns.Addr(t, outside, fmt.Sprintf("10.56.%d.1/30", number))
	i.ns.Do(func() {
		netns.Up(t, "eth0")
		netns.Addr(t, "eth0", i.address()+"/30")
		netns.Addr(t, "lo", world.MetadataAddress+"/32")
		ca, _ := world.Serve(t, i.cloud, world.MetadataAddress, "127.0.0.1")
		i.env = append(os.Environ(), "SSL_CERT_FILE="+ca, "RUNTIME_DIRECTORY="+i.dir, world.RaceOptions)
	})
	i.plug(8, 1)
	i.configure("")
	return i
}

// makeCloud makes the instance's own view of the cloud, with its two ENIs.
func (i *instance) makeCloud() {
	i.cloud = world.New()
	in, _ := i.cloud.CurrentInstance()
	in.ID = i.id
	i.cloud.SetInstance(in)
	primary := world.ENI(fmt.Sprintf("eni-%d-0", i.number), i.mac(0), 4)
	primary.Type, primary.InstanceID = ecssim.TypePrimary, i.id
	i.cloud.PutENI(primary)
	i.giveQueues(4)
}

// giveQueues gives the ENI of eth1 a queue number, as ModifyNetworkInterfaceAttribute does.
func (i *instance) giveQueues(n int) {
	e := world.ENI(i.eni(), i.mac(1), n)
	e.InstanceID = i.id
	i.cloud.PutENI(e)
}

func (i *instance) eni() string        { return fmt.Sprintf("eni-%d-1", i.number) }
func (i *instance) mac(nic int) string { return fmt.Sprintf("00:16:3e:00:%02x:%02x", i.number, nic) }
func (i *instance) address() string    { return fmt.Sprintf("10.56.%d.2", i.number) }
func (i *instance) target() string     { return i.address() + ":" + port }
func (i *instance) nodeTarget() string { return i.address() + ":" + nodePort }
func (i *instance) wire() string       { return fmt.Sprintf("wire%d-1", i.number) } // the other end of eth1
func (i *instance) configFile() string { return filepath.Join(i.dir, "config.yaml") }
func (i *instance) stateDir() string   { return filepath.Join(i.dir, "state") }

// plug adds eth1, with a number of queues and so many of them in use.
func (i *instance) plug(queues, channels int) {
	i.t.Helper()
	i.ns.Do(func() {
		netns.Veth(i.t, netns.VethPair{Name: "eth1", Peer: i.wire(), Queues: queues, Channels: channels, MAC: i.mac(1), Namespace: i.here.FD()})
	})
	netns.Up(i.t, i.wire())
}

// unplug removes eth1.
func (i *instance) unplug() {
	i.t.Helper()
	i.ns.Do(func() { netns.Delete(i.t, "eth1") })
}

// setChannels changes eth1 as another program would.
func (i *instance) setChannels(n int) {
	i.t.Helper()
	i.ns.Do(func() { netns.SetChannels(i.t, "eth1", n) })
}

// configure writes the configuration: what a namespace needs, and more of the
// section reconcile.
func (i *instance) configure(reconcile string) {
	i.t.Helper()
	i.configureWith(resyncInterval, reconcile)
}

// configureWith does the same with another resync_interval.
func (i *instance) configureWith(resync, reconcile string) {
	i.t.Helper()
	text := "discovery: {virtual_devices: true}\nstate_dir: " + i.stateDir() + "\nreconcile:\n  resync_interval: " + resync + "\n" + reconcile
	if err := os.WriteFile(i.configFile(), []byte(text), 0o644); err != nil {
		i.t.Fatal(err)
	}
}

// command is enitune with arguments, to be started in the namespace.
func (i *instance) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Getenv(world.BinaryKey), append([]string{"--config", i.configFile()}, args...)...)
	cmd.Env = i.env
	return cmd
}

// run runs enitune to its end, which must have one of the exit codes.
func (i *instance) run(codes []int, args ...string) {
	i.t.Helper()
	var out bytes.Buffer
	cmd := i.command(args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	var err error
	i.ns.Do(func() { err = cmd.Run() })
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		i.t.Fatal(err)
	}
	for _, code := range codes {
		if cmd.ProcessState.ExitCode() == code {
			return
		}
	}
	i.t.Fatalf("enitune %v in %s: exit %d, want %v\n%s", args, i.id, cmd.ProcessState.ExitCode(), codes, &out)
}

// refresh has the daemon ask the cloud anew. It answers with any code of status.
func (i *instance) refresh() {
	i.t.Helper()
	i.run([]int{0, 1, 2}, "refresh")
}

// start starts the daemon.
func (i *instance) start() {
	i.t.Helper()
	i.startAs(i.command("run"))
}

// metric gives the value of a series of the daemon; "" if it is not there.
func (i *instance) metric(series string) string {
	i.t.Helper()
	return i.metricAt(i.target(), series)
}

// metricAt does the same of another exporter.
func (i *instance) metricAt(address, series string) string {
	i.t.Helper()
	body, _ := i.getAt(address, "/metrics", "")
	return world.Metric(string(body), series)
}

// startAs starts the daemon by a command of its own.
func (i *instance) startAs(cmd *exec.Cmd) {
	i.t.Helper()
	i.ns.Do(func() { i.daemon = world.StartDaemon(i.t, cmd) })
}

// get reads one of the daemon's pages, asking for a content type, over a new
// connection.
func (i *instance) get(path, accept string) (body []byte, contentType string) {
	i.t.Helper()
	return i.getAt(i.target(), path, accept)
}

// getAt does the same at another address.
func (i *instance) getAt(address, path, accept string) (body []byte, contentType string) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		i.t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err = io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		i.t.Fatalf("%s: %s, %v", path, resp.Status, err)
	}
	return body, resp.Header.Get("Content-Type")
}
