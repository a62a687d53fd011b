package footprint

import (
	"context"
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
VmFlags: rd ex mr mw me
00b11000-01260000 r--p 00711000 fe:00 123 /usr/bin/enitune
Anonymous:             4 kB
01260000-012eb000 rw-p 00e60000 fe:00 123 /usr/bin/enitune
Anonymous:             0 kB
012eb000-03336000 rw-p 00000000 00:00 0
Anonymous:           188 kB
7f0000000000-7f0000001000 r--p 00000000 fe:00 9 /usr/bin/enitune-else
Anonymous:             0 kB
7f0000001000-7f0000002000 r--s 00000000 fe:00 123 /usr/bin/enitune
Anonymous:             0 kB
`

func TestOnlyPagesThatAreTheFilesAloneAreGivenBack(t *testing.T) {
	got := clean(strings.NewReader(someSmaps), "/usr/bin/enitune")
	if d := cmp.Diff([]mapping{{0x400000, 0xb11000}}, got, cmp.AllowUnexported(mapping{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := clean(strings.NewReader(someSmaps), "enitune"); len(got) != 0 {
		t.Errorf("a name that is part of another's: %v", got)
	}
}

func TestTheProgramGoesOnAfterATrim(t *testing.T) {
	smaps, err := os.Open("/proc/self/smaps")
	if err != nil {
		t.Fatal(err)
	}
	defer smaps.Close()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if got := clean(smaps, exe); len(got) < 2 {
		t.Fatalf("of this program %v is found, want text and read-only data", got)
	}
	if err := Trim(); err != nil {
		t.Fatal(err)
	}
}

func TestMemoryIsGivenBackAMinuteAfterTheStartAndThenEachHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		var at []time.Duration
		start := time.Now()
		if err := run(ctx, func() error { at = append(at, time.Since(start)); return nil }, nil); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]time.Duration{time.Minute, 61 * time.Minute}, at); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
	})
}
