package doctor

import (
	"io/fs"
	"log/slog"
	"path"
	"slices"
	"strings"
	"unicode"
)

// Rival is another program's wish for channels or rings, as its files tell. No
// program is asked.
type Rival struct {
	Check Check
	// File is where it stands, absolute.
	File string
	// Says is the setting, such as ring=rx 1024.
	Says string
	// Undo is what ends it, where the file tells more than its kind does.
	Undo string
	// Idle tells why nothing acts on the file; "" if something does.
	Idle string
	// Hidden: this process may not read the file.
	Hidden bool
}

// notEnabled is why a unit does nothing.
const notEnabled = "installed, and not enabled"

// ReadRivals looks for the other programs that set channels and rings, below
// root.
func ReadRivals(root fs.FS) []Rival {
	list := slices.Concat(readECSMQ(root), readIrqbalance(root), readTuneD(root), readNetworkManager(root),
		readLinkFiles(root), readIfcfg(root), readIfupdown(root), readScripts(root))
	for i := range list {
		r := &list[i]
		r.File, r.Says, r.Undo, r.Idle = printable(r.File), printable(r.Says), printable(r.Undo), printable(r.Idle)
	}
	return list
}

// maxText bounds what is shown of a file, in runes.
const maxText = 300

// printable makes words of a file fit for a line on a terminal.
func printable(s string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?")))
	if len(runes) > maxText {
		runes = append(runes[:maxText], '…')
	}
	return string(runes)
}

// ecsMQDoes is what Alibaba Cloud's script /sbin/ecs_mq_rps_rfs does, whichever
// of its versions.
const ecsMQDoes = "sets the channels of each virtio NIC named eth* to the maximum"

// readECSMQ looks for the service and the udev rule of Alibaba Cloud's images.
// Their installer puts a unit into /lib or /usr/lib by distribution, or an init
// script where the distribution is older than systemd.
func readECSMQ(root fs.FS) []Rival {
	var list []Rival
	add := func(file, when, idle string) {
		list = append(list, Rival{Check: CheckECSMQ, File: file, Says: ecsMQDoes + " " + when, Idle: idle})
	}
	for _, pattern := range []string{"ecs_mq*.service", "ecs-mq*.service"} {
		for _, name := range baseNames(root, pattern, unitDirs()) {
			u := findUnit(root, name)
			add(u.file, "at boot", u.idle())
		}
	}
	for _, pattern := range []string{"etc/init.d/ecs_mq*", "etc/rc.d/init.d/ecs_mq*"} {
		scripts, _ := fs.Glob(root, pattern) // the pattern is right
		for _, script := range scripts {
			add("/"+script, "at boot", sysvIdle(root, path.Base(script)))
		}
	}
	for _, pattern := range []string{"*ecs-mq*.rules", "*ecs_mq*.rules"} {
		for _, name := range baseNames(root, pattern, ruleDirs()) {
			file, masked := findFile(root, name, ruleDirs())
			idle := ""
			if masked {
				idle = "masked"
			}
			add(file, "when one is plugged in", idle)
		}
	}
	return list
}

// sysvIdle tells why no run level starts an init script; "" if one does.
func sysvIdle(root fs.FS, name string) string {
	for _, dir := range []string{"etc/rc[2345].d", "etc/rc.d/rc[2345].d"} {
		if links, _ := fs.Glob(root, path.Join(dir, "S[0-9][0-9]"+name)); len(links) > 0 {
			return ""
		}
	}
	return notEnabled
}

func readIrqbalance(root fs.FS) []Rival {
	u := findUnit(root, "irqbalance.service")
	if u.file == "" {
		return nil
	}
	return []Rival{{Check: CheckIrqbalance, File: u.file, Idle: u.idle()}}
}

// rivalChecks are the checks for other programs, in the order of reports.
func rivalChecks() []Check {
	return []Check{CheckECSMQ, CheckIrqbalance, CheckTuneD, CheckNetworkManager, CheckLinkFiles, CheckIfcfg, CheckIfupdown, CheckScripts}
}

func checkRivals(f Facts) []Finding {
	var found []Finding
	for _, check := range rivalChecks() {
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
	at := Finding{Check: r.Check, Object: r.File, Status: Warn, Message: r.Says, Remedy: r.Undo}
	switch {
	case r.Hidden:
		at.Status, at.Message, at.Remedy = Note, "this user may not read it", "run `sudo enitune doctor`"
		return at
	case r.Idle != "":
		at.Status, at.Message, at.Remedy = OK, r.Idle, ""
		return at
	}
	switch r.Check {
	case CheckIrqbalance:
		at.Status, at.Message = Note, "it spreads the queues' interrupts over the CPUs; it sets no channels or rings, and enitune no affinity"
	case CheckECSMQ:
		at.Status = Note
		at.Remedy = "nothing, as long as no NIC is to have fewer queues than it offers"
		if mayLower {
			at.Status = Warn
			at.Message += ", and this configuration lowers them again (reconcile.shrink, or a number in nics:)"
			at.Remedy = "systemctl disable --now ecs_mq, and ln -s /dev/null /etc/udev/rules.d/62-ecs-mq.rules; it then sets no RPS and XPS either"
		}
	default:
		if at.Remedy == "" {
			at.Remedy = remedies()[r.Check]
		}
	}
	return at
}

// remedies are what ends the wishes of a kind.
func remedies() map[Check]string {
	return map[Check]string{
		CheckTuneD:          "take ring= and channels= out of the profile's net plugin, or override it in /etc/tuned, then tuned-adm profile again",
		CheckNetworkManager: "unset each in its connection, as in: nmcli connection modify NAME ethtool.ring-rx ''",
		CheckLinkFiles:      "take these keys out, or set the same numbers on the ENI; udev sets them whenever the NIC appears",
		CheckIfcfg:          "take -G and -L out of it",
		CheckIfupdown:       "take the line out",
		CheckScripts:        "take the ethtool command out, or set the same numbers on the ENI",
	}
}

// LogRivals writes the other programs that act here to the log, a line for each
// of their files: a warning where one works against the daemon, information
// where it is only to be known. mayLower tells that the configuration can ask
// for fewer queues than a NIC offers.
func LogRivals(log *slog.Logger, rivals []Rival, mayLower bool) {
	for _, r := range rivals {
		f := rivalFinding(r, mayLower)
		attrs := []any{"rival", string(r.Check), "file", f.Object, "says", f.Message}
		if f.Remedy != "" {
			attrs = append(attrs, "remedy", f.Remedy)
		}
		switch {
		case r.Hidden, r.Idle != "":
			log.Debug("another program's file has no effect, or cannot be read", attrs...)
		case f.Status >= Warn:
			log.Warn("another program sets channels or rings, too", attrs...)
		default:
			log.Info("another program looks after the NICs, too", attrs...)
		}
	}
}
