package doctor

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Rival is another program's wish for channels or rings, as its files tell. No
// program is asked.
type Rival struct {
	Check Check
	// File is where it stands, absolute.
	File string
	// Says is the setting, such as ring=rx 1024; or why the file is not known.
	Says string
	// Idle: the file is there and nothing acts on it.
	Idle bool
	// Hidden: this process may not read the file.
	Hidden bool
}

// ReadRivals looks for the other programs that set channels and rings, below
// root.
func ReadRivals(root fs.FS) []Rival {
	return slices.Concat(readECSMQ(root), readIrqbalance(root), readTuneD(root), readNetworkManager(root), readLinkFiles(root), readIfcfg(root))
}

// readECSMQ looks for the service and the udev rule of Alibaba Cloud's images.
func readECSMQ(root fs.FS) []Rival {
	var list []Rival
	if u := findUnit(root, "ecs_mq.service"); u.file != "" {
		list = append(list, Rival{Check: CheckECSMQ, File: u.file, Says: "sets the channels of virtio NICs to the maximum at boot", Idle: !u.active()})
	}
	rules := []string{"etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"}
	if file, masked := findFile(root, "62-ecs-mq.rules", rules); file != "" {
		list = append(list, Rival{Check: CheckECSMQ, File: file, Says: "sets the channels of virtio NICs to the maximum on hot-plug", Idle: masked})
	}
	return list
}

func readIrqbalance(root fs.FS) []Rival {
	u := findUnit(root, "irqbalance.service")
	if u.file == "" {
		return nil
	}
	return []Rival{{Check: CheckIrqbalance, File: u.file, Idle: !u.active()}}
}

// readNetworkManager looks into the keyfiles for [ethtool] ring-* and channels-*
// (nm-settings-keyfile(5)).
func readNetworkManager(root fs.FS) []Rival {
	dirs := []string{"etc/NetworkManager/system-connections", "run/NetworkManager/system-connections", "usr/lib/NetworkManager/system-connections"}
	var list []Rival
	for _, dir := range dirs {
		if _, err := fs.ReadDir(root, dir); unreadable(err) {
			list = append(list, Rival{Check: CheckNetworkManager, File: "/" + dir, Hidden: true})
		}
	}
	for _, file := range listFiles(root, "*", dirs) {
		list = append(list, readEntries(root, CheckNetworkManager, file, func(e entry) bool {
			return e.section == "ethtool" && (strings.HasPrefix(e.key, "ring-") || strings.HasPrefix(e.key, "channels-"))
		})...)
	}
	return list
}

// readLinkFiles looks for channels and buffer sizes in systemd.link(5) files and
// their drop-ins.
func readLinkFiles(root fs.FS) []Rival {
	dirs := []string{"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network", "usr/lib/systemd/network", "lib/systemd/network"}
	keys := []string{"RxChannels", "TxChannels", "CombinedChannels", "RxBufferSize", "TxBufferSize"}
	var list []Rival
	for _, pattern := range []string{"*.link", "*.link.d/*.conf"} {
		for _, file := range listFiles(root, pattern, dirs) {
			list = append(list, readEntries(root, CheckLinkFiles, file, func(e entry) bool {
				return e.section == "Link" && slices.Contains(keys, e.key)
			})...)
		}
	}
	return list
}

// readEntries makes a rival of each file that has entries of a kind.
func readEntries(root fs.FS, check Check, file string, wanted func(entry) bool) []Rival {
	data, err := readFile(root, file)
	switch {
	case unreadable(err):
		return []Rival{{Check: check, File: "/" + file, Hidden: true}}
	case err != nil:
		return nil // gone meanwhile, or a folder
	}
	var says []string
	for _, e := range parseINI(data) {
		if wanted(e) && e.value != "" {
			says = append(says, e.key+"="+e.value)
		}
	}
	if len(says) == 0 {
		return nil
	}
	return []Rival{{Check: check, File: "/" + file, Says: strings.Join(says, ", ")}}
}

// readIfcfg looks for ethtool -G and -L in the network scripts' ETHTOOL_OPTS.
func readIfcfg(root fs.FS) []Rival {
	var list []Rival
	for _, file := range listFiles(root, "ifcfg-*", []string{"etc/sysconfig/network-scripts"}) {
		list = append(list, readEntries(root, CheckIfcfg, file, func(e entry) bool {
			return e.key == "ETHTOOL_OPTS" && slices.ContainsFunc(strings.FieldsFunc(e.value, func(r rune) bool {
				return strings.ContainsRune(" \t\"';", r)
			}), func(word string) bool {
				return slices.Contains([]string{"-G", "--set-ring", "-L", "--set-channels"}, word)
			})
		})...)
	}
	return list
}

