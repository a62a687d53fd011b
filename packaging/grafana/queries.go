package grafana

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

//go:embed *.json
var files embed.FS

// Query is a query of a dashboard, with values in place of Grafana's variables.
type Query struct {
	// Dashboard is the dashboard's uid.
	Dashboard string
	// Panel is the panel's title and the letter of the query, or "variable" and
	// the name of the variable whose values are asked for.
	Panel string
	// Expr is PromQL.
	Expr string
	// Instant tells that the panel shows the present; else it asks for a range.
	Instant bool
	// MayBeEmpty tells that no answer is a good answer even of a fleet in which
	// settings drift and one has the reason device_max.
	MayBeEmpty bool
}

// Queries gives every query of every dashboard. vars are the values of the
// variables; one without a value is an error. job, instance_id and device stand
// in regular expressions. instance is compared as it is: one target. host is that
// target's host, and is quoted for a regular expression. __rate_interval is
// Grafana's own, a duration.
func Queries(vars map[string]string) ([]Query, error) {
	boards, err := dashboards()
	if err != nil {
		return nil, err
	}
	var list []Query
	for _, b := range boards {
		found, err := b.queries(vars)
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", b.UID, err)
		}
		list = append(list, found...)
	}
	return list, nil
}

func (b dashboard) queries(vars map[string]string) ([]Query, error) {
	var list []Query
	add := func(panel, expr string, instant bool) error {
		q := Query{Dashboard: b.UID, Panel: panel, Instant: instant, MayBeEmpty: mayBeEmpty(expr)}
		var err error
		if q.Expr, err = substitute(expr, vars); err != nil {
			return fmt.Errorf("%s: %w", panel, err)
		}
		list = append(list, q)
		return nil
	}
	for _, v := range b.Templating.List {
		if v.Type != "query" {
			continue
		}
		selector, _, err := v.labelValues()
		if err != nil {
			return nil, err
		}
		if err := add("variable "+v.Name, selector, true); err != nil {
			return nil, err
		}
	}
	for _, p := range b.Panels {
		for _, t := range p.Targets {
			if err := add(p.Title+" "+t.RefID, t.Expr, t.Instant); err != nil {
				return nil, err
			}
		}
	}
	return list, nil
}

// mayBeEmpty knows the queries of series that exist only while something else
// than drift is amiss, of another exporter, or of what has just happened.
func mayBeEmpty(expr string) bool {
	for _, rare := range []string{"node_network_", "ALERTS{", "enitune_problem{", "enitune_eni_unmatched{", `code!="OK"`, "topk(25, up{"} {
		if strings.Contains(expr, rare) {
			return true
		}
	}
	return strings.HasSuffix(expr, "[$__rate_interval])) > 0")
}

// dashboards reads the embedded files, in the order of their names.
func dashboards() ([]dashboard, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var list []dashboard
	for _, e := range entries {
		raw, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		d := dashboard{file: e.Name(), raw: raw}
		if err := json.Unmarshal(raw, &d); err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		list = append(list, d)
	}
	return list, nil
}

// substitute does what Grafana does with $name, ${name} and ${name:regex}. $1
// and the like are label_replace's.
func substitute(expr string, vars map[string]string) (string, error) {
	unknown := map[string]bool{}
	variable := regexp.MustCompile(`\$(?:([a-zA-Z_]\w*)|\{([a-zA-Z_]\w*)(:regex)?\})`)
	expr = variable.ReplaceAllStringFunc(expr, func(use string) string {
		m := variable.FindStringSubmatch(use)
		name := m[1] + m[2]
		value, ok := vars[name]
		switch {
		case !ok:
			unknown[name] = true
		case m[3] != "":
			value = regexp.QuoteMeta(value)
		}
		return value
	})
	if len(unknown) > 0 {
		return "", fmt.Errorf("no value for %s", strings.Join(slices.Sorted(maps.Keys(unknown)), ", "))
	}
	return expr, nil
}
