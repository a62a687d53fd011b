package doctor

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// executable makes a file of a tree one that can be executed.
func executable(root fstest.MapFS, names ...string) fstest.MapFS {
	for _, name := range names {
		root[name].Mode = 0o755
	}
	return root
}

// enabled is a link in a target's folder.
const enabled = "->/usr/lib/systemd/system/x"

func TestOtherPrograms(t *testing.T) {
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
			{Check: CheckECSMQ, File: "/usr/lib/systemd/system/ecs_mq.service", Says: ecsMQDoes + " at boot"},
			{Check: CheckECSMQ, File: "/lib/udev/rules.d/62-ecs-mq.rules", Says: ecsMQDoes + " when one is plugged in"},
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
			{Check: CheckECSMQ, File: "/etc/systemd/system/ecs_mq.service", Says: ecsMQDoes + " at boot", Idle: "masked"},
			{Check: CheckECSMQ, File: "/etc/udev/rules.d/62-ecs-mq.rules", Says: ecsMQDoes + " when one is plugged in", Idle: "masked"},
			{Check: CheckIrqbalance, File: "/usr/lib/systemd/system/irqbalance.service", Idle: notEnabled},
		}},
		{"ecs_mq of images older than systemd", map[string]string{
			"etc/init.d/ecs_mq-service": "#!/bin/sh", "etc/rc3.d/S50ecs_mq-service": "->../init.d/ecs_mq-service",
			"etc/rc.d/init.d/ecs_mq-off": "#!/bin/sh", "etc/rc.d/rc3.d/K50ecs_mq-off": "->../init.d/ecs_mq-off",
		}, []Rival{
			{Check: CheckECSMQ, File: "/etc/init.d/ecs_mq-service", Says: ecsMQDoes + " at boot"},
			{Check: CheckECSMQ, File: "/etc/rc.d/init.d/ecs_mq-off", Says: ecsMQDoes + " at boot", Idle: notEnabled},
		}},
		{"NetworkManager", map[string]string{
			"etc/NetworkManager/system-connections/eth0.nmconnection": "[connection]\nid=it's eth0\n[ethtool]\nfeature-gro=true\nring-rx=1024\nchannels-combined=2\n",
			"etc/NetworkManager/system-connections/eth1.nmconnection": "[ethtool]\nfeature-gro=true\n",
			"run/NetworkManager/system-connections/eth2.nmconnection": "[ethtool]\nring-tx=\x1b[2J\n",
		}, []Rival{
			{Check: CheckNetworkManager, File: "/etc/NetworkManager/system-connections/eth0.nmconnection", Says: "ring-rx=1024, channels-combined=2",
				Undo: `nmcli connection modify 'it'\''s eth0' ethtool.ring-rx '' ethtool.channels-combined ''`},
			{Check: CheckNetworkManager, File: "/run/NetworkManager/system-connections/eth2.nmconnection", Says: "ring-tx= [2J"},
		}},
		{"network scripts", map[string]string{
			"etc/sysconfig/network-scripts/ifcfg-eth0": "DEVICE=eth0\nETHTOOL_OPTS=\"-G ${DEVICE} rx 512; -K eth0 gro on\"\n",
			"etc/sysconfig/network-scripts/ifcfg-eth1": "ETHTOOL_OPTS=\"-K eth1 gro on\"\n",
			"etc/sysconfig/network/ifcfg-eth2":         "ETHTOOL_OPTIONS_mq='-L iface combined 2'\n",
		}, []Rival{
			{Check: CheckIfcfg, File: "/etc/sysconfig/network-scripts/ifcfg-eth0", Says: `ETHTOOL_OPTS="-G ${DEVICE} rx 512; -K eth0 gro on"`},
			{Check: CheckIfcfg, File: "/etc/sysconfig/network/ifcfg-eth2", Says: `ETHTOOL_OPTIONS_mq='-L iface combined 2'`},
		}},
		{"Debian's interfaces", map[string]string{
			"etc/network/interfaces":        "iface eth0 inet dhcp\n  hardware-dma-ring-rx  1024\n  # hardware-dma-ring-tx 1\n  post-up ethtool -L $IFACE combined 4 || true\n",
			"etc/network/interfaces.d/eth1": "iface eth1 inet dhcp\n  up ethtool -K eth1 gro on\n",
		}, []Rival{{Check: CheckIfupdown, File: "/etc/network/interfaces", Says: "hardware-dma-ring-rx 1024, ethtool -L $IFACE combined 4"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, ReadRivals(tree(tt.files)), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestLinkFilesAreJudgedByTheirOrder(t *testing.T) {
	root := tree(map[string]string{
		"etc/systemd/network/10-a.link":                "[Match]\nDriver=virtio_net\n[Link]\nMTUBytes=1500\n",
		"usr/lib/systemd/network/10-a.link":            "[Link]\nRxChannels=1\n",
		"usr/lib/systemd/network/20-b.link":            "[Match]\nOriginalName=eth*\nDriver=virtio_net\n[Link]\nCombinedChannels=2\nTxBufferSize=max\n",
		"etc/systemd/network/20-b.link.d/more.conf":    "[Link]\nRxBufferSize=512\n",
		"usr/lib/systemd/network/30-c.link":            "[Link]\nRxChannels=\n",
		"run/systemd/network/40-d.link":                "->/dev/null",
		"usr/lib/systemd/network/40-d.link":            "[Link]\nRxChannels=3\n",
		"etc/systemd/network/40-d.link.d/x.conf":       "[Link]\nRxChannels=4\n",
		"etc/systemd/network/45-e.link":                "",
		"usr/lib/systemd/network/45-e.link":            "[Link]\nRxChannels=5\n",
		"usr/lib/systemd/network/irrelevant.network":   "[Link]\nRxChannels=3\n",
		"usr/lib/systemd/network/50-folder.link/file":  "",
		"etc/systemd/network/60-none.link.d/x.conf":    "[Link]\nOtherChannels=1\n",
		"usr/lib/systemd/network/99-default.link":      "[Match]\nOriginalName=*\n[Link]\nNamePolicy=keep\n",
		"etc/systemd/network/99-default.link.d/x.conf": "[Link]\nRxJumboBufferSize=7\n",
		"etc/systemd/network/eth0.link":                "[Match]\nOriginalName=eth0\n[Link]\nRxMiniBufferSize=8\n",
	})
	want := []Rival{
		{Check: CheckLinkFiles, File: "/usr/lib/systemd/network/20-b.link", Says: "CombinedChannels=2, TxBufferSize=max (for OriginalName=eth*, Driver=virtio_net)"},
		{Check: CheckLinkFiles, File: "/etc/systemd/network/20-b.link.d/more.conf", Says: "RxBufferSize=512 (for OriginalName=eth*, Driver=virtio_net)"},
		{Check: CheckLinkFiles, File: "/etc/systemd/network/40-d.link.d/x.conf", Says: "RxChannels=4", Idle: "without effect: /run/systemd/network/40-d.link is masked"},
		{Check: CheckLinkFiles, File: "/etc/systemd/network/60-none.link.d/x.conf", Says: "OtherChannels=1", Idle: "without effect: there is no 60-none.link"},
		{Check: CheckLinkFiles, File: "/etc/systemd/network/99-default.link.d/x.conf", Says: "RxJumboBufferSize=7 (for OriginalName=*)"},
		{Check: CheckLinkFiles, File: "/etc/systemd/network/eth0.link", Says: "RxMiniBufferSize=8 (for OriginalName=eth0)",
			Idle: "without effect: /usr/lib/systemd/network/99-default.link comes before it and matches every NIC"},
	}
	if d := cmp.Diff(want, ReadRivals(root)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestTuneDsProfilesAreJoined(t *testing.T) {
	on := map[string]string{
		"usr/lib/systemd/system/tuned.service":                     "[Unit]",
		"etc/systemd/system/multi-user.target.wants/tuned.service": enabled,
	}
	tests := []struct {
		name  string
		files map[string]string
		want  []Rival
	}{
		{"an included profile, one of its own name, a named section", map[string]string{
			"etc/tuned/active_profile":               "mine other\n",
			"etc/tuned/mine/tuned.conf":              "[main]\ninclude=base, mine, -optional\n[fast]\ntype=net\ndevices=eth*\nring=rx 1024 tx 512 # both\n[disk]\nring=no\n",
			"usr/lib/tuned/mine/tuned.conf":          "[net]\nring=rx 1\n",
			"usr/lib/tuned/profiles/base/tuned.conf": "# x\n[net]\nchannels = combined 2\n",
			"etc/tuned/unused/tuned.conf":            "[net]\nchannels=combined 9\n",
		}, []Rival{
			{Check: CheckTuneD, File: "/usr/lib/tuned/mine/tuned.conf", Says: "ring=rx 1"},
			{Check: CheckTuneD, File: "/usr/lib/tuned/profiles/base/tuned.conf", Says: "channels=combined 2"},
			{Check: CheckTuneD, File: "/etc/tuned/mine/tuned.conf", Says: "ring=rx 1024 tx 512 (for devices=eth*)"},
		}},
		{"a value that the including profile outdoes", map[string]string{
			"etc/tuned/active_profile":        "child",
			"etc/tuned/child/tuned.conf":      "[main]\ninclude=parent\n[net]\nchannels=combined 4\n",
			"usr/lib/tuned/parent/tuned.conf": "[net]\nring=rx 1\nchannels=combined 2\n",
		}, []Rival{
			{Check: CheckTuneD, File: "/usr/lib/tuned/parent/tuned.conf", Says: "ring=rx 1"},
			{Check: CheckTuneD, File: "/etc/tuned/child/tuned.conf", Says: "channels=combined 4"},
		}},
		{"sections that are replaced, dropped from and switched off", map[string]string{
			"etc/tuned/active_profile":        "child",
			"etc/tuned/child/tuned.conf":      "[main]\ninclude=parent\n[net]\nreplace=1\n[a]\ntype=net\ndrop=ring\n[b]\ntype=net\nenabled=false\n",
			"usr/lib/tuned/parent/tuned.conf": "[net]\nring=rx 1\n[a]\ntype=net\nring=rx 2\nchannels=rx 3\n[b]\ntype=net\nring=rx 4\n",
		}, []Rival{{Check: CheckTuneD, File: "/usr/lib/tuned/parent/tuned.conf", Says: "channels=rx 3"}}},
		{"the profile that is loaded behind the others", map[string]string{
			"etc/tuned/post_loaded_profile": "post", "etc/tuned/post/tuned.conf": "[net]\nring=rx 1\n",
		}, []Rival{{Check: CheckTuneD, File: "/etc/tuned/post/tuned.conf", Says: "ring=rx 1"}}},
		{"profiles that include each other", map[string]string{
			"etc/tuned/active_profile": "a", "etc/tuned/a/tuned.conf": "[main]\ninclude=b\n", "etc/tuned/b/tuned.conf": "[main]\ninclude=a\n[net]\nring=rx 1",
		}, []Rival{{Check: CheckTuneD, File: "/etc/tuned/b/tuned.conf", Says: "ring=rx 1"}}},
		{"a name that leads out of the folder", map[string]string{"etc/tuned/active_profile": "../../x .. /", "x/tuned.conf": "[net]\nring=rx 1\n"}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			root := tree(on)
			for name, file := range tree(tt.files) {
				root[name] = file
			}
			if d := cmp.Diff(tt.want, ReadRivals(root), cmpopts.EquateEmpty()); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	off := tree(map[string]string{"etc/tuned/active_profile": "p", "usr/lib/tuned/p/tuned.conf": "[net]\nring=rx 1"})
	if got := ReadRivals(off); len(got) != 1 || got[0].Idle != notEnabled {
		t.Errorf("TuneD that is not enabled: %+v", got)
	}
}

func TestCommandsInScriptsAreFound(t *testing.T) {
	root := executable(tree(map[string]string{
		"etc/rc.local":                                 "#!/bin/sh\n# ethtool -L eth0 combined 1\n/usr/sbin/ethtool -L eth1 combined \\\n  4 && echo\nethtool -l eth1\n",
		"etc/rc.d/rc.local":                            "ethtool -G eth0 rx 1024\n",
		"etc/network/if-up.d/ethtool":                  "$ETHTOOL --set-ring \"$IFACE\" $SETTINGS\n",
		"etc/network/if-up.d/ours":                     "\"${ETHTOOL}\" --set-ring \"$IFACE\" rx 512; true\n",
		"etc/cloud/cloud.cfg.d/50.cfg":                 "bootcmd:\n  - [sh, -c, 'ethtool -L eth0 combined 2']\n",
		"etc/udev/rules.d/70-nic.rules":                `ACTION=="add", SUBSYSTEM=="net", RUN+="/sbin/ethtool -G $name rx 256"` + "\n",
		"usr/lib/udev/rules.d/62-ecs-mq.rules":         "-",
		"etc/systemd/system/queues.service":            "[Service]\nExecStart=/usr/sbin/ethtool -L eth0 combined 2\n",
		"etc/systemd/system/on.service":                "[Service]\nExecStart=/usr/sbin/ethtool --set-channels eth0 combined 2\n",
		"etc/systemd/system/a.target.wants/on.service": enabled,
		"etc/cron.d/other":                             "@reboot root ethtool -K eth0 gro on\n",
	}), "etc/rc.local", "etc/network/if-up.d/ours", "etc/network/if-up.d/ethtool")
	delete(root, "usr/lib/udev/rules.d/62-ecs-mq.rules")
	want := []Rival{
		{Check: CheckScripts, File: "/etc/rc.local", Says: "ethtool -L eth1 combined 4"},
		{Check: CheckScripts, File: "/etc/rc.d/rc.local", Says: "ethtool -G eth0 rx 1024", Idle: "not executable, so that nothing runs it"},
		{Check: CheckScripts, File: "/etc/network/if-up.d/ours", Says: `ETHTOOL}" --set-ring "$IFACE" rx 512`},
		{Check: CheckScripts, File: "/etc/cloud/cloud.cfg.d/50.cfg", Says: "ethtool -L eth0 combined 2"},
		{Check: CheckScripts, File: "/etc/udev/rules.d/70-nic.rules", Says: "ethtool -G $name rx 256"},
		{Check: CheckScripts, File: "/etc/systemd/system/on.service", Says: "ethtool --set-channels eth0 combined 2"},
		{Check: CheckScripts, File: "/etc/systemd/system/queues.service", Says: "ethtool -L eth0 combined 2", Idle: notEnabled},
	}
	if d := cmp.Diff(want, ReadRivals(root)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A reader of a pipe waits for its writer; the doctor runs at the daemon's start.
func TestOddFilesNeitherStopNorBreakTheSearch(t *testing.T) {
	dir := t.TempDir()
	network := filepath.Join(dir, "etc/systemd/network")
	scripts := filepath.Join(dir, "etc/cron.d")
	for _, made := range []string{network, scripts, filepath.Join(dir, "etc/tuned/active_profile"), filepath.Join(dir, "etc/network/interfaces")} {
		if err := os.MkdirAll(made, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, pipe := range []string{filepath.Join(network, "10-a.link"), filepath.Join(scripts, "pipe")} {
		if err := syscall.Mkfifo(pipe, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for name, target := range map[string]string{"20-b.link": "20-b.link", "30-c.link": "/nowhere", "40-d.link": "/dev/zero"} {
		if err := os.Symlink(target, filepath.Join(network, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range map[string]string{
		"50-e.link": "[Link]\nRxChannels=" + strings.Repeat("9", 2<<20),
		"60-f.link": "\x00\xff[Link\n]=\n[Link]\nTxChannels=1\xff\n",
	} {
		if err := os.WriteFile(filepath.Join(network, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got := ReadRivals(os.DirFS(dir))
	if len(got) != 2 || len([]rune(got[0].Says)) != maxText+1 || got[1].Says != "TxChannels=1?" {
		t.Errorf("%+v", got)
	}
}

func TestFilesThatMayNotBeReadAreNamed(t *testing.T) {
	root := denying{tree(map[string]string{
		"etc/NetworkManager/system-connections/a": "", "etc/systemd/network/a.link": "x", "etc/network/interfaces": "", "etc/rc.local": "",
	})}
	var files []string
	for _, r := range ReadRivals(root) {
		if !r.Hidden {
			t.Errorf("%+v", r)
		}
		files = append(files, r.File)
	}
	want := []string{"/etc/NetworkManager/system-connections/a", "/etc/systemd/network/a.link", "/etc/network/interfaces"}
	if d := cmp.Diff(want, files); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// denying lists files and lets none be read.
type denying struct{ fstest.MapFS }

func (d denying) Open(name string) (fs.File, error) {
	if f, ok := d.MapFS[name]; ok && f.Mode.IsRegular() {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.MapFS.Open(name)
}

func TestOnlyWhatActsIsLogged(t *testing.T) {
	rivals := []Rival{
		{Check: CheckTuneD, File: "/t", Says: "ring=rx 1"},
		{Check: CheckIrqbalance, File: "/i"},
		{Check: CheckECSMQ, File: "/e", Says: "sets"},
		{Check: CheckECSMQ, File: "/off", Says: "sets", Idle: notEnabled},
		{Check: CheckNetworkManager, File: "/hidden", Hidden: true},
	}
	for _, tt := range []struct {
		mayLower bool
		want     []string
	}{
		{false, []string{"WARN tuned /t", "INFO irqbalance /i", "INFO ecs_mq /e"}},
		{true, []string{"WARN tuned /t", "INFO irqbalance /i", "WARN ecs_mq /e"}},
	} {
		var b strings.Builder
		LogRivals(slog.New(slog.NewTextHandler(&b, nil)), rivals, tt.mayLower)
		var got []string
		for line := range strings.Lines(b.String()) {
			fields := map[string]string{}
			for _, word := range strings.Fields(line) {
				key, value, _ := strings.Cut(word, "=")
				fields[key] = value
			}
			if fields["says"] == "" || fields["level"] == "WARN" && fields["remedy"] == "" {
				t.Errorf("without says or remedy: %s", line)
			}
			got = append(got, fields["level"]+" "+fields["rival"]+" "+fields["file"])
		}
		if d := cmp.Diff(tt.want, got); d != "" {
			t.Errorf("mayLower %v (-want +got):\n%s", tt.mayLower, d)
		}
	}
}

func TestTheRivalsAloneMakeAReport(t *testing.T) {
	if r := ExamineRivals(nil, false, now); r.ExitCode() != ExitHealthy || len(r.Findings) != len(rivalChecks()) {
		t.Errorf("nothing there: %+v", r)
	}
	r := ExamineRivals([]Rival{{Check: CheckECSMQ, File: "/e", Says: "sets"}}, true, now)
	if r.ExitCode() != ExitWarnings || r.Findings[0].Check != CheckECSMQ {
		t.Errorf("%+v", r)
	}
}

func FuzzEthtoolCommands(f *testing.F) {
	f.Add([]byte("ethtool -L eth0 combined 2 \\\n\\\n; \"$ETHTOOL\" --set-ring x\n# ethtool -G a\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, command := range ethtoolCommands(data) {
			if !strings.HasPrefix(strings.ToLower(command), "ethtool") || strings.Contains(command, "\n") {
				t.Errorf("%q", command)
			}
		}
	})
}
