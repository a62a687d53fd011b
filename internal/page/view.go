package page

import (
	"strings"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/plan"
)

// tone is how good or bad something is. It chooses a colour and a mark; a word that
// says the same always stands beside.
type tone int

// The tones, from the worst. The zero value is invalid.
const (
	toneBad tone = iota + 1
	toneWarn
	toneNote
	toneGood
)

// class is the tone's name in the style.
func (t tone) class() string {
	switch t {
	case toneBad:
		return "bad"
	case toneWarn:
		return "warn"
	case toneNote:
		return "note"
	case toneGood:
		return "good"
	default:
		return ""
	}
}

// mark is the tone as a sign, so that colour is not all that tells it.
func (t tone) mark() string {
	switch t {
	case toneBad:
		return "✕"
	case toneWarn:
		return "!"
	case toneGood:
		return "✓"
	case toneNote:
		return "·"
	default:
		return ""
	}
}

// view is all that the document shows, as texts that are safe to stand in a line.
type view struct {
	tone     tone
	headline string
	lead     string
	title    string // of the window

	instance string   // the id; "" if not known
	where    []string // type and region, as far as known
	version  string
	made     moment // the report

	findings  []finding
	nics      []nicView
	unmatched []unmatchedView
	desired   desiredView
	sources   []sourceView
	events    []sourceView
	changes   []changeView
}

// sign is the mark in the large.
func (t tone) sign() string {
	if t == toneNote {
		return "…"
	}
	return t.mark()
}

// nicView is a NIC with a row for each setting.
type nicView struct {
	key, device, eni, details string
	settings                  []settingView
}

type settingView struct {
	key, name, current, desired, most, source string
	tone                                      tone
	state                                     string
	since                                     moment // while it drifts
}

type unmatchedView struct{ eni, mac, why string }

type desiredView struct {
	from  string
	read  moment
	stale bool
}

type sourceView struct {
	name, state, err string
	tone             tone
	success          moment
	never            string // in place of success
}

type changeView struct {
	key              string
	when             moment
	device, eni      string
	setting          string
	from, to, byWhom string
	foreign          bool
}

// newView turns a report into what is shown of it at the time now. known is false
// while there is no report.
func newView(r agent.Report, known bool, version string, now time.Time) view {
	v := view{version: name(version)}
	if !known {
		v.tone, v.headline = toneNote, "No report yet"
		v.lead = "The daemon is looking at the NICs for the first time. This takes a moment."
		v.title = "No report yet · enitune"
		v.findings = errorFindings(r) // a refused configuration is known before
		return v
	}
	v.instance = name(r.Instance.ID)
	for _, s := range []string{r.Instance.Type, r.Instance.Region} {
		if s != "" {
			v.where = append(v.where, name(s))
		}
	}
	v.made = at(r.Time, now)
	v.findings = findings(r, now)
	for _, n := range r.NICs {
		v.nics = append(v.nics, newNICView(n, now))
	}
	for _, u := range r.Unmatched {
		v.unmatched = append(v.unmatched, unmatchedView{orDash(name(u.ENI)), orDash(name(u.MAC)), unmatchedWords(u.Reason)})
	}
	v.desired = newDesiredView(r.Desired, now)
	v.sources, v.events = sources(r.Sources, now), events(r.Events, now)
	for _, c := range r.Changes {
		v.changes = append(v.changes, newChangeView(c, now))
	}
	v.headline, v.lead, v.tone = headline(r, v.findings)
	v.title = v.headline + " · enitune"
	if v.instance != "" {
		v.title = v.headline + " · " + v.instance + " · enitune"
	}
	return v
}

func newNICView(n agent.NICReport, now time.Time) nicView {
	v := nicView{key: "nic " + name(n.Device) + " " + name(n.MAC), device: name(n.Device), eni: name(n.ENI)}
	if v.device == "" {
		v.device = "unnamed"
	}
	var details []string
	for _, s := range []string{n.Type, n.Driver, n.MAC} {
		if s != "" {
			details = append(details, name(s))
		}
	}
	v.details = strings.Join(details, " · ")
	for _, s := range n.Settings {
		v.settings = append(v.settings, newSettingView(s, now))
	}
	return v
}

func newSettingView(s agent.SettingReport, now time.Time) settingView {
	v := settingView{
		key: s.Setting.String(), name: settingWords(s.Setting),
		current: number(s.Current), desired: number(s.Desired), most: number(s.Max), source: sourceWords(s.Source),
		tone: toneNote, state: reasonWords(s.Reason),
	}
	switch {
	case s.Drift:
		v.tone, v.since = toneBad, at(s.DriftSince, now)
	case s.Reason == plan.Unreadable, s.Reason == plan.DuplicateMAC:
		v.tone = toneBad
	case s.Reason == plan.InSync:
		v.tone = toneGood
	}
	return v
}

func newDesiredView(o agent.Origin, now time.Time) desiredView {
	v := desiredView{read: at(o.FetchedAt, now), stale: o.Stale}
	switch o.Origin {
	case agent.OriginAPI:
		v.from = "ECS API"
	case agent.OriginCache:
		v.from = "cache of this machine"
	case agent.OriginNone:
		v.from = "rules in nics: only; nothing is known from the cloud"
	default:
		v.from = orDash(name(o.Origin))
	}
	return v
}

func sources(list []agent.SourceHealth, now time.Time) []sourceView {
	var views []sourceView
	for _, s := range list {
		v := sourceView{name: componentWords(s.Source), success: at(s.LastSuccess, now), err: message(s.Error), never: "none yet", tone: toneGood, state: "answers"}
		switch {
		case s.Up:
		case s.LastAttempt.IsZero() && s.Error == "":
			v.tone, v.state = toneNote, "not asked yet"
		default:
			v.tone, v.state = toneBad, "fails"
		}
		views = append(views, v)
	}
	return views
}

func events(list []agent.SourceHealth, now time.Time) []sourceView {
	var views []sourceView
	for _, s := range list {
		v := sourceView{name: componentWords(s.Source), success: at(s.LastSuccess, now), err: message(s.Error), never: "none yet", tone: toneGood, state: "arrive"}
		switch {
		case s.Up:
		case unsupported(s):
			v.tone, v.state, v.never = toneNote, "not in this kernel", "–"
		case s.LastAttempt.IsZero() && s.Error == "":
			v.tone, v.state = toneNote, "not open yet"
		default:
			v.tone, v.state = toneWarn, "down"
		}
		views = append(views, v)
	}
	return views
}

// unsupported tells whether the kernel has no such event source, which is no fault.
func unsupported(s agent.SourceHealth) bool { return s.Class == eni.ClassUnsupported.String() }

func newChangeView(c agent.Change, now time.Time) changeView {
	v := changeView{
		when: at(c.Time, now), device: name(c.Device), eni: name(c.ENI), setting: settingWords(c.Setting),
		from: number(c.From), to: number(c.To), byWhom: "enitune", foreign: c.By != agent.ByEnitune,
	}
	if v.foreign {
		v.byWhom = "another program"
	}
	v.key = strings.Join([]string{c.Time.Format(time.RFC3339Nano), v.device, v.eni, v.setting, v.from, v.to, v.byWhom}, " ")
	return v
}

func orDash(s string) string {
	if s == "" {
		return "–"
	}
	return s
}
