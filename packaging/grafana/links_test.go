package grafana

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
)

const (
	docs  = "https://github.com/enitune/enitune/blob/HEAD/docs/"
	field = "${__data.fields."
)

// urls are all links of a dashboard.
func urls(t *testing.T, b dashboard) []string {
	t.Helper()
	var list []string
	walk(document(t, b), "", func(key string, value any) {
		if key == "url" {
			list = append(list, value.(string))
		}
	})
	if len(list) < 10 {
		t.Fatalf("%s has only %d links", b.file, len(list))
	}
	return list
}

func TestEveryLinkLeadsToAPageOfTheDocumentationOrToADashboard(t *testing.T) {
	list := boards(t)
	for _, b := range list {
		for _, link := range urls(t, b) {
			switch {
			case strings.HasPrefix(link, docs):
				if strings.Contains(link, field) {
					continue // see below
				}
				if err := documented(strings.TrimPrefix(link, docs)); err != nil {
					t.Errorf("%s: %s: %v", b.file, link, err)
				}
			case strings.HasPrefix(link, "/d/"):
				if err := resolves(link, list); err != "" {
					t.Errorf("%s: %s: %s", b.file, link, err)
				}
			default:
				t.Errorf("%s: %s leads elsewhere", b.file, link)
			}
		}
	}
}

// documented finds a page of docs/, and its heading if the link has an anchor.
func documented(link string) error {
	page, anchor, _ := strings.Cut(link, "#")
	text, err := os.ReadFile(filepath.Join("../../docs", page))
	if err != nil || anchor == "" {
		return err
	}
	for _, m := range regexp.MustCompile(`(?m)^#{1,6} (.*)$`).FindAllStringSubmatch(string(text), -1) {
		slug := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			default:
				return -1
			}
		}, m[1])
		if slug == anchor {
			return nil
		}
	}
	return &os.PathError{Op: "find heading", Path: link, Err: os.ErrNotExist}
}

// resolves says what is wrong with a link to a dashboard.
func resolves(link string, list []dashboard) string {
	// A value in place of what Grafana fills in, so that it is a URL.
	link = strings.ReplaceAll(link, "${__url_time_range}", "from=now-1h&to=now")
	u, err := url.Parse(regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllString(link, "x"))
	if err != nil {
		return err.Error()
	}
	uid, _, _ := strings.Cut(strings.TrimPrefix(u.Path, "/d/"), "/")
	i := slices.IndexFunc(list, func(b dashboard) bool { return b.UID == uid })
	if i < 0 {
		return "there is no such dashboard"
	}
	for key := range u.Query() {
		name, ok := strings.CutPrefix(key, "var-")
		if ok && !slices.ContainsFunc(list[i].Templating.List, func(v variable) bool { return v.Name == name }) {
			return "the dashboard has no variable " + name
		}
		if !ok && key != "from" && key != "to" {
			return key + " means nothing there"
		}
	}
	return ""
}

func TestTheDashboardsLinkToEachOtherWithTheirVariablesAndTime(t *testing.T) {
	list := boards(t)
	for i, b := range list {
		other := list[1-i].UID
		if !slices.ContainsFunc(b.Links, func(l boardLink) bool {
			return strings.HasPrefix(l.URL, "/d/"+other+"/") && l.IncludeVars && l.KeepTime
		}) {
			t.Errorf("%s has no link to %s that keeps variables and time", b.file, other)
		}
	}
}

// A field in a link is a column of the row that is clicked on.
func TestEveryFieldInALinkIsAColumnOfItsTable(t *testing.T) {
	used := regexp.MustCompile(`\$\{__data\.fields\.(\w+)\}`)
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					walk(property.Value, "", func(_ string, value any) {
						link, _ := value.(string)
						for _, m := range used.FindAllStringSubmatch(link, -1) {
							if p.Type != "table" || p.shown(t)[m[1]] == "" {
								t.Errorf("%s: %s uses a field that it does not have", where(b, p), link)
							}
						}
					})
				}
			}
		}
	}
}

// The label runbook is made from the reason; its values are pages.
func TestEveryRunbookThatAQueryNamesExists(t *testing.T) {
	named := regexp.MustCompile(`"runbook", "(\w+)"`)
	seen := 0
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			for _, q := range p.Targets {
				for _, m := range named.FindAllStringSubmatch(q.Expr, -1) {
					seen++
					if err := documented("runbooks/" + m[1] + ".md"); err != nil {
						t.Errorf("%s: %v", where(b, p), err)
					}
				}
			}
		}
	}
	if seen < 10 {
		t.Errorf("found %d, want at least 10", seen)
	}
}
