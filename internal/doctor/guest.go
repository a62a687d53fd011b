package doctor

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

const (
	capNetAdmin = 12 // CAP_NET_ADMIN, capabilities(7)
	// Bits of a virtio network device (virtio 1.2, sections 5.1.3 and 6).
	featureMultiqueue = 22
	featureRingReset  = 40
)

// ReadGuest reads what can be read of the machine below root. The kernel's
// ethtool family is not a file: it is the caller's to ask for.
func ReadGuest(root fs.FS) Guest {
	var g Guest
	g.Capabilities, g.CapErr = readCapabilities(root)
	g.Release, g.ReleaseErr = readLine(root, "proc/sys/kernel/osrelease")
	g.NICs, g.SysfsErr = readNICs(root)
	return g
}

// readCapabilities reads CapEff of /proc/self/status (proc_pid_status(5)).
func readCapabilities(root fs.FS) (uint64, error) {
	data, err := readFile(root, "proc/self/status")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(string(data)) {
		if value, ok := strings.CutPrefix(line, "CapEff:"); ok {
			return strconv.ParseUint(strings.TrimSpace(value), 16, 64)
		}
	}
	return 0, errors.New("/proc/self/status has no CapEff")
}

// readNICs lists the devices that have a parent in sysfs.
func readNICs(root fs.FS) ([]NIC, error) {
	const dir = "sys/class/net"
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil, err
	}
	var nics []NIC
	for _, e := range entries {
		device := path.Join(dir, e.Name(), "device")
		if _, err := fs.Stat(root, device); err != nil {
			continue
		}
		n := NIC{Name: e.Name()}
		if target, err := fs.ReadLink(root, path.Join(device, "driver")); err == nil {
			n.Driver = path.Base(target)
		}
		n.Features, _ = readLine(root, path.Join(device, "features")) // only virtio devices have it
		nics = append(nics, n)
	}
	return nics, nil
}

func checkCapabilities(f Facts) []Finding {
	g := f.Guest
	switch {
	case g.CapErr != nil:
		return one(CheckCapabilities, Fail, "this process's capabilities cannot be read: "+g.CapErr.Error(), "mount /proc")
	case g.Capabilities&(1<<capNetAdmin) != 0:
		return one(CheckCapabilities, OK, "CAP_NET_ADMIN is effective", "")
	case g.Root:
		return one(CheckCapabilities, Fail, "root lacks CAP_NET_ADMIN here, so no setting can be written",
			"in a container: run it with the host's network and --cap-add NET_ADMIN; in a unit: AmbientCapabilities= and CapabilityBoundingSet=CAP_NET_ADMIN")
	case f.Agent.Daemon != nil && f.Agent.Daemon.UID == 0:
		return one(CheckCapabilities, Note, "this user lacks CAP_NET_ADMIN; the daemon that writes runs as root",
			"run `sudo enitune doctor` to test all that the daemon can do")
	default:
		return one(CheckCapabilities, Warn, "this user lacks CAP_NET_ADMIN, so `enitune apply` and `run` could write no setting",
			"run `sudo enitune doctor`")
	}
}

// checkKernel judges the kernel by its version, except for what it can be asked.
func checkKernel(f Facts) []Finding {
	g := f.Guest
	if g.ReleaseErr != nil {
		return one(CheckKernel, Fail, "the kernel's version cannot be read: "+g.ReleaseErr.Error(), "mount /proc")
	}
	version, err := parseRelease(g.Release)
	if err != nil {
		return one(CheckKernel, Note, err.Error(), "")
	}
	found := one(CheckKernel, OK, "Linux "+g.Release, "")
	if version.before(kernel{4, 19}) {
		found = one(CheckKernel, Warn, "Linux "+g.Release+" is older than 4.19, the oldest that enitune is made for", "update the kernel")
	}
	switch {
	case g.EthtoolFamily == nil:
		return append(found, Finding{CheckEthtoolEvents, "", OK, "the kernel announces changes of channels and rings", ""})
	case version.before(kernel{5, 6}):
		return append(found, Finding{CheckEthtoolEvents, "", Note,
			"the kernel does not announce changes of channels and rings, as Linux does since 5.6; the daemon finds them every reconcile.resync_interval",
			""})
	default:
		return append(found, Finding{CheckEthtoolEvents, "", Warn,
			"the kernel's ethtool netlink family does not answer: " + g.EthtoolFamily.Error() + "; the daemon finds changes every reconcile.resync_interval only",
			"use a kernel with CONFIG_ETHTOOL_NETLINK=y"})
	}
}

func checkSysfs(f Facts) []Finding {
	switch g := f.Guest; {
	case g.SysfsErr != nil:
		return one(CheckSysfs, Fail, "the network devices cannot be read: "+g.SysfsErr.Error(), "mount /sys")
	case len(g.NICs) == 0:
		return one(CheckSysfs, Note, "no network device here has hardware behind it, so there is no ENI to look after",
			"in a container: give it the host's network; for tests, discovery.virtual_devices: true")
	default:
		return one(CheckSysfs, OK, fmt.Sprintf("/sys/class/net is readable; network devices with hardware behind them: %s", names(g.NICs)), "")
	}
}

func names(nics []NIC) string {
	var list []string
	for _, n := range nics {
		list = append(list, n.Name)
	}
	return strings.Join(list, ", ")
}

// checkNICs tells what virtio devices can do; of other drivers only the kernel
// knows, when it is asked to write.
func checkNICs(f Facts) []Finding {
	version, err := parseRelease(f.Guest.Release)
	old := err == nil && version.before(kernel{6, 1})
	var rings, queues []Finding
	for _, n := range f.Guest.NICs {
		if n.Features == "" || n.Driver != "virtio_net" {
			continue
		}
		switch {
		case old:
			rings = append(rings, Finding{CheckRings, n.Name, Note, "ring sizes can be read, not changed: virtio_net changes them since Linux 6.1",
				"use a newer kernel if rings matter; queues need none of it"})
		case !feature(n.Features, featureRingReset):
			rings = append(rings, Finding{CheckRings, n.Name, Note, "ring sizes can be read, not changed: the device offers no queue reset (VIRTIO_F_RING_RESET)",
				"the ENI's own ring size is set through the API: enitune eni set --rx-queue-size"})
		default:
			rings = append(rings, Finding{CheckRings, n.Name, OK, "ring sizes can be changed", ""})
		}
		if feature(n.Features, featureMultiqueue) {
			queues = append(queues, Finding{CheckMultiqueue, n.Name, OK, "the device has several queues", ""})
			continue
		}
		queues = append(queues, Finding{CheckMultiqueue, n.Name, Note, "the device offers one queue only (no VIRTIO_NET_F_MQ)",
			"give the ENI more queues (enitune eni set --queues), then stop and start the instance, or detach and attach the ENI"})
	}
	return append(rings, queues...)
}

// feature reads sysfs's form of virtio features.
func feature(bits string, bit int) bool { return bit < len(bits) && bits[bit] == '1' }

// kernel is a version of Linux.
type kernel struct{ major, minor int }

func (k kernel) before(o kernel) bool {
	return k.major < o.major || k.major == o.major && k.minor < o.minor
}

// parseRelease reads the beginning of uname -r, such as 5.10.134-16.al8.x86_64.
func parseRelease(release string) (kernel, error) {
	var k kernel
	if _, err := fmt.Sscanf(release, "%d.%d", &k.major, &k.minor); err != nil || k.major < 0 || k.minor < 0 {
		return kernel{}, fmt.Errorf("the kernel's version %q is not understood", release)
	}
	return k, nil
}
