package doctor

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// readNetworkManager looks into the keyfiles for [ethtool] ring-* and channels-*
// (nm-settings-keyfile(5)). Connections kept as ifcfg files are found by
// readIfcfg; NetworkManager.conf knows no defaults for [ethtool].
func readNetworkManager(root fs.FS) []Rival {
	dirs := []string{"etc/NetworkManager/system-connections", "run/NetworkManager/system-connections", "usr/lib/NetworkManager/system-connections"}
	var list []Rival
	for _, dir := range dirs {
		if _, err := fs.ReadDir(root, dir); unreadable(err) {
			list = append(list, Rival{Check: CheckNetworkManager, File: "/" + dir, Hidden: true})
		}
	}
	for _, file := range listFiles(root, "*", dirs) {
		entries, hidden := readINI(root, file)
		r := Rival{Check: CheckNetworkManager, File: "/" + file, Hidden: hidden}
		id, undo := value(entries, "connection", "id"), []string(nil)
		r.Says = keys(entries, func(e entry) bool {
			found := e.section == "ethtool" && (strings.HasPrefix(e.key, "ring-") || strings.HasPrefix(e.key, "channels-"))
			if found && e.value != "" {
				undo = append(undo, "ethtool."+e.key+" ''")
			}
			return found
		})
		if r.Says == "" && !hidden {
			continue
		}
		if id != "" {
			r.Undo = "nmcli connection modify " + shellWord(id) + " " + strings.Join(undo, " ")
		}
		list = append(list, r)
	}
	return list
}

// shellWord quotes a text for a shell.
func shellWord(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// linkDirs are where systemd.link(5) files stand, the first one wins.
func linkDirs() []string {
	return []string{"etc/systemd/network", "run/systemd/network", "usr/local/lib/systemd/network", "usr/lib/systemd/network", "lib/systemd/network"}
}

// readLinkFiles looks for channels and buffer sizes in systemd.link(5) files and
// their drop-ins. Of all .link files only the first one that matches a NIC is
// applied to it, in the order of their names, so that what stands behind one
// that matches every NIC does nothing.
func readLinkFiles(root fs.FS) []Rival {
	names := baseNames(root, "*.link", linkDirs())
	for _, dropIn := range baseNames(root, "*.link.d", linkDirs()) {
		if name := strings.TrimSuffix(dropIn, ".d"); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var list []Rival
	all := "" // the first file that matches every NIC
	for _, name := range names {
		main, masked := findFile(root, name, linkDirs())
		idle := ""
		switch {
		case main == "":
			idle = "without effect: there is no " + name
		case masked:
			idle = "without effect: " + main + " is masked"
		case all != "":
			idle = "without effect: " + all + " comes before it and matches every NIC"
		}
		files := []string{strings.TrimPrefix(main, "/")}
		if main == "" || masked {
			files = nil
		}
		dropIns := listFiles(root, path.Join(name+".d", "*.conf"), linkDirs())
		slices.SortFunc(dropIns, func(a, b string) int { return cmp.Compare(path.Base(a), path.Base(b)) })
		found, match := readLink(root, append(files, dropIns...), idle)
		list = append(list, found...)
		if idle == "" && match == "OriginalName=*" {
			all = main
		}
	}
	return list
}

// readLink reads a .link file with its drop-ins, and gives what it matches.
func readLink(root fs.FS, files []string, idle string) (list []Rival, match string) {
	wanted := []string{"RxChannels", "TxChannels", "OtherChannels", "CombinedChannels",
		"RxBufferSize", "RxMiniBufferSize", "RxJumboBufferSize", "TxBufferSize"}
	for _, file := range files {
		entries, hidden := readINI(root, file)
		if m := keys(entries, func(e entry) bool { return e.section == "Match" }); m != "" && match != "" {
			match += ", " + m
		} else {
			match += m
		}
		says := keys(entries, func(e entry) bool { return e.section == "Link" && slices.Contains(wanted, e.key) })
		if says != "" || hidden {
			list = append(list, Rival{Check: CheckLinkFiles, File: "/" + file, Says: says, Idle: idle, Hidden: hidden})
		}
	}
	for i := range list {
		if match != "" && !list[i].Hidden {
			list[i].Says += " (for " + match + ")"
		}
	}
	return list, match
}

// readIfcfg looks for ethtool's -G and -L in the network scripts' ETHTOOL_OPTS
// (RHEL, CentOS, Alibaba Cloud Linux; NetworkManager reads and writes them, too)
// and wicked's ETHTOOL_OPTIONS (SUSE).
func readIfcfg(root fs.FS) []Rival {
	var list []Rival
	for _, file := range listFiles(root, "ifcfg-*", []string{"etc/sysconfig/network-scripts", "etc/sysconfig/network"}) {
		entries, hidden := readINI(root, file)
		says := keys(entries, func(e entry) bool {
			return strings.HasPrefix(e.key, "ETHTOOL_OPT") && slices.ContainsFunc(strings.FieldsFunc(e.value, func(r rune) bool {
				return strings.ContainsRune(" \t\"';", r)
			}), writesRingsOrChannels)
		})
		if says != "" || hidden {
			list = append(list, Rival{Check: CheckIfcfg, File: "/" + file, Says: says, Hidden: hidden})
		}
	}
	return list
}

func writesRingsOrChannels(option string) bool {
	return slices.Contains([]string{"-G", "--set-ring", "-L", "--set-channels"}, option)
}

// readIfupdown looks for Debian's hardware-dma-ring-* options, which ethtool's
// script in if-up.d turns into ethtool -G, and for ethtool commands of up lines.
func readIfupdown(root fs.FS) []Rival {
	files := []string{"etc/network/interfaces"}
	more, _ := fs.Glob(root, "etc/network/interfaces.d/*") // the pattern is right
	var list []Rival
	for _, file := range append(files, more...) {
		data, err := readFile(root, file)
		if unreadable(err) {
			list = append(list, Rival{Check: CheckIfupdown, File: "/" + file, Hidden: true})
			continue
		}
		var says []string
		for line := range strings.Lines(string(data)) {
			if words := strings.Fields(line); len(words) > 1 && strings.HasPrefix(words[0], "hardware-dma-ring-") {
				says = append(says, strings.Join(words, " "))
			}
		}
		if says = append(says, ethtoolCommands(data)...); len(says) > 0 {
			list = append(list, Rival{Check: CheckIfupdown, File: "/" + file, Says: strings.Join(says, ", ")})
		}
	}
	return list
}

// readINI reads a file's entries. hidden: it is there and may not be read.
func readINI(root fs.FS, file string) (entries []entry, hidden bool) {
	data, err := readFile(root, file)
	if err != nil {
		return nil, unreadable(err) // or it is gone meanwhile, or a folder
	}
	return parseINI(data), false
}

// keys joins the entries of a kind that have a value.
func keys(entries []entry, wanted func(entry) bool) string {
	var says []string
	for _, e := range entries {
		if e.value != "" && wanted(e) {
			says = append(says, e.key+"="+e.value)
		}
	}
	return strings.Join(says, ", ")
}

// value is the last value of a key.
func value(entries []entry, section, key string) string {
	found := ""
	for _, e := range entries {
		if e.section == section && e.key == key {
			found = e.value
		}
	}
	return found
}
