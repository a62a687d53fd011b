package page

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// A text from outside takes at most so many characters of the page.
const (
	maxName    = 128
	maxMessage = 1000
)

// name makes a text from outside safe to stand in a line: see clean.
func name(s string) string { return clean(s, maxName) }

// message does the same for a sentence.
func message(s string) string { return clean(s, maxMessage) }

// clean replaces what is not printed, such as control characters, marks that turn
// the direction of writing and bytes that are no UTF-8, and cuts off what is longer
// than most characters.
func clean(s string, most int) string {
	if plain(s) && len(s) <= most {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > most {
			b.WriteRune('…')
			break
		}
		if !strconv.IsPrint(r) {
			r = utf8.RuneError
		}
		b.WriteRune(r)
	}
	return b.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

// sentence makes a message of the program's own style, which begins in lower case
// and has no full stop, one of a page.
func sentence(s string) string {
	s = strings.TrimSpace(s)
	if s == "" {
		return ""
	}
	first, size := utf8.DecodeRuneInString(s)
	// What is not a word, such as eth1, reconcile.mode or ecs:, is a name.
	word, _, _ := strings.Cut(s, " ")
	if first >= 'a' && first <= 'z' && strings.IndexFunc(word, notLetter) < 0 {
		s = strings.ToUpper(s[:size]) + s[size:]
	}
	if last, _ := utf8.DecodeLastRuneInString(s); !strings.ContainsRune(".!?…", last) {
		s += "."
	}
	return s
}

func notLetter(r rune) bool { return (r < 'a' || r > 'z') && r != ',' }

// moment is a time as the page shows it: absolute, and how long ago.
type moment struct {
	machine  string // RFC 3339; "" for no time
	absolute string
	ago      string // how long ago
	span     string // for how long
}

func at(t, now time.Time) moment {
	if t.IsZero() {
		return moment{}
	}
	t = t.UTC()
	m := moment{t.Format(time.RFC3339), t.Format("2006-01-02 15:04:05") + " UTC", "just now", "just now"}
	if s := span(now.Sub(t)); s != "" {
		m.ago, m.span = s+" ago", "for "+s
	}
	return m
}

// span rounds a time to what a person wants to know; "" for less than a second. No
// line breaks between number and unit.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return ""
	case d < time.Minute:
		return strconv.Itoa(int(d.Seconds())) + "\u00a0s"
	case d < time.Hour:
		return strconv.Itoa(int(d.Minutes())) + "\u00a0min"
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "\u00a0h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + "\u00a0days"
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// number is a value of a setting; a dash where it is not known.
func number(n int) string {
	if n == 0 {
		return "–"
	}
	return strconv.Itoa(n)
}

// settingWords is what a person calls a setting.
func settingWords(s nic.Setting) string { return strings.ReplaceAll(s.String(), "_", " ") }

// reasonWords is a reason as words.
func reasonWords(r plan.Reason) string { return strings.ReplaceAll(r.String(), "_", " ") }

// sourceWords tells who wants a value.
func sourceWords(s plan.Source) string {
	switch s {
	case plan.Override:
		return "rule in nics:"
	case plan.API:
		return "ECS API"
	case plan.Tag:
		return "tag of the ENI"
	case plan.InstanceType:
		return "instance type"
	case plan.Device:
		return "NIC's maximum"
	case 0:
		return "–"
	default:
		return s.String()
	}
}

// unmatchedWords tells why an ENI has no NIC.
func unmatchedWords(r agent.UnmatchedReason) string {
	switch r {
	case agent.NICMissing:
		return "its NIC is missing"
	case agent.NotInUse:
		return "being attached or detached"
	case agent.TrunkMember:
		return "a VLAN on a trunk ENI's NIC"
	default:
		return name(string(r))
	}
}

// componentWords names a source of knowledge.
func componentWords(c string) string {
	switch c {
	case string(agent.ComponentMetadata):
		return "metadata service"
	case string(agent.ComponentAPI):
		return "ECS API"
	case "rtnetlink":
		return "link events"
	case "ethtool":
		return "ethtool events"
	default:
		return name(c)
	}
}

// part is a piece of a sentence of ours, as code or not.
type part struct {
	text string
	code bool
}

// parts splits a sentence of ours at its backquotes. A text from outside never
// comes here.
func parts(s string) []part {
	var list []part
	for i, text := range strings.Split(s, "`") {
		if text != "" {
			list = append(list, part{text, i%2 == 1})
		}
	}
	return list
}
