//go:build netns

package machine

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/plan"
	"github.com/enitune/enitune/test/netns"
)

// put replaces the configuration file by what make makes at a path.
func (i *instance) put(make func(path string) error) {
	i.t.Helper()
	if err := errors.Join(make(i.path("next")), os.Rename(i.path("next"), i.path("config.yaml"))); err != nil {
		i.t.Fatal(err)
	}
}

func TestAConfigurationThatIsNoFileOfItsKindIsRefusedAtOnce(t *testing.T) {
	i := newInstance(t)
	i.start()
	i.awaitChannels(4)
	for name, tt := range map[string]struct {
		make func(path string) error
		want string
	}{
		"a FIFO":   {func(path string) error { return unix.Mkfifo(path, 0o600) }, "not a regular file"},
		"a device": {func(path string) error { return os.Symlink("/dev/zero", path) }, "not a regular file"},
		"a folder": {func(path string) error { return os.Mkdir(path, 0o700) }, "not a regular file"},
		"1 GiB": {func(path string) error {
			return errors.Join(os.WriteFile(path, nil, 0o600), os.Truncate(path, 1<<30))
		}, "larger than 1 MiB"},
		"nothing": {func(path string) error { return os.WriteFile(path, nil, 0o600) }, "empty"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.RemoveAll(i.path("config.yaml")); err != nil {
				t.Fatal(err)
			}
			i.put(tt.make)
			res := i.run("config", "check", i.path("config.yaml"))
			if name != "nothing" && (res.Code != 1 || !strings.Contains(res.Stderr, tt.want)) {
				t.Errorf("check: %+v", res)
			}
			if res := i.run("reload"); res.Code != 1 || !strings.Contains(res.Stderr, tt.want) {
				t.Errorf("reload: %+v", res)
			}
			netns.SetChannels(t, device, 4) // what it has: nobody is provoked
			if _, status, err := i.get("/status"); status != 200 || err != nil {
				t.Errorf("status %d, %v", status, err)
			}
		})
	}
	if err := os.RemoveAll(i.path("config.yaml")); err != nil {
		t.Fatal(err)
	}
	i.configure("nics: [{match: {device: eth1}, queues: 6}]")
	if res := i.run("reload"); res.Code != 0 {
		t.Errorf("a good one: %+v", res)
	}
	i.awaitChannels(6)
}

func TestAConfigurationThatIsReplacedWhileItIsReadIsOneOfTheTwo(t *testing.T) {
	i := newInstance(t)
	base := read(t, i.path("config.yaml"))
	version := func(queues int) string {
		return fmt.Sprintf("%s%snics: [{match: {device: eth1}, queues: %d}]\n", base, strings.Repeat("# padding\n", 20000), queues)
	}
	replace := func(queues int) {
		i.put(func(path string) error { return os.WriteFile(path, []byte(version(queues)), 0o644) })
	}
	replace(4)
	i.start()
	i.awaitChannels(4)
	stop := make(chan struct{})
	var replacing sync.WaitGroup
	replacing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				replace(4 + n%2)
			}
		}
	})
	for range 10 {
		if res := i.run("reload"); res.Code != 0 {
			t.Errorf("reload: %+v", res)
		}
		if q := queues(i.daemonReport()); q.Desired != 4 && q.Desired != 5 || q.Source != plan.Override {
			t.Errorf("wants %d by %v", q.Desired, q.Source)
		}
	}
	close(stop)
	replacing.Wait()
	replace(7)
	if res := i.run("reload"); res.Code != 0 {
		t.Errorf("reload: %+v", res)
	}
	if q := queues(i.daemonReport()); q.Desired != 7 {
		t.Errorf("wants %d in the end", q.Desired)
	}
}
