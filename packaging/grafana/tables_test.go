package grafana

import (
	"regexp"
	"slices"
	"testing"
)

// matches tells which names an override is of.
func (o override) matches(t *testing.T) func(name string) bool {
	t.Helper()
	switch o.Matcher.ID {
	case "byName":
		return func(name string) bool { return name == o.Matcher.Options }
	case "byRegexp":
		m := regexp.MustCompile(`^/(.*)/$`).FindStringSubmatch(o.Matcher.Options)
		if m == nil {
			t.Fatalf("%q is not between slashes, which Grafana wants", o.Matcher.Options)
		}
		return regexp.MustCompile(m[1]).MatchString
	default:
		t.Fatalf("override by %s", o.Matcher.ID)
		return nil
	}
}

// shown are the columns of a table by the name of the field, as organize names
// them.
func (p panel) shown(t *testing.T) map[string]string {
	t.Helper()
	last := p.Transformations[len(p.Transformations)-1]
	if last.ID != "organize" || (len(p.Targets) > 1) != (p.Transformations[0].ID == "merge") {
		t.Fatalf("table %q: want merge for several queries, then organize", p.Title)
	}
	if !last.Options.ExcludeByName["Time"] {
		t.Errorf("table %q shows the time of the query", p.Title)
	}
	for field := range last.Options.RenameByName {
		if _, ok := last.Options.IndexByName[field]; !ok || last.Options.ExcludeByName[field] {
			t.Errorf("table %q: column %s is named and has no place, or is hidden", p.Title, field)
		}
	}
	return last.Options.RenameByName
}

// A table's columns are labels and values. A slip in a name would lose one.
func TestEachColumnOfATableComesFromItsQueries(t *testing.T) {
	metrics := known(t)
	value := regexp.MustCompile(`^Value(?: #([A-Z]))?$`)
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			if p.Type != "table" {
				continue
			}
			for field := range p.shown(t) {
				m := value.FindStringSubmatch(field)
				switch {
				case m == nil && !slices.ContainsFunc(p.Targets, func(q target) bool { return metrics.labelsOf(t, q.Expr)[field] }):
					t.Errorf("%s: no query has the label %s", where(b, p), field)
				case m != nil && (m[1] == "") != (len(p.Targets) == 1):
					t.Errorf("%s: column %s with %d queries", where(b, p), field, len(p.Targets))
				case m != nil && m[1] != "" && !slices.ContainsFunc(p.Targets, func(q target) bool { return q.RefID == m[1] }):
					t.Errorf("%s: there is no query for column %s", where(b, p), field)
				}
			}
		}
	}
}

// Each value of a table of several queries has a column, or is hidden, and so has
// each label that an aggregation keeps.
func TestNoColumnOfATableIsShownUnderItsRawName(t *testing.T) {
	by := regexp.MustCompile(`^[^(]*\bby \(([^)]*)\)`)
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			if p.Type != "table" {
				continue
			}
			shown, hidden := p.shown(t), p.Transformations[len(p.Transformations)-1].Options.ExcludeByName
			for _, q := range p.Targets {
				fields := []string{"Value"}
				if len(p.Targets) > 1 {
					fields[0] += " #" + q.RefID
				}
				if m := by.FindStringSubmatch(q.Expr); m != nil {
					fields = append(fields, regexp.MustCompile(`, *`).Split(m[1], -1)...)
				}
				for _, field := range fields {
					if shown[field] == "" && !hidden[field] {
						t.Errorf("%s: %s has no name and is not hidden", where(b, p), field)
					}
				}
			}
		}
	}
}

func TestATableIsSortedAndColouredByColumnsThatItHas(t *testing.T) {
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			if p.Type != "table" {
				continue
			}
			var names []string
			for _, name := range p.shown(t) {
				names = append(names, name)
			}
			for _, s := range p.Options.SortBy {
				if !slices.Contains(names, s.DisplayName) {
					t.Errorf("%s is sorted by %q, which is no column", where(b, p), s.DisplayName)
				}
			}
			for _, o := range p.FieldConfig.Overrides {
				if !slices.ContainsFunc(names, o.matches(t)) {
					t.Errorf("%s: the override of %q matches no column", where(b, p), o.Matcher.Options)
				}
			}
		}
	}
}
