package doctor

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// readTuneD joins the active profiles with those that they include, as TuneD
// does, and looks for a net plugin that sets rings or channels (tuned.conf(5)).
func readTuneD(root fs.FS) []Rival {
	var active []string
	for _, file := range []string{"etc/tuned/active_profile", "etc/tuned/post_loaded_profile"} {
		line, _ := readLine(root, file) // TuneD makes both when it is given a profile
		active = append(active, strings.Fields(line)...)
	}
	m := tunedMerge{root: root, seen: map[string]bool{}, sections: map[string]*tunedSection{}}
	for _, name := range active {
		m.load(name)
	}
	idle := findUnit(root, "tuned.service").idle()
	var list []Rival
	for _, name := range m.order {
		s := m.sections[name]
		if s.options["type"].value != "net" && (name != "net" || s.options["type"].value != "") || !tunedTrue(s.options["enabled"].value, true) {
			continue
		}
		for _, key := range []string{"ring", "channels"} {
			o := s.options[key]
			if o.value == "" {
				continue
			}
			says := key + "=" + o.value
			if d := s.options["devices"].value; d != "" && d != "*" {
				says += " (for devices=" + d + ")"
			}
			at := slices.IndexFunc(list, func(r Rival) bool { return r.File == o.file })
			if at < 0 {
				list = append(list, Rival{Check: CheckTuneD, File: o.file, Says: says, Idle: idle})
				continue
			}
			list[at].Says += ", " + says
		}
	}
	return list
}

// tunedMerge joins profiles: a later one outdoes an earlier one, option by
// option, section by section.
type tunedMerge struct {
	root     fs.FS
	seen     map[string]bool // files
	sections map[string]*tunedSection
	order    []string // of the sections
}

type tunedSection struct{ options map[string]tunedOption }

type tunedOption struct{ value, file string }

// load adds a profile, after those that it includes.
func (m *tunedMerge) load(name string) {
	file, data := tunedProfile(m.root, name, m.seen)
	if file == "" {
		return
	}
	m.seen[file] = true
	entries := parseINI(data)
	for _, e := range entries {
		if e.section == "main" && e.key == "include" {
			for _, included := range tunedList(e.value) {
				m.load(included)
			}
		}
	}
	mine := map[string]bool{}
	for _, e := range entries {
		if s := m.section(e.section); !mine[e.section] {
			mine[e.section] = true
			m.prepare(s, entries, e.section)
		}
		m.sections[e.section].options[e.key] = tunedOption{withoutComment(e.value), "/" + file}
	}
}

func (m *tunedMerge) section(name string) *tunedSection {
	if m.sections[name] == nil {
		m.sections[name] = &tunedSection{map[string]tunedOption{}}
		m.order = append(m.order, name)
	}
	return m.sections[name]
}

// prepare makes room for a profile's section: replace= drops all that earlier
// profiles have in it, drop= some. The type and whether it is enabled are never
// taken over.
func (m *tunedMerge) prepare(s *tunedSection, entries []entry, name string) {
	delete(s.options, "type")
	delete(s.options, "enabled")
	for _, e := range entries {
		switch {
		case e.section != name:
		case e.key == "replace" && tunedTrue(withoutComment(e.value), false):
			clear(s.options)
		case e.key == "drop":
			for _, key := range tunedList(e.value) {
				delete(s.options, key)
			}
		}
	}
}

// tunedTrue reads a truth value by TuneD's rule: only these words are true.
func tunedTrue(s string, unset bool) bool {
	if s == "" {
		return unset
	}
	return slices.Contains([]string{"True", "true", "1"}, s)
}

// tunedList reads a list, which commas or semicolons separate.
func tunedList(value string) []string {
	return strings.FieldsFunc(withoutComment(value), func(r rune) bool { return strings.ContainsRune(",; \t", r) })
}

// withoutComment cuts off a comment behind a value. It begins with white space
// and #.
func withoutComment(value string) string {
	for i := range len(value) {
		if value[i] == '#' && (i == 0 || value[i-1] == ' ' || value[i-1] == '\t') {
			return strings.TrimSpace(value[:i])
		}
	}
	return value
}

// tunedProfile finds a profile's file that was not read yet, so that a profile
// can include the one that it hides: /etc outdoes /usr/lib. Since TuneD 2.23 the
// profiles have a folder of their own. A - before the name makes it optional.
func tunedProfile(root fs.FS, name string, seen map[string]bool) (file string, data []byte) {
	name = path.Base(strings.TrimPrefix(name, "-"))
	for _, dir := range []string{"etc/tuned/profiles", "etc/tuned", "usr/lib/tuned/profiles", "usr/lib/tuned"} {
		file := path.Join(dir, name, "tuned.conf")
		if seen[file] || !fs.ValidPath(file) {
			continue
		}
		if data, err := readFile(root, file); err == nil {
			return file, data
		}
	}
	return "", nil
}
