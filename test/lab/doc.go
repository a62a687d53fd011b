// Package lab boots real Linux guests with real multi-queue virtio NICs in QEMU, for the tests that need a driver and a
// kernel of their own: changes of rings and channels, hot-plug, restarts with other queue counts.
//
// A test package opts in with a TestMain, boots a guest and talks to it:
//
//	func TestMain(m *testing.M) { lab.Main(m) }
//
//	func TestRings(t *testing.T) {
//		g := lab.Boot(t, lab.Options{Kernel: "6.12", NICs: []lab.NIC{{ID: "eni-1", Queues: 4}}})
//		got := g.Run(t.Context(), "ethtool", "-g", g.Device("eni-1"))
//		…
//	}
//
// The tests run in a network namespace of their own (package netns): the host's end of each NIC, the addresses on it and the
// servers behind them exist only there. QEMU emulates the processor in software unless ENITUNE_LAB_ACCEL says otherwise
// ("kvm"), so neither hardware virtualisation nor privileges are needed; writing to /dev/net/tun must be allowed.
//
// Such a guest lives in memory, with busybox and nothing running. With Options.Disk it is a whole Debian with systemd, that
// keeps what is written when it is shut down, or killed, and booted again.
//
// setup.sh installs the tools, unpacks the kernels and makes the disk. QEMU 7.2 is the first that lets a guest resize virtio rings.
package lab
