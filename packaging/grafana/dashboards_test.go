package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

// boards are the dashboards.
func boards(t *testing.T) []dashboard {
	t.Helper()
	list, err := dashboards()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) != 2 {
		t.Fatalf("found %d dashboards, want 2", len(list))
	}
	return list
}

// where names a panel in a message.
func where(b dashboard, p panel) string { return fmt.Sprintf("%s: panel %d %q", b.file, p.ID, p.Title) }

func TestEachFileIsJSONIndentedByTwoSpaces(t *testing.T) {
	for _, b := range boards(t) {
		var want bytes.Buffer
		if err := json.Indent(&want, bytes.TrimSpace(b.raw), "", "  "); err != nil {
			t.Fatal(err)
		}
		want.WriteByte('\n')
		if !bytes.Equal(want.Bytes(), b.raw) {
			t.Errorf("%s is not as json.Indent with two spaces makes it", b.file)
		}
		if err := twice(json.NewDecoder(bytes.NewReader(b.raw))); err != nil {
			t.Errorf("%s: %v", b.file, err)
		}
	}
}

func TestAKeyThatStandsTwiceIsFound(t *testing.T) {
	err := twice(json.NewDecoder(strings.NewReader(`{"a": [{"b": 1}, {"b": 1, "c": {}, "b": 2}]}`)))
	if err == nil || !strings.Contains(err.Error(), `"b"`) {
		t.Errorf("got %v, want the key b", err)
	}
}

// twice finds a key that stands twice in one object, of which Grafana would take
// the last.
func twice(d *json.Decoder) error {
	type level struct {
		object, value bool // value: the next token is one, not a key
		keys          map[string]bool
	}
	var open []level
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if n := len(open); n > 0 && open[n-1].object && token != json.Delim('}') {
			top := &open[n-1]
			if key, ok := token.(string); ok && !top.value {
				if top.keys[key] {
					return fmt.Errorf("key %q stands twice in an object", key)
				}
				top.keys[key] = true
			}
			top.value = !top.value
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open = append(open, level{object: token == json.Delim('{'), keys: map[string]bool{}})
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
	}
}

func TestEachDashboardCanBeProvisionedAsAFile(t *testing.T) {
	for _, b := range boards(t) {
		if b.UID+".json" != b.file {
			t.Errorf("%s has uid %q", b.file, b.UID)
		}
		if b.Title == "" || b.Description == "" {
			t.Errorf("%s lacks a title or a description", b.file)
		}
		if !slices.Equal(b.Tags, []string{"enitune"}) || b.Refresh != "1m" || b.SchemaVersion < 38 {
			t.Errorf("%s: tags %v, refresh %q, schemaVersion %d; want [enitune], 1m, at least 38 (Grafana 10)", b.file, b.Tags, b.Refresh, b.SchemaVersion)
		}
		var top map[string]any
		if err := json.Unmarshal(b.raw, &top); err != nil {
			t.Fatal(err)
		}
		for _, exported := range []string{"__inputs", "__requires", "__elements", "id", "version", "iteration"} {
			if _, ok := top[exported]; ok {
				t.Errorf("%s has %s, which an export adds and provisioning does not resolve", b.file, exported)
			}
		}
	}
}

func TestPanelsHaveIDsAndPlacesOfTheirOwn(t *testing.T) {
	for _, b := range boards(t) {
		ids := map[int]string{}
		for i, p := range b.Panels {
			if other, ok := ids[p.ID]; ok || p.ID < 1 {
				t.Errorf("%s has the id of %q, or none", where(b, p), other)
			}
			ids[p.ID] = p.Title
			g := p.GridPos
			if g.X < 0 || g.W < 1 || g.X+g.W > 24 || g.Y < 0 || g.H < 1 {
				t.Errorf("%s: %+v is outside of the grid", where(b, p), g)
			}
			for _, q := range b.Panels[:i] {
				o := q.GridPos
				if g.X < o.X+o.W && o.X < g.X+g.W && g.Y < o.Y+o.H && o.Y < g.Y+g.H {
					t.Errorf("%s lies over %s", where(b, p), where(b, q))
				}
			}
		}
	}
}

// types are the panel types that are used, with what each needs of its targets.
func types() map[string]func(target) error {
	either := func(target) error { return nil }
	ranged := func(q target) error {
		if !q.Range || q.Instant {
			return errors.New("wants a range")
		}
		return nil
	}
	instant := func(q target) error {
		if q.Range || !q.Instant {
			return errors.New("wants an instant query")
		}
		return nil
	}
	return map[string]func(target) error{
		"stat": instant, "bargauge": instant, "timeseries": ranged, "state-timeline": ranged, "text": either,
		"table": func(q target) error {
			if q.Format != "table" {
				return errors.New("wants the format table")
			}
			return instant(q)
		},
	}
}

func TestEachPanelSaysWhatItShowsAndAsksTheChosenDataSource(t *testing.T) {
	chosen := datasource{"prometheus", "${datasource}"}
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			if p.Title == "" {
				t.Errorf("%s has no title", where(b, p))
			}
			if p.Type == "row" {
				if len(p.Panels) > 0 {
					t.Errorf("%s is collapsed, and the tests do not look into it", where(b, p))
				}
				continue
			}
			check, ok := types()[p.Type]
			if !ok {
				t.Errorf("%s has the unknown type %q", where(b, p), p.Type)
				continue
			}
			if !strings.HasSuffix(p.Description, ".") {
				t.Errorf("%s has no description of whole sentences: %q", where(b, p), p.Description)
			}
			if len(p.Targets) == 0 || p.Datasource != chosen {
				t.Errorf("%s has no target, or the data source %v", where(b, p), p.Datasource)
			}
			refs := map[string]bool{}
			for _, q := range p.Targets {
				if q.RefID == "" || refs[q.RefID] || strings.TrimSpace(q.Expr) == "" || q.Datasource != chosen {
					t.Errorf("%s: target %q lacks a refId of its own, an expression or the data source", where(b, p), q.RefID)
				}
				refs[q.RefID] = true
				if err := check(q); err != nil {
					t.Errorf("%s: target %s: %s %v", where(b, p), q.RefID, p.Type, err)
				}
				if p.Type != "table" && q.LegendFormat == "" {
					t.Errorf("%s: target %s has no legend, so that Grafana shows all labels", where(b, p), q.RefID)
				}
			}
		}
	}
}

func TestEachPanelHasAUnitAndSaysWhatNoDataMeans(t *testing.T) {
	// Names of Grafana's units.
	units := []string{"none", "short", "locale", "percentunit", "s", "dtdurations", "dateTimeAsSystem", "dateTimeFromNow", "bytes", "pps", "opm"}
	for _, b := range boards(t) {
		for _, p := range b.Panels {
			if p.Type == "row" || p.Type == "text" {
				continue
			}
			if unit := p.FieldConfig.Defaults.Unit; !slices.Contains(units, unit) {
				t.Errorf("%s has the unit %q", where(b, p), unit)
			}
			if p.FieldConfig.Defaults.NoValue == "" {
				t.Errorf("%s does not say what no data means", where(b, p))
			}
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if unit, _ := property.Value.(string); property.ID == "unit" && !slices.Contains(units, unit) {
						t.Errorf("%s: %s has the unit %q", where(b, p), o.Matcher.Options, unit)
					}
				}
			}
		}
	}
}
