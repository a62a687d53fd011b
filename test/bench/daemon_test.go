//go:build bench

package bench

import (
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/test/world"
)

// minutes is how long the daemon is watched at rest: ENITUNE_BENCH_MINUTES, by
// default 10.
func minutes(t *testing.T) int {
	text := os.Getenv("ENITUNE_BENCH_MINUTES")
	if text == "" {
		return 10
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("ENITUNE_BENCH_MINUTES=%s: want a number of minutes, 1 or more", text)
	}
	return n
}

// scrapeEvery is Prometheus's usual scrape_interval.
const scrapeEvery = 15 * time.Second

func exporterPath(t *testing.T) string {
	const path = "../../.cache/observe/bin/prometheus-node-exporter"
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; type: test/observe/setup.sh", err)
	}
	return path
}

// resting watches two daemons at once, of which one is scraped, beside a
// node_exporter that is scraped as often.
func resting(t *testing.T, tb *table) {
	busy, idle := newHost(t, 8), newHost(t, 8)
	const exporterListen = "127.0.0.1:9100"
	exporter := exec.Command(exporterPath(t), "--collector.disable-defaults", "--collector.ethtool", "--web.listen-address="+exporterListen)
	busy.ns.Do(func() {
		if err := exporter.Start(); err != nil {
			t.Fatal(err)
		}
	})
	t.Cleanup(func() { _ = exporter.Process.Kill(); _ = exporter.Wait() })
	d, quiet := busy.start(), idle.start()
	ours, theirs := newScraper(t, busy.ns, "http://"+listen+"/metrics"), newScraper(t, busy.ns, "http://"+exporterListen+"/metrics")
	time.Sleep(time.Minute) // the start itself is not rest
	before, start := measure(t, quiet.PID()), time.Now()
	var us, them []int
	for range minutes(t) * int(time.Minute/scrapeEvery) {
		us, them = nil, nil // the last pause counts
		ours.scrape()
		theirs.scrape()
		for range int(scrapeEvery / time.Second) {
			us, them = append(us, measure(t, d.PID()).resident), append(them, measure(t, exporter.Process.Pid).resident)
			time.Sleep(time.Second)
		}
	}
	u, other, rest, passed := measure(t, d.PID()), measure(t, exporter.Process.Pid), measure(t, quiet.PID()), time.Since(start)
	tb.add(fmt.Sprintf("resident memory, 8 NICs, scraped each 15 s for %d min: median and most of a pause's seconds", minutes(t)),
		fmt.Sprintf("%s, %s; private %s", mb(median(us)), mb(slices.Max(us)), mb(u.private)),
		fmt.Sprintf("node_exporter with the ethtool collector %s, %s; private %s", mb(median(them)), mb(slices.Max(them)), mb(other.private)), "≤ 12 MB, and below node_exporter")
	tb.add("the same, not scraped", fmt.Sprintf("%s, of it private %s", mb(rest.resident), mb(rest.private)), "", "")
	cpu := rest.cpu - before.cpu
	tb.add("CPU at rest, 8 NICs, not scraped", fmt.Sprintf("%.4f %% of one core", 100*cpu.Seconds()/passed.Seconds()),
		fmt.Sprintf("%.1f wake-ups a minute, all threads", float64(rest.wakeups-before.wakeups)/passed.Minutes()), "≤ 0.02 %")
}

// reconciles makes the daemon look again n times, and gives the mean time of one.
func reconciles(t *testing.T, h *host, d *world.Daemon, n int) time.Duration {
	t.Helper()
	s := newScraper(t, h.ns, "http://"+listen+"/metrics")
	const name = "enitune_reconcile_duration_seconds_"
	read := func() (count, sum float64) {
		body := s.scrape()
		return value(t, body, name+"count"), value(t, body, name+"sum")
	}
	count0, sum0 := read()
	for range n {
		h.ns.Do(func() { // a change of the link means: look again
			l, err := netlink.LinkByName(device(0)) // its MTU is 1500 or 1400
			if err != nil {
				t.Fatal(err)
			}
			if err := netlink.LinkSetMTU(l, 2900-l.Attrs().MTU); err != nil {
				t.Fatal(err)
			}
		})
		before, _ := read()
		for start := time.Now(); time.Since(start) < time.Second; time.Sleep(5 * time.Millisecond) {
			if after, _ := read(); after > before {
				break
			}
		}
	}
	count, sum := read()
	if count == count0 {
		t.Fatal("the daemon did not look again")
	}
	return time.Duration((sum - sum0) / (count - count0) * float64(time.Second))
}

