package grafana

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// walk visits every value of a JSON document with the key it stands under.
func walk(value any, key string, visit func(key string, value any)) {
	visit(key, value)
	switch v := value.(type) {
	case map[string]any:
		for k, child := range v {
			walk(child, k, visit)
		}
	case []any:
		for _, child := range v {
			walk(child, key, visit)
		}
	}
}

// document is a dashboard as it stands in its file.
func document(t *testing.T, b dashboard) map[string]any {
	t.Helper()
	var doc map[string]any
	if err := json.Unmarshal(b.raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

var use = regexp.MustCompile(`\$\{?([a-zA-Z_]\w*)`)

func TestEveryVariableUsedIsDefinedAndEveryOneDefinedIsUsed(t *testing.T) {
	for _, b := range boards(t) {
		used, defined := map[string]bool{}, map[string]bool{}
		for _, v := range b.Templating.List {
			defined[v.Name] = true
		}
		walk(document(t, b), "", func(key string, value any) {
			text, ok := value.(string)
			if !ok {
				return
			}
			if key == "repeat" {
				used[text] = true
			}
			for _, m := range use.FindAllStringSubmatch(text, -1) {
				used[m[1]] = true
			}
		})
		// Grafana's own.
		for _, name := range []string{"__rate_interval", "__data", "__url_time_range", "__all"} {
			delete(used, name)
		}
		for name := range used {
			if !defined[name] {
				t.Errorf("%s uses $%s, which is not defined", b.file, name)
			}
		}
		for name := range defined {
			if !used[name] {
				t.Errorf("%s defines $%s, which is not used", b.file, name)
			}
		}
	}
}

func TestEachVariableIsExplainedAndAsksTheChosenDataSource(t *testing.T) {
	metrics := known(t)
	for _, b := range boards(t) {
		for i, v := range b.Templating.List {
			if v.Label == "" || v.Description == "" {
				t.Errorf("%s: variable %s has no label or no description", b.file, v.Name)
			}
			if i == 0 {
				if v.Name != "datasource" || v.Type != "datasource" || v.Query != "prometheus" {
					t.Errorf("%s: the first variable is %+v, want the data source", b.file, v)
				}
				continue
			}
			if v.Datasource != (datasource{"prometheus", "${datasource}"}) {
				t.Errorf("%s: variable %s asks %v", b.file, v.Name, v.Datasource)
			}
			selector, label, err := v.labelValues()
			if err != nil {
				t.Errorf("%s: %v", b.file, err)
				continue
			}
			if query, _ := v.Query.(map[string]any); query["query"] != v.Definition {
				t.Errorf("%s: variable %s asks %v and shows %q", b.file, v.Name, v.Query, v.Definition)
			}
			if !metrics.labelsOf(t, selector)[label] {
				t.Errorf("%s: variable %s: %s has no label %s", b.file, v.Name, selector, label)
			}
			// Grafana fills them in this order.
			for _, m := range use.FindAllStringSubmatch(selector, -1) {
				if !slices.ContainsFunc(b.Templating.List[:i], func(before variable) bool { return before.Name == m[1] }) {
					t.Errorf("%s: variable %s uses $%s, which comes after it", b.file, v.Name, m[1])
				}
			}
		}
	}
}

func TestTheHostIsTheInstanceWithoutItsPort(t *testing.T) {
	var host variable
	for _, b := range boards(t) {
		for _, v := range b.Templating.List {
			if v.Name == "host" {
				host = v
			}
		}
	}
	// The same in JavaScript and in Go.
	expression := regexp.MustCompile(strings.Trim(host.Regex, "/"))
	for instance, want := range map[string]string{
		"192.0.2.10:10056":    "192.0.2.10",
		"[2001:db8::1]:10056": "[2001:db8::1]",
		"web-1.example:9100":  "web-1.example",
		"web-1":               "web-1",
	} {
		m := expression.FindStringSubmatch(instance)
		if m == nil || m[1] != want {
			t.Errorf("%s: got %v, want %s", instance, m, want)
		}
	}
}
