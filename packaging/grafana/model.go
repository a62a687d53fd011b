package grafana

import (
	"fmt"
	"regexp"
)

// What follows is Grafana's JSON model of a dashboard, as far as queries and
// tests need it.

type dashboard struct {
	file string
	raw  []byte

	UID           string      `json:"uid"`
	Title         string      `json:"title"`
	Description   string      `json:"description"`
	Tags          []string    `json:"tags"`
	Refresh       string      `json:"refresh"`
	SchemaVersion int         `json:"schemaVersion"`
	Links         []boardLink `json:"links"`
	Panels        []panel     `json:"panels"`
	Templating    struct {
		List []variable `json:"list"`
	} `json:"templating"`
}

// boardLink is a link in the dashboard's head.
type boardLink struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	IncludeVars bool   `json:"includeVars"`
	KeepTime    bool   `json:"keepTime"`
}

type variable struct {
	Name        string     `json:"name"`
	Label       string     `json:"label"`
	Description string     `json:"description"`
	Type        string     `json:"type"`
	Datasource  datasource `json:"datasource"`
	// Query is text for a variable of type datasource, an object for type query.
	Query      any    `json:"query"`
	Definition string `json:"definition"`
	Regex      string `json:"regex"`
}

// labelValues splits label_values(selector, label), the only kind of query that
// the dashboards' variables have.
func (v variable) labelValues() (selector, label string, err error) {
	m := regexp.MustCompile(`^label_values\((.+), (\w+)\)$`).FindStringSubmatch(v.Definition)
	if m == nil {
		return "", "", fmt.Errorf("variable %s: %q is not label_values(selector, label)", v.Name, v.Definition)
	}
	return m[1], m[2], nil
}

type datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

type panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description"`
	Repeat          string           `json:"repeat"`
	GridPos         gridPos          `json:"gridPos"`
	Datasource      datasource       `json:"datasource"`
	Targets         []target         `json:"targets"`
	Transformations []transformation `json:"transformations"`
	FieldConfig     fieldConfig      `json:"fieldConfig"`
	Options         struct {
		SortBy []struct {
			DisplayName string `json:"displayName"`
		} `json:"sortBy"`
	} `json:"options"`
	// Panels are those of a collapsed row.
	Panels []panel `json:"panels"`
}

// gridPos is a place on a grid 24 wide.
type gridPos struct {
	H, W, X, Y int
}

type target struct {
	RefID        string     `json:"refId"`
	Datasource   datasource `json:"datasource"`
	Expr         string     `json:"expr"`
	Format       string     `json:"format"`
	Instant      bool       `json:"instant"`
	Range        bool       `json:"range"`
	LegendFormat string     `json:"legendFormat"`
}

type transformation struct {
	ID      string `json:"id"`
	Options struct {
		ExcludeByName map[string]bool   `json:"excludeByName"`
		IndexByName   map[string]int    `json:"indexByName"`
		RenameByName  map[string]string `json:"renameByName"`
	} `json:"options"`
}

type fieldConfig struct {
	Defaults struct {
		Unit    string `json:"unit"`
		NoValue string `json:"noValue"`
	} `json:"defaults"`
	Overrides []override `json:"overrides"`
}

type override struct {
	Matcher struct {
		ID      string `json:"id"`
		Options string `json:"options"`
	} `json:"matcher"`
	Properties []struct {
		ID    string `json:"id"`
		Value any    `json:"value"`
	} `json:"properties"`
}
