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

func TestReadRivals(t *testing.T) {
	const enabled = "->/usr/lib/systemd/system/x"
	tests := []struct {
		name  string
		files map[string]string
		want  []Rival
	}{
		{"none", nil, nil},
		{"ecs_mq in force", map[string]string{
			"usr/lib/systemd/system/ecs_mq.service":                         "[Unit]",
			"etc/systemd/system/multi-user.target.wants/ecs_mq.service":     enabled,
			"lib/udev/rules.d/62-ecs-mq.rules":                              "ACTION",
			"usr/lib/systemd/system/irqbalance.service":                     "[Unit]",
			"etc/systemd/system/multi-user.target.wants/irqbalance.service": enabled,
		}, []Rival{
			{Check: CheckECSMQ, File: "/usr/lib/systemd/system/ecs_mq.service"},
			{Check: CheckECSMQ, File: "/lib/udev/rules.d/62-ecs-mq.rules"},
			{Check: CheckIrqbalance, File: "/usr/lib/systemd/system/irqbalance.service"},
		}},
		{"ecs_mq switched off", map[string]string{
			"etc/systemd/system/ecs_mq.service":                         "->/dev/null",
			"usr/lib/systemd/system/ecs_mq.service":                     "[Unit]",
			"etc/systemd/system/multi-user.target.wants/ecs_mq.service": enabled,
			"etc/udev/rules.d/62-ecs-mq.rules":                          "->/dev/null",
			"usr/lib/udev/rules.d/62-ecs-mq.rules":                      "ACTION",
			"usr/lib/systemd/system/irqbalance.service":                 "[Unit]",
		}, []Rival{
			{Check: CheckECSMQ, File: "/etc/systemd/system/ecs_mq.service", Idle: true},
			{Check: CheckECSMQ, File: "/etc/udev/rules.d/62-ecs-mq.rules", Idle: true},
			{Check: CheckIrqbalance, File: "/usr/lib/systemd/system/irqbalance.service", Idle: true},
		}},
		{"TuneD, through an included profile and a named section", map[string]string{
			"usr/lib/systemd/system/tuned.service":                     "[Unit]",
			"etc/systemd/system/multi-user.target.wants/tuned.service": enabled,
			"etc/tuned/active_profile":                                 "mine other\n",
			"etc/tuned/mine/tuned.conf":                                "[main]\ninclude=base, mine\n[fast]\ntype=net\ndevices=eth*\nring=rx 1024 \\\n tx 512\n[disk]\nring=no\n",
			"usr/lib/tuned/mine/tuned.conf":                            "[net]\nring=rx 1\n",
			"usr/lib/tuned/profiles/base/tuned.conf":                   "# x\n[net]\nchannels = combined 2\n",
			"etc/tuned/unused/tuned.conf":                              "[net]\nchannels=combined 9\n",
		}, []Rival{
			{Check: CheckTuneD, File: "/etc/tuned/mine/tuned.conf", Says: "ring=rx 1024  tx 512"},
			{Check: CheckTuneD, File: "/usr/lib/tuned/profiles/base/tuned.conf", Says: "channels=combined 2"},
		}},
		{"TuneD, not enabled", map[string]string{"etc/tuned/active_profile": "p", "usr/lib/tuned/p/tuned.conf": "[net]\nring=rx 1"},
			[]Rival{{Check: CheckTuneD, File: "/usr/lib/tuned/p/tuned.conf", Says: "ring=rx 1", Idle: true}}},
		{"TuneD, profile outside of its folder", map[string]string{"etc/tuned/active_profile": "../../x"}, nil},
		{"NetworkManager", map[string]string{
			"etc/NetworkManager/system-connections/eth0.nmconnection": "[connection]\nid=eth0\n[ethtool]\nfeature-gro=true\nring-rx=1024\nchannels-combined=2\n",
			"etc/NetworkManager/system-connections/eth1.nmconnection": "[ethtool]\nfeature-gro=true\n",
		}, []Rival{{Check: CheckNetworkManager, File: "/etc/NetworkManager/system-connections/eth0.nmconnection", Says: "ring-rx=1024, channels-combined=2"}}},
		{".link files, one hides another", map[string]string{
			"etc/systemd/network/10-a.link":               "[Match]\nDriver=virtio_net\n[Link]\nMTUBytes=1500\n",
			"usr/lib/systemd/network/10-a.link":           "[Link]\nRxChannels=1\n",
			"usr/lib/systemd/network/20-b.link":           "[Link]\nCombinedChannels=2\nTxBufferSize=max\n",
			"etc/systemd/network/20-b.link.d/more.conf":   "[Link]\nRxBufferSize=512\n",
			"usr/lib/systemd/network/99-default.link":     "[Link]\nNamePolicy=keep\n",
			"usr/lib/systemd/network/30-c.link":           "[Link]\nRxChannels=\n",
			"run/systemd/network/40-d.link":               "->/dev/null",
			"usr/lib/systemd/network/40-d.link":           "[Link]\nRxChannels=3\n",
			"usr/lib/systemd/network/irrelevant.network":  "[Link]\nRxChannels=3\n",
			"usr/lib/systemd/network/50-folder.link/file": "",
		}, []Rival{
			{Check: CheckLinkFiles, File: "/usr/lib/systemd/network/20-b.link", Says: "CombinedChannels=2, TxBufferSize=max"},
			{Check: CheckLinkFiles, File: "/etc/systemd/network/20-b.link.d/more.conf", Says: "RxBufferSize=512"},
		}},
		{"network scripts", map[string]string{
			"etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\nETHTOOL_OPTS=\"-G ${DEVICE} rx 512; -K eth0 gro on\"\n",
			"etc/sysconfig/network-scripts/ifcfg-eth1": "ETHTOOL_OPTS=\"-K eth1 gro on\"\n",
		}, []Rival{{Check: CheckIfcfg, File: "/etc/sysconfig/network-scripts/ifcfg-eth0", Says: `ETHTOOL_OPTS="-G ${DEVICE} rx 512; -K eth0 gro on"`}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ReadRivals(tree(tt.files))
			for i := range got {
				if got[i].Check == CheckECSMQ {
					got[i].Says = "" // words of ours
				}
			}
			if d := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
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
		netSections(parseINI(data))
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