// many measures how costs grow with the ENIs.
func many(t *testing.T, tb *table) {
	series := func(b []byte) int { return lines(b, "enitune_") }
	var sizes, counts []string
	var one int
	for _, n := range []int{1, 8, 16, 64} {
		h := newHost(t, n)
		d := h.start()
		s := newScraper(t, h.ns, "http://"+listen+"/metrics")
		var took []time.Duration
		for range 200 {
			took = append(took, each(1, func() { s.scrape() }))
		}
		body := s.scrape()
		look := reconciles(t, h, d, 40)
		u := measure(t, d.PID())
		tb.add(fmt.Sprintf("%d ENIs: one reconcile", n), short(look), fmt.Sprintf("%s per NIC; resident %s, private %s", short(look/time.Duration(n)), mb(u.resident), mb(u.private)), "grows linearly")
		goal := ""
		if n == 16 {
			goal = "≤ 1ms"
		}
		tb.add(fmt.Sprintf("%d ENIs: a scrape over loopback, with the client's part", n), short(median(took)), fmt.Sprintf("%d bytes, %d series", len(body), series(body)), goal)
		if n == 1 {
			one = series(body)
		} else {
			counts = append(counts, fmt.Sprint((series(body)-one)/(n-1)))
		}
		sizes = append(sizes, strconv.Itoa(len(body)))
		d.Kill()
	}
	tb.add("series per further ENI in sync", strings.Join(counts, ", "), "bytes at 1, 8, 16, 64: "+strings.Join(sizes, ", "), "stated")
}

// foreign measures with and without a multitude of devices that are no ENIs, and what
// the kernel's own search among them costs, which goes by name.
func foreign(t *testing.T, tb *table) {
	const devices = 4000
	var look, bare [2]time.Duration
	var u [2]usage
	for i, with := range []bool{false, true} {
		h := newHost(t, 8)
		if with {
			h.ns.Do(func() { strangers(t, devices) })
		}
		d := h.start()
		look[i] = reconciles(t, h, d, 300)
		u[i] = measure(t, d.PID())
		h.ns.Do(func() { bare[i] = bareReads(t) })
		d.Kill()
	}
	versus := func(with, without time.Duration) string {
		return short(with) + ", with none " + short(without) + ": " + ratio(float64(with), float64(without))
	}
	tb.add(fmt.Sprintf("%d foreign devices present: one reconcile of 8 NICs", devices), versus(look[1], look[0]), "the bare ioctls for one NIC "+versus(bare[1], bare[0]), "within 10 %")
	tb.add(fmt.Sprintf("%d foreign devices present: memory soon after the start", devices), fmt.Sprintf("resident %s, private %s", mb(u[1].resident), mb(u[1].private)),
		fmt.Sprintf("with none %s, %s: %s, %s", mb(u[0].resident), mb(u[0].private), ratio(float64(u[1].resident), float64(u[0].resident)), ratio(float64(u[1].private), float64(u[0].private))), "within 10 %")
}

// strangers adds n devices, as veth pairs.
func strangers(t *testing.T, n int) {
	t.Helper()
	for i := range n / 2 {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = fmt.Sprintf("pod%d", i)
		v := netlink.NewVeth(attrs)
		v.PeerName = fmt.Sprintf("ceth%d", i)
		if err := netlink.LinkAdd(v); err != nil {
			t.Fatal(err)
		}
	}
}

// pods creates and deletes veth pairs as fast as the kernel can, beside a daemon as
// it is configured on an instance, which takes no veth for an ENI, and one that looks
// at virtual devices, as all others here do.
func pods(t *testing.T, tb *table) {
	for _, virtual := range []bool{false, true} {
		h := newHost(t, 8)
		text := strings.Replace(read(t, h.configFile()), "virtual_devices: true", fmt.Sprintf("virtual_devices: %t", virtual), 1)
		if err := os.WriteFile(h.configFile(), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		d := h.start()
		s := newScraper(t, h.ns, "http://"+listen+"/metrics")
		count := func() float64 { return value(t, s.scrape(), "enitune_reconcile_duration_seconds_count") }
		time.Sleep(2 * time.Second) // the start itself is no pod's doing
		looks, before, start := count(), measure(t, d.PID()), time.Now()
		h.ns.Do(func() { makePods(t) })
		took := time.Since(start)
		time.Sleep(2 * time.Second) // for what is still to come of it
		after := measure(t, d.PID())
		tb.add(fmt.Sprintf("%d veth pairs created and deleted in %s, virtual_devices: %t: CPU", pairs, short(took), virtual), short(after.cpu-before.cpu),
			fmt.Sprintf("%.0f reconciles in that time; private memory %s before, %s after", count()-looks, mb(before.private), mb(after.private)), "≤ 200ms, no reconcile but the rate-limited look")
		d.Kill()
	}
}

const pairs = 1000

func makePods(t *testing.T) {
	t.Helper()
	for i := range pairs {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = fmt.Sprintf("pod%d", i)
		v := netlink.NewVeth(attrs)
		v.PeerName = fmt.Sprintf("ceth%d", i)
		if err := netlink.LinkAdd(v); err != nil {
			t.Fatal(err)
		}
		if err := netlink.LinkDel(v); err != nil {
			t.Fatal(err)
		}
	}
}
