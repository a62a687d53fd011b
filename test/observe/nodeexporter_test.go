//go:build observe

package observe

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/world"
)

func TestNodeExporterServesWhatApplyWrites(t *testing.T) {
	i := newInstance(t, 1, "textfile")
	i.startNodeExporter()
	i.applyToTextfile()
	for series, want := range map[string]string{
		fmt.Sprintf(`enitune_drift{device="eth1",eni=%q,setting="queues"}`, i.eni()):                               "0",
		fmt.Sprintf(`enitune_changes_total{device="eth1",eni=%q,result="ok",setting="queues"}`, i.eni()):           "1",
		fmt.Sprintf(`enitune_nic_info{device="eth0",driver="veth",eni="eni-1-0",mac=%q,type="Primary"}`, i.mac(0)): "1",
		`enitune_reconciles_total{result="ok",trigger="once"}`:                                                     "1",
		`node_textfile_scrape_error`: "0",
	} {
		if got := i.metricAt(i.nodeTarget(), series); got != want {
			t.Errorf("%s is %q, want %s", series, got, want)
		}
	}
	text, err := os.ReadFile(i.textfile())
	if err != nil {
		t.Fatal(err)
	}
	if out := lint(t, text); out != "" {
		t.Errorf("%s", out)
	}
	info, err := os.Stat(i.textfile())
	if err != nil || info.Mode().Perm() != 0o644 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	entries, err := os.ReadDir(i.textfileDir())
	if err != nil || len(entries) != 1 {
		t.Errorf("left in the folder: %v, %v", entries, err)
	}

	before := i.reportTime()
	i.applyToTextfile()
	if after := i.reportTime(); after <= before {
		t.Errorf("the time of the report went from %v to %v", before, after)
	}
}

// reportTime is the freshness of the textfile as node_exporter tells it.
func (i *instance) reportTime() float64 {
	i.t.Helper()
	v, err := strconv.ParseFloat(i.metricAt(i.nodeTarget(), "enitune_report_timestamp_seconds"), 64)
	if err != nil {
		i.t.Fatal(err)
	}
	return v
}

func TestNoReaderOfATextfileSeesHalfOfIt(t *testing.T) {
	const writes = 8
	i := newInstance(t, 1, "half")
	if err := os.Mkdir(i.textfileDir(), 0o755); err != nil {
		t.Fatal(err)
	}
	i.applyToTextfile()
	want := i.familiesInFile()

	done := make(chan struct{})
	go func() {
		defer close(done)
		for range writes {
			if err := i.applyOnce(); err != nil {
				t.Error(err)
				return
			}
			// Without the unit's copy, which is a rename of its own.
			cmd := i.command("apply", "--textfile", i.textfile())
			i.ns.Do(func() {
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Errorf("%v: %v\n%s", cmd, err, out)
				}
			})
		}
	}()
	reads := 0
	for ended := false; !ended && !t.Failed(); reads++ {
		select {
		case <-done:
			ended = true
		default:
		}
		if got := i.familiesInFile(); !slices.Equal(got, want) {
			t.Errorf("a reader saw %d metrics %v, want %v", len(got), got, want)
		}
		if files, err := filepath.Glob(filepath.Join(i.textfileDir(), "*.prom")); err != nil || len(files) != 1 {
			t.Errorf("node_exporter would read %v, %v", files, err)
		}
	}
	<-done
	if reads < 10*writes {
		t.Errorf("only %d reads of %d writes", reads, 2*writes)
	}
}

// familiesInFile reads the textfile to its end, and gives the names of its metrics.
func (i *instance) familiesInFile() []string {
	i.t.Helper()
	text, err := os.ReadFile(i.textfile())
	if err != nil {
		i.t.Fatal(err)
	}
	families, err := decode(text, "text/plain; version=0.0.4")
	if err != nil || !bytes.HasSuffix(text, []byte("\n")) {
		i.t.Errorf("half a file: %v", err)
	}
	return slices.Sorted(maps.Keys(families))
}

