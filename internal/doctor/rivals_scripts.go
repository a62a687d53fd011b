package doctor

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// scriptPlaces are where administrators and provisioning tools put commands
// that run at boot or when a NIC comes up. Scripts that these call in turn are
// not looked into.
func scriptPlaces() []scriptPlace {
	return []scriptPlace{
		{"etc/rc.local", true}, {"etc/rc.d/rc.local", true},
		{"sbin/ifup-local", true}, {"etc/sysconfig/network/scripts/*", true},
		{"etc/network/if-pre-up.d/*", true}, {"etc/network/if-up.d/*", true},
		{"etc/NetworkManager/dispatcher.d/*", true}, {"etc/NetworkManager/dispatcher.d/pre-up.d/*", true},
		{"etc/networkd-dispatcher/*.d/*", true},
		{"var/lib/cloud/scripts/per-boot/*", true},
		{"etc/cloud/cloud.cfg", false}, {"etc/cloud/cloud.cfg.d/*.cfg", false}, {"var/lib/cloud/instance/user-data.txt", false},
		{"etc/crontab", false}, {"etc/cron.d/*", false}, {"var/spool/cron/root", false}, {"var/spool/cron/crontabs/root", false},
	}
}

type scriptPlace struct {
	pattern string
	// executable: a file without the permission to be executed is passed over by
	// what runs the place.
	executable bool
}

// ruleDirs are where udev rules stand, the first one wins (udev(7)).
func ruleDirs() []string {
	return []string{"etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d", "lib/udev/rules.d"}
}

// readScripts looks for ethtool commands that set channels or rings in scripts,
// udev rules and the administrator's own units. A file that may not be read is
// passed over: nothing tells that it is one.
func readScripts(root fs.FS) []Rival {
	var list []Rival
	add := func(file, idle string) {
		data, err := readFile(root, file)
		if err != nil {
			return
		}
		if says := ethtoolCommands(data); len(says) > 0 {
			list = append(list, Rival{Check: CheckScripts, File: "/" + file, Says: strings.Join(says, ", "), Idle: idle})
		}
	}
	for _, place := range scriptPlaces() {
		files, _ := fs.Glob(root, place.pattern) // the patterns are right
		for _, file := range files {
			idle := ""
			if info, err := fs.Stat(root, file); place.executable && err == nil && info.Mode()&0o111 == 0 {
				idle = "not executable, so that nothing runs it"
			}
			if file != "etc/network/if-up.d/ethtool" { // ethtool's own; readIfupdown finds what it acts on
				add(file, idle)
			}
		}
	}
	for _, file := range listFiles(root, "*.rules", ruleDirs()) {
		add(file, "")
	}
	for _, name := range baseNames(root, "*.service", []string{"etc/systemd/system"}) {
		if u := findUnit(root, name); !u.masked {
			add(strings.TrimPrefix(u.file, "/"), u.idle())
		}
	}
	return list
}

// ethtoolCommand is ethtool, as a word or the name of a variable, with an option
// that sets channels or rings.
var ethtoolCommand = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i:ethtool)["'}]*[ \t]+(?:-L|-G|--set-channels|--set-ring)[ \t](?:"\$[^"\n]*"|[^;&|"'#\n])*`)
})

// ethtoolCommands finds them in a script; lines that are comments are passed
// over.
func ethtoolCommands(data []byte) []string {
	var found []string
	for line := range strings.Lines(strings.ReplaceAll(string(data), "\\\n", " ")) {
		if strings.HasPrefix(strings.TrimSpace(line), "#") {
			continue
		}
		for _, command := range ethtoolCommand().FindAllString(line, -1) {
			if command = strings.Join(strings.Fields(command), " "); !slices.Contains(found, command) {
				found = append(found, command)
			}
		}
	}
	return found
}

// baseNames lists the names that match a pattern in several folders, each once,
// sorted.
func baseNames(root fs.FS, pattern string, dirs []string) []string {
	var names []string
	for _, dir := range dirs {
		files, _ := fs.Glob(root, path.Join(dir, pattern)) // the pattern is right
		for _, file := range files {
			names = append(names, path.Base(file))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
