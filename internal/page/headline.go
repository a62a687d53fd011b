package page

import (
	"strconv"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/plan"
)

// headline says in words whether all is well. It holds no age, so that it changes,
// and is read out, only when something happens.
func headline(r agent.Report, found []finding) (head, lead string, worst tone) {
	drifting, nics := drifts(r)
	others := 0
	for _, f := range found {
		if f.kind != kindDrift {
			others++
		}
	}
	switch {
	case drifting > 0 && !r.Determined:
		return driftWords(drifting), "On " + plural(nics, "NIC") + "; and not everything could be determined. What is wrong, and what to do, is below.", toneBad
	case drifting > 0:
		return driftWords(drifting), "On " + strconv.Itoa(nics) + " of " + plural(len(r.NICs), "NIC") + ". What is wrong, and what to do, is below.", toneBad
	case !r.Determined:
		return "Not determined", "What the NICs should have, or the NICs themselves, could not be found out. Why, and what to do, is below.", toneBad
	case len(r.NICs) == 0 && others == 0:
		return "No NICs", "This machine has no network device that enitune could tune.", toneNote
	}
	head, lead = inSync(r), "Every setting is as it is wanted."
	if leftAlone(r) {
		lead = "No setting drifts. The table tells which are left alone, and why."
	}
	if others > 0 {
		return head + ", " + plural(others, "problem"), lead + " What needs attention all the same is below.", toneWarn
	}
	return head, lead, toneGood
}

// inSync is what the command line says of a report without drift.
func inSync(r agent.Report) string {
	if r.Desired.Origin == agent.OriginNone {
		return plural(len(r.NICs), "NIC") + " in sync with the rules in nics:"
	}
	matched := 0
	for _, n := range r.NICs {
		if n.ENI != "" {
			matched++
		}
	}
	return plural(matched, "ENI") + " in sync"
}

func driftWords(n int) string {
	if n == 1 {
		return "Drift: 1 setting is not as wanted"
	}
	return "Drift: " + plural(n, "setting") + " are not as wanted"
}

// leftAlone tells whether a setting is not in sync and does not drift.
func leftAlone(r agent.Report) bool {
	for _, n := range r.NICs {
		for _, s := range n.Settings {
			if !s.Drift && s.Reason != plan.InSync {
				return true
			}
		}
	}
	return false
}

// drifts counts the settings that drift, and the NICs that have some.
func drifts(r agent.Report) (settings, nics int) {
	for _, n := range r.NICs {
		before := settings
		for _, s := range n.Settings {
			if s.Drift {
				settings++
			}
		}
		if settings > before {
			nics++
		}
	}
	return settings, nics
}
