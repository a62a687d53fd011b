//go:build bench

package bench

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/test/netns"
)

// bare is what a minimal program does: the two ioctls, on a socket that is open.
type bare struct {
	fd       int
	channels struct{ cmd, maxRx, maxTx, maxOther, maxCombined, rx, tx, other, combined uint32 }
	rings    struct{ cmd, maxRx, maxMini, maxJumbo, maxTx, rx, mini, jumbo, tx uint32 }
	request  struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [16]byte
	}
}

func (b *bare) call(data unsafe.Pointer) unix.Errno {
	b.request.data = data
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(b.fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&b.request)))
	return errno
}

func (b *bare) read() unix.Errno {
	b.channels.cmd, b.rings.cmd = unix.ETHTOOL_GCHANNELS, unix.ETHTOOL_GRINGPARAM
	errno := b.call(unsafe.Pointer(&b.channels))
	b.call(unsafe.Pointer(&b.rings)) // veth has none
	return errno
}

// newBare opens the socket for calls on the first NIC, in the present namespace.
func newBare(t *testing.T) *bare {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	plain := &bare{fd: fd}
	copy(plain.request.name[:], device(0))
	return plain
}

// reads is how many reads of a NIC are timed at once, rounds how often.
const (
	reads  = 20000
	rounds = 9
)

// time is how long one bare read takes.
func (b *bare) time(t *testing.T) time.Duration {
	t.Helper()
	return each(reads, func() {
		if errno := b.read(); errno != 0 {
			t.Fatal(errno)
		}
	})
}

// bareReads is the median time of a bare read.
func bareReads(t *testing.T) time.Duration {
	t.Helper()
	plain := newBare(t)
	var took []time.Duration
	for range rounds {
		took = append(took, plain.time(t))
	}
	return median(took)
}

func reading(t *testing.T, tb *table) {
	h := newHost(t, 1)
	h.ns.Do(func() {
		plain := newBare(t)
		handle, err := nic.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer handle.Close()
		list, err := handle.List(t.Context(), true)
		if err != nil || len(list) == 0 {
			t.Fatal(list, err)
		}
		var ours, theirs []time.Duration
		for range rounds { // turn by turn, so that what disturbs one disturbs the other
			theirs = append(theirs, plain.time(t))
			ours = append(ours, each(reads, func() {
				if _, err := handle.Read(list[0]); err != nil {
					t.Fatal(err)
				}
			}))
		}
		a, b := median(ours), median(theirs)
		tb.add("reading one NIC: channels and rings", short(a), "the bare ioctls "+short(b)+": "+ratio(float64(a), float64(b)), "≤ 1.5×")
	})
}

// each is how long one of n calls takes.
func each(n int, f func()) time.Duration {
	start := time.Now()
	for range n {
		f()
	}
	return time.Since(start) / time.Duration(n)
}

func applying(t *testing.T, tb *table) {
	h := newHost(t, 8)
	h.ns.Do(func() {
		h.finish(h.command("apply"))
		var names []string
		for i := range 8 {
			names = append(names, device(i))
		}
		loop := "for i in " + strings.Join(names, " ") + "; do ethtool -l $i; ethtool -g $i; done"
		var ours, theirs []time.Duration
		for range 31 {
			ours = append(ours, each(1, func() { h.finish(h.command("apply", "--offline")) }))
			theirs = append(theirs, each(1, func() { _ = exec.Command("sh", "-c", loop).Run() })) // -g fails: veth has no rings
		}
		a, b := median(ours), median(theirs)
		tb.add("apply --offline, 8 NICs in sync, the whole process", short(a), "a shell loop of ethtool -l and -g "+short(b)+": "+ratio(float64(a), float64(b)), "≤ 0.50×")
	})
}

// finish runs a command that must succeed.
func (h *host) finish(cmd *exec.Cmd) {
	h.t.Helper()
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
}

// repairs is how many foreign changes are made, of as many NICs in turn as keep each
// below three in the budget's window: a NIC that is changed more often is contested,
// and left alone.
const (
	repairs    = 1000
	takingTurn = 24
)

func repairing(t *testing.T, tb *table) {
	h := newHost(t, takingTurn)
	h.configure("reconcile: {change_budget: {burst: 4, per: 1s}}\n")
	h.start()
	var took, bare []time.Duration
	missed := 0
	h.ns.Do(func() {
		for i := range repairs {
			name, before := device(i%takingTurn), time.Now()
			netns.SetChannels(t, name, 2)
			start := time.Now()
			bare = append(bare, start.Sub(before))
			for netns.Channels(t, name) != 4 {
				if time.Since(start) > 5*time.Second {
					missed++
					break
				}
				time.Sleep(100 * time.Microsecond) // a look holds up the repair: one lock guards all NICs
			}
			took = append(took, time.Since(start))
			// A rival that is quicker meets the limit on reconciles: 50 a second.
			time.Sleep(50 * time.Millisecond)
		}
	})
	body := newScraper(t, h.ns, "http://"+listen+"/metrics").scrape()
	verified := value(t, body, "enitune_repair_duration_seconds_sum") / value(t, body, "enitune_repair_duration_seconds_count")
	tb.add(fmt.Sprintf("a foreign change undone, %d times", repairs),
		fmt.Sprintf("median %s, p99 %s, missed %d", short(median(took)), short(quantile(took, 0.99)), missed),
		fmt.Sprintf("the change itself, a bare ioctl: median %s, p99 %s; from the event to the verified write, by the daemon's clock: mean %s",
			short(median(bare)), short(quantile(bare, 0.99)), short(time.Duration(verified*float64(time.Second)))),
		"median ≤ 5ms, p99 ≤ 50ms, none missed")
}

func binary(t *testing.T, tb *table) {
	info, err := os.Stat(os.Getenv("ENITUNE_BIN"))
	if err != nil {
		t.Fatal(err)
	}
	deb := "no .deb in dist (make packages)"
	if out, err := exec.Command("sh", "-c", "ls -l ../../dist/*_amd64.deb | awk '{print $5}'").Output(); err == nil && len(bytes.TrimSpace(out)) > 0 {
		deb = fmt.Sprintf(".deb (amd64) %s bytes", bytes.TrimSpace(out))
	}
	tb.add("binary", fmt.Sprintf("%.1f MB", float64(info.Size())/1e6), deb, "stated")
}
