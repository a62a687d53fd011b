package doctor

import (
	"io/fs"
	"net/netip"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// tree makes a root of files; a value that begins with "->" is a link.
func tree(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, content := range files {
		f := &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		if len(content) > 2 && content[:2] == "->" {
			f = &fstest.MapFile{Data: []byte(content[2:]), Mode: fs.ModeSymlink | 0o777}
		}
		root[name] = f
	}
	return root
}

func TestReadGuest(t *testing.T) {
	root := tree(map[string]string{
		"proc/self/status":                              "Name:\tenitune\nCapPrm:\t0000000000000000\nCapEff:\t0000000000001000\n",
		"proc/sys/kernel/osrelease":                     "6.6.30-1.al4\n",
		"sys/class/net/eth0/device":                     "->../../../devices/virtio3",
		"sys/devices/virtio3/driver":                    "->../../bus/virtio/drivers/virtio_net",
		"sys/devices/virtio3/features":                  "0110\n",
		"sys/bus/virtio/drivers/virtio_net/module/name": "",
		"sys/class/net/lo/mtu":                          "65536",
	})
	want := Guest{Capabilities: 1 << capNetAdmin, Release: "6.6.30-1.al4", NICs: []NIC{{Name: "eth0", Driver: "virtio_net", Features: "0110"}}}
	if d := cmp.Diff(want, ReadGuest(root)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	got := ReadGuest(fstest.MapFS{})
	if got.CapErr == nil || got.ReleaseErr == nil || got.SysfsErr == nil {
		t.Errorf("an empty root: %+v", got)
	}
}

func TestReadListeners(t *testing.T) {
	const heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	root := tree(map[string]string{
		"proc/self/net/tcp": heading +
			"   0: 0100007F:2748 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 7 1 0000 100 0 0 10 0\n" +
			"   1: 0100007F:0016 0100007F:9999 01 00000000:00000000 00:00000000 00000000  1000        0 8 1 0000\n",
		"proc/self/net/tcp6": heading +
			"   0: 00000000000000000000000001000000:2748 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  33 0 9 1 0\n",
	})
	got, err := ReadListeners(root)
	if err != nil {
		t.Fatal(err)
	}
	want := []Listener{
		{Address: netip.MustParseAddrPort("127.0.0.1:10056"), Inode: 7},
		{Address: netip.MustParseAddrPort("[::1]:10056"), UID: 33, Inode: 9},
	}
	if d := cmp.Diff(want, got, cmpopts.EquateComparable(netip.AddrPort{})); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	delete(root, "proc/self/net/tcp6")
	if got, err = ReadListeners(root); err != nil || len(got) != 1 {
		t.Errorf("without IPv6: %v, %v", got, err)
	}
	if _, err := ReadListeners(fstest.MapFS{}); err == nil {
		t.Error("no table, no error")
	}
}

func TestReadSockets(t *testing.T) {
	root := tree(map[string]string{"proc/42/fd/0": "->/dev/null", "proc/42/fd/3": "->socket:[7]", "proc/42/fd/4": "->anon_inode:[eventpoll]"})
	if d := cmp.Diff(map[uint64]bool{7: true}, ReadSockets(root, 42)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if ReadSockets(root, 43) != nil {
		t.Error("a process that cannot be seen has sockets")
	}
}

func TestWhichSocketKeepsAnAddress(t *testing.T) {
	sockets := []Listener{{Address: netip.MustParseAddrPort("127.0.0.1:10056")}, {Address: netip.MustParseAddrPort("[::]:80")}}
	for address, want := range map[string]bool{
		":10056": true, "127.0.0.1:10056": true, "127.0.0.2:10056": false, "[::1]:10056": false, "0.0.0.0:10056": true, "[::]:10056": true,
		"localhost:10056": true, ":10057": false, "127.0.0.1:80": true, ":0": false, "nonsense": false,
	} {
		if _, got := holderOf(sockets, address); got != want {
			t.Errorf("%s: taken %v, want %v", address, got, want)
		}
	}
}

func TestWritable(t *testing.T) {
	dir := t.TempDir()
	if missing, err := Writable(dir); missing || err != nil {
		t.Errorf("%v, %v", missing, err)
	}
	if missing, err := Writable(dir + "/a/b"); !missing || err != nil {
		t.Errorf("a folder to come: %v, %v", missing, err)
	}
	if _, err := Writable("/proc/sys/kernel/osrelease"); err == nil {
		t.Error("a file passes for a folder")
	}
}

func FuzzParseINI(f *testing.F) {
	for _, seed := range []string{"", "[a]\nb=c\n", "b=c", "[a\n=\\\n", "#[x]\n;y=z\n[net]\nring = rx 1 \\\n tx 2"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, e := range parseINI(data) {
			if len(e.section)+len(e.key)+len(e.value) > len(data) {
				t.Errorf("%+v is longer than the file", e)
			}
		}
	})
}

func FuzzParseListeners(f *testing.F) {
	f.Add("h\n 0: 0100007F:2748 0:0 0A 0:0 00:0 0 0 0 7 1\n")
	f.Add("h\n 0: 0100007F00000000000000000000000000000000:0 0:0 0A 0:0 00:0 0 0 0 7 1\n")
	f.Fuzz(func(t *testing.T, table string) {
		list, err := parseListeners(table)
		if err != nil && list != nil {
			t.Errorf("an error (%v) and %d sockets", err, len(list))
		}
		for _, l := range list {
			if !l.Address.IsValid() {
				t.Errorf("%+v", l)
			}
		}
	})
}
