package doctor

import (
	"log/slog"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"
	"unicode/utf8"
)

// FuzzRivals: whatever stands in another program's files, what is told of it is
// lines that print, bounded in number and length, and the file is one that there is.
func FuzzRivals(f *testing.F) {
	for _, seed := range []string{
		"[net]\nring=rx 1024 tx 1024\nchannels=combined 2\n", "[main]\ninclude=a b a\n[x]\ntype=net\nring=\x1b[31m\nreplace=1\n",
		"[Match]\nOriginalName=*\n[Link]\nRxChannels=2\nRxBufferSize=max\n", "[connection]\nid=it's \x1b]0;x\a\n[ethtool]\nring-rx=1\nchannels-combined=\n",
		`ETHTOOL_OPTS="-G eth0 rx 1024; -L eth0 combined 2"`, "iface eth0 inet dhcp\n  ethtool-ring-rx 512\n  up ethtool -L $IFACE combined 2\n",
		"#!/bin/sh\nethtool -L eth0 combined 2\n", strings.Repeat("ethtool -G a rx 1\n", 50), "\xff\xfe[net]\r\nring=\u202e",
	} {
		f.Add([]byte(seed), "a b")
	}
	f.Fuzz(func(t *testing.T, data []byte, profiles string) {
		root := fstest.MapFS{}
		for _, name := range []string{
			"etc/tuned/a/tuned.conf", "usr/lib/tuned/b/tuned.conf", "etc/systemd/network/10-a.link", "etc/systemd/network/10-a.link.d/x.conf",
			"etc/NetworkManager/system-connections/a.nmconnection", "etc/sysconfig/network-scripts/ifcfg-eth0", "etc/network/interfaces",
			"etc/udev/rules.d/90-a.rules", "etc/systemd/system/a.service", "etc/cron.d/a", "etc/rc.local", "usr/lib/systemd/system/tuned.service",
		} {
			root[name] = &fstest.MapFile{Data: data, Mode: 0o755}
		}
		root["etc/tuned/active_profile"] = &fstest.MapFile{Data: []byte(profiles), Mode: 0o644}
		rivals := ReadRivals(root)
		if len(rivals) > 2*len(root) {
			t.Errorf("%d rivals in %d files", len(rivals), len(root))
		}
		for _, r := range rivals {
			if root[strings.TrimPrefix(r.File, "/")] == nil {
				t.Errorf("%q is no file", r.File)
			}
			for _, text := range []string{r.File, r.Says, r.Undo, r.Idle} {
				checkShown(t, text)
			}
			if strings.HasPrefix(r.Undo, "nmcli") && strings.Count(strings.ReplaceAll(r.Undo, `'\''`, ""), "'")%2 != 0 && !strings.HasSuffix(r.Undo, "…") {
				t.Errorf("a quote is open in %q", r.Undo)
			}
		}
		LogRivals(slog.New(slog.DiscardHandler), rivals, true)
	})
}

func checkShown(t *testing.T, text string) {
	t.Helper()
	if utf8.RuneCountInString(text) > maxText+1 {
		t.Errorf("%d characters are shown", utf8.RuneCountInString(text))
	}
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("%U is shown: %q", r, text)
			return
		}
	}
}

// FuzzGuest: whatever /proc and /sys hold, what is read of them is what they hold,
// or an error.
func FuzzGuest(f *testing.F) {
	f.Add("Name:\tx\nCapEff:\t0000000000001000\n", "6.6.30-1.al4", "0110")
	f.Add("CapEff:\t1ffffffffffffffff\n", "5", "")
	f.Add("CapEff:-1", "99999999999999999999.1", "\x1b[31m")
	f.Fuzz(func(t *testing.T, status, release, features string) {
		g := ReadGuest(fstest.MapFS{
			"proc/self/status":                  {Data: []byte(status)},
			"proc/sys/kernel/osrelease":         {Data: []byte(release)},
			"sys/class/net/eth0/device/feature": {},
			"sys/class/net/eth0/device/features": {
				Data: []byte(features)},
		})
		if g.ReleaseErr != nil || strings.Contains(g.Release, "\n") {
			t.Errorf("%+v", g)
		}
		if k, err := parseRelease(release); err == nil && (k.major < 0 || k.minor < 0) {
			t.Errorf("%q is version %+v", release, k)
		}
		for _, n := range g.NICs {
			if feature(n.Features, featureRingReset) && n.Features[featureRingReset] != '1' {
				t.Errorf("%+v", n)
			}
		}
	})
}
