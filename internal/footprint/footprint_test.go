package footprint

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const someSmaps = `00400000-00b11000 r-xp 00000000 fe:00 123 /usr/bin/enitune
Size:               7236 kB
Rss:                6912 kB
Anonymous:             0 kB
AnonHugePages:         0 kB
Swap:                  0 kB
SwapPss:               0 kB
VmFlags: rd ex mr mw me
00b11000-01260000 r--p 00711000 fe:00 123 /usr/bin/enitune
Anonymous:             4 kB
Swap:                  0 kB
01260000-01261000 r--p 00711000 fe:00 123 /usr/bin/enitune
Anonymous:             0 kB
Swap:                  4 kB
01261000-012eb000 rw-p 00e60000 fe:00 123 /usr/bin/enitune
Anonymous:             0 kB
Swap:                  0 kB
012eb000-03336000 rw-p 00000000 00:00 0
Anonymous:           188 kB
Swap:                  0 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 9 /usr/bin/enitune-else
Anonymous:             0 kB
Swap:                  0 kB
7f0000001000-7f0000002000 r--s 00000000 fe:00 123 /usr/bin/enitune
Anonymous:             0 kB
Swap:                  0 kB
7f0000002000-7f0000003000 r--p 00000000 fe:00 123 /usr/bin/enitune
Anonymous:             0 kB
`

func TestOnlyPagesThatAreTheFilesAloneAreGivenBack(t *testing.T) {
	got, err := clean(strings.NewReader(someSmaps), "/usr/bin/enitune")
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]mapping{{0x400000, 0xb11000}}, got, cmp.AllowUnexported(mapping{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got, err := clean(strings.NewReader(someSmaps), "enitune"); len(got) != 0 || err != nil {
		t.Errorf("a name that is part of another's: %v, %v", got, err)
	}
}

func TestTheProgramGoesOnAfterItsPagesAreUnmapped(t *testing.T) {
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := clean(smaps, exe); len(got) < 2 || err != nil {
		t.Fatalf("of this program %v, %v is found, want text and read-only data", got, err)
	}
	if err := Unmap(); err != nil {
		t.Fatal(err)
	}
}

// kept runs a Keeper for a while and notes when it does what; work is when the daemon
// works.
func kept(t *testing.T, work []time.Duration, until time.Duration) (told []string) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), until)
		defer cancel()
		start := time.Now()
		tell := func(what string) { told = append(told, fmt.Sprint(time.Since(start), " ", what)) }
		k := NewKeeper()
		go func() {
			for _, at := range work {
				time.Sleep(at - time.Since(start))
				k.Worked()
			}
		}()
		err := k.run(ctx, func() error { tell("unmap"); return nil }, func() { tell("heap") }, nil)
		if err != nil {
			t.Fatal(err)
		}
	})
	return told
}

func TestTheHeapIsGivenBackAMinuteAfterTheStartAndThenEachHour(t *testing.T) {
	got := kept(t, nil, 2*time.Hour)
	if d := cmp.Diff([]string{"2s unmap", "1m0s heap", "1m2s unmap", "1h1m0s heap", "1h1m2s unmap"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPagesAreUnmappedOnceAfterWorkThatHasEnded(t *testing.T) {
	got := kept(t, []time.Duration{5 * time.Second, 6 * time.Second, 7500 * time.Millisecond, 20 * time.Second}, 30*time.Second)
	if d := cmp.Diff([]string{"2s unmap", "9.5s unmap", "22s unmap"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func BenchmarkUnmap(b *testing.B) {
	for b.Loop() {
		if err := Unmap(); err != nil {
			b.Fatal(err)
		}
	}
}
