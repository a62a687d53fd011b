package doctor

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"path"
	"strings"
)

// maxFile bounds what is read of any file, in bytes.
const maxFile = 1 << 20

// errIrregular: a folder, or what could keep its reader waiting, as a pipe does.
var errIrregular = errors.New("not a regular file")

// readFile reads a regular file, at most maxFile of it.
func readFile(root fs.FS, name string) ([]byte, error) {
	info, err := fs.Stat(root, name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, &fs.PathError{Op: "read", Path: name, Err: errIrregular}
	}
	file, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, maxFile))
}

// readLine reads a file of one line.
func readLine(root fs.FS, name string) (string, error) {
	data, err := readFile(root, name)
	line, _, _ := bytes.Cut(data, []byte("\n"))
	return strings.TrimSpace(string(line)), err
}

// unit is a systemd unit as its files tell: systemd itself is not asked.
type unit struct {
	file    string // absolute; "" if it is not installed
	masked  bool
	enabled bool // a target wants it
}

// active tells whether systemd starts it at boot.
func (u unit) active() bool { return u.file != "" && u.enabled && !u.masked }

// idle tells why systemd does not start it; "" if it does.
func (u unit) idle() string {
	switch {
	case u.active():
		return ""
	case u.masked:
		return "masked"
	default:
		return notEnabled
	}
}

// unitDirs are where units stand, the first one wins (systemd.unit(5)).
func unitDirs() []string {
	return []string{"etc/systemd/system", "run/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system", "lib/systemd/system"}
}

func findUnit(root fs.FS, name string) unit {
	var u unit
	u.file, u.masked = findFile(root, name, unitDirs())
	for _, dir := range unitDirs() {
		for _, kind := range []string{"*.wants", "*.requires"} {
			// The pattern is right, and a folder that is not there has no match.
			links, _ := fs.Glob(root, path.Join(dir, kind))
			for _, wants := range links {
				if _, err := fs.Lstat(root, path.Join(wants, name)); err == nil {
					u.enabled = true
				}
			}
		}
	}
	return u
}

// UnitEnabled tells whether systemd starts a unit at boot.
func UnitEnabled(root fs.FS, name string) bool { return findUnit(root, name).active() }

// findFile finds a file in the first of several folders, as systemd and udev
// do. masked: it is empty or a link to /dev/null, which hides those in later
// folders.
func findFile(root fs.FS, name string, dirs []string) (file string, masked bool) {
	for _, dir := range dirs {
		at := path.Join(dir, name)
		info, err := fs.Lstat(root, at)
		if err != nil {
			continue
		}
		target, err := fs.ReadLink(root, at)
		return "/" + at, err == nil && target == "/dev/null" || info.Mode().IsRegular() && info.Size() == 0
	}
	return "", false
}

// listFiles lists the files in several folders that match a pattern, each base
// name once: of the first folder that has it, and not if it is masked there.
func listFiles(root fs.FS, pattern string, dirs []string) []string {
	var list []string
	seen := map[string]bool{}
	for _, dir := range dirs {
		files, _ := fs.Glob(root, path.Join(dir, pattern)) // see findUnit
		for _, file := range files {
			base := path.Base(file)
			if seen[base] {
				continue
			}
			seen[base] = true
			if target, err := fs.ReadLink(root, file); err != nil || target != "/dev/null" {
				list = append(list, file)
			}
		}
	}
	return list
}

// entry is one key of an ini file: TuneD's profiles, NetworkManager's keyfiles
// and systemd's .link files share this much of their syntax.
type entry struct{ section, key, value string }

// parseINI reads sections and keys. What is neither is passed over, as the
// files' own programs judge them. Comments are lines with # or ;, and a
// backslash at its end joins a line with the next.
func parseINI(data []byte) []entry {
	var list []entry
	section, joined := "", ""
	for line := range strings.Lines(string(data)) {
		line = joined + strings.TrimSpace(line)
		joined = ""
		if rest, ok := strings.CutSuffix(line, `\`); ok {
			joined = rest + " "
			continue
		}
		switch {
		case line == "", strings.HasPrefix(line, "#"), strings.HasPrefix(line, ";"):
		case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
			section = strings.TrimSpace(line[1 : len(line)-1])
		default:
			if key, value, ok := strings.Cut(line, "="); ok {
				list = append(list, entry{section, strings.TrimSpace(key), strings.TrimSpace(value)})
			}
		}
	}
	return list
}

// unreadable tells whether a file is there and this process may not read it.
func unreadable(err error) bool { return errors.Is(err, fs.ErrPermission) }