// readTuneD follows the active profiles and those that they include for a net
// plugin that sets rings or channels (tuned.conf(5)).
func readTuneD(root fs.FS) []Rival {
	active, err := readLine(root, "etc/tuned/active_profile")
	if err != nil {
		return nil
	}
	idle := !findUnit(root, "tuned.service").active()
	var list []Rival
	seen := map[string]bool{}
	for queue := strings.Fields(active); len(queue) > 0; queue = queue[1:] {
		if seen[queue[0]] || !fs.ValidPath(queue[0]) {
			continue
		}
		seen[queue[0]] = true
		file, data := tunedProfile(root, queue[0])
		entries := parseINI(data)
		nets := netSections(entries)
		var says []string
		for _, e := range entries {
			switch {
			case e.section == "main" && e.key == "include":
				queue = append(queue, strings.FieldsFunc(e.value, func(r rune) bool { return strings.ContainsRune(",; ", r) })...)
			case nets[e.section] && (e.key == "ring" || e.key == "channels"):
				says = append(says, e.key+"="+e.value)
			}
		}
		if len(says) > 0 {
			list = append(list, Rival{Check: CheckTuneD, File: "/" + file, Says: strings.Join(says, ", "), Idle: idle})
		}
	}
	return list
}

// tunedProfile finds a profile's file: /etc outdoes /usr/lib. Since TuneD 2.23
// the profiles have a folder of their own.
func tunedProfile(root fs.FS, name string) (file string, data []byte) {
	for _, dir := range []string{"etc/tuned/profiles", "etc/tuned", "usr/lib/tuned/profiles", "usr/lib/tuned"} {
		file := path.Join(dir, name, "tuned.conf")
		if data, err := readFile(root, file); err == nil {
			return file, data
		}
	}
	return "", nil
}

// netSections are the sections of the net plugin: a section's type is told by
// type=, or else by its name.
func netSections(entries []entry) map[string]bool {
	kinds := map[string]string{}
	for _, e := range entries {
		if kinds[e.section] == "" {
			kinds[e.section] = e.section
		}
		if e.key == "type" {
			kinds[e.section] = e.value
		}
	}
	nets := map[string]bool{}
	for section, kind := range kinds {
		nets[section] = kind == "net"
	}
	return nets
}

func checkRivals(f Facts) []Finding {
	var found []Finding
	for _, check := range []Check{CheckECSMQ, CheckIrqbalance, CheckTuneD, CheckNetworkManager, CheckLinkFiles, CheckIfcfg} {
		some := false
		for _, r := range f.Rivals {
			if r.Check == check {
				found, some = append(found, rivalFinding(r, f.Agent.MayLower)), true
			}
		}
		if !some {
			found = append(found, Finding{check, "", OK, "sets no channels or rings here", ""})
		}
	}
	return found
}

func rivalFinding(r Rival, mayLower bool) Finding {
	at := Finding{Check: r.Check, Object: r.File, Status: Warn, Message: r.Says}
	switch {
	case r.Hidden:
		at.Status, at.Message, at.Remedy = Note, "this user may not read it", "run `sudo enitune doctor`"
		return at
	case r.Idle:
		at.Status, at.Message = OK, "installed, and not enabled"
		return at
	}
	switch r.Check {
	case CheckIrqbalance:
		at.Status, at.Message = Note, "it spreads the queues' interrupts over the CPUs; it sets no channels or rings, and enitune no affinity"
	case CheckECSMQ:
		at.Status = Note
		at.Remedy = "nothing, as long as no ENI is to have fewer queues than its NIC offers"
		if mayLower {
			at.Status = Warn
			at.Message += ", and this configuration lowers them again (reconcile.shrink, or a number in nics:)"
			at.Remedy = "systemctl disable --now ecs_mq, and ln -s /dev/null /etc/udev/rules.d/62-ecs-mq.rules; it then sets no RPS and XPS either"
		}
	case CheckTuneD:
		at.Remedy = "take ring= and channels= out of the profile's net plugin, or override it in /etc/tuned, then tuned-adm profile again"
	case CheckNetworkManager:
		at.Remedy = "unset each in its connection, as in: nmcli connection modify NAME ethtool.ring-rx ''"
	case CheckLinkFiles:
		at.Remedy = "take these keys out, or set the same numbers on the ENI; udev sets them whenever the NIC appears"
	case CheckIfcfg:
		at.Remedy = "take -G and -L out of ETHTOOL_OPTS"
	}
	return at
}