// The page that documents the joins, and what it has to relabel a target.
const (
	nodePage    = "../../docs/node-exporter.md"
	hostRelabel = "    relabel_configs:\n" + `      - {source_labels: [__address__], regex: '(.+):\d+', target_label: host}` + "\n"
)

func TestDropsAreJoinedWithDrift(t *testing.T) {
	textfile, daemon, synced := newInstance(t, 1, "textfile"), newInstance(t, 2, "daemon"), newInstance(t, 3, "synced")
	for _, i := range []*instance{textfile, daemon} {
		i.configure("  mode: observe\n") // eth1 has one queue, and should have 4
	}
	for _, i := range []*instance{textfile, daemon, synced} {
		i.startNodeExporter()
		i.dropFrames()
	}
	textfile.startTextfileTimer()
	daemon.start()
	synced.start()
	p := startPrometheus(t, "127.0.0.1:9090",
		scrape("enitune", []string{daemon.target(), synced.target()}, hostRelabel)+
			scrape("node", []string{textfile.nodeTarget(), daemon.nodeTarget(), synced.nodeTarget()}, hostRelabel), nil)

	page, err := os.ReadFile(nodePage)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Count(string(page), hostRelabel) != 2 {
		t.Errorf("%s does not relabel two jobs as this test does", nodePage)
	}
	rate, drifting := "rate(node_network_receive_drop_total[5m]) > 0\n", "enitune_drift == 1\n"
	want := map[string][]string{
		rate + "  and on (job, instance, device) " + drifting:                                                         {textfile.address()},
		rate + "  and on (host, device) " + drifting:                                                                  {textfile.address(), daemon.address()},
		rate + "  and on (host, device) enitune_nic_info\n  unless on (host, device) " + drifting:                     {synced.address()},
		"enitune_setting_reason\n  and ignoring (reason, source) enitune_drift == 1\n  and on (host, device) " + rate: {textfile.address(), daemon.address()},
		"up{job=\"node\"} == 1\n  unless on (job, instance) enitune_report_timestamp_seconds\n":                       {daemon.address(), synced.address()},
		"time() - enitune_report_timestamp_seconds > 1800\n":                                                          {},
	}
	for _, query := range documentedQueries(t, nodePage) {
		hosts, ok := want[query]
		if !ok {
			t.Errorf("the page has a query that this test does not know:\n%s", query)
			continue
		}
		world.Await(t, query, func() (bool, string) {
			var got []string
			for _, s := range p.query(query) {
				if device := s.Metric["device"]; device != "" && device != "eth1" {
					t.Errorf("%s: %s", query, s.Metric)
				}
				got = append(got, string(s.Metric["host"]))
			}
			slices.Sort(got)
			return slices.Equal(got, hosts), fmt.Sprint(got)
		})
		delete(want, query)
	}
	for query := range want {
		t.Errorf("the page does not have\n%s", query)
	}
}

// unclaimed is an EtherType for experiments (IEEE 802), which nobody takes.
const unclaimed = 0x88B5

// dropFrames sends eth1 frames that the kernel drops, until the test ends.
func (i *instance) dropFrames() {
	i.t.Helper()
	wire, err := net.InterfaceByName(i.wire())
	if err != nil {
		i.t.Fatal(err)
	}
	to, err := net.ParseMAC(i.mac(1))
	if err != nil {
		i.t.Fatal(err)
	}
	socket, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		i.t.Fatal(err)
	}
	frame := make([]byte, 60)
	copy(frame, to)
	copy(frame[6:], wire.HardwareAddr)
	frame[12], frame[13] = unclaimed>>8, unclaimed&0xff

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for ctx.Err() == nil {
			if err := unix.Sendto(socket, frame, 0, &unix.SockaddrLinklayer{Ifindex: wire.Index, Halen: 6}); err != nil {
				i.t.Errorf("send a frame to %s: %v", i.wire(), err)
				return
			}
			<-tick.C
		}
	}()
	i.t.Cleanup(func() { stop(); <-ended; _ = unix.Close(socket) })
}
