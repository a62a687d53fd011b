package docs

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/config"
)

// keyRows are the rows of the tables of keys.
func keyRows(t *testing.T) [][]string {
	t.Helper()
	return rows(read(t, "configuration.md").text, "key", "value", "default", "effect")
}

func TestEveryConfigurationKeyIsDocumentedAndNoOther(t *testing.T) {
	documented := firsts(keyRows(t))
	var want []string
	for _, key := range config.Keys() {
		switch key {
		case "cloud", "reconcile", "discovery", "web": // the headings
		default:
			want = append(want, key)
		}
	}
	slices.Sort(want)
	slices.Sort(documented)
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("keys (-code +docs):\n%s", diff)
	}
}

func TestTheDocumentedDefaultsAreTheCodes(t *testing.T) {
	for _, cells := range keyRows(t) {
		key, documented := strings.Trim(cells[0], "`"), spans(cells[2])
		if len(documented) == 0 {
			continue // a mapping: its keys have rows of their own
		}
		if strings.Contains(key, "[]") {
			// A default of a rule: written out, it changes nothing.
			got, err := config.Parse("with", []byte(set(key, documented[0])))
			if err != nil {
				t.Errorf("%s: %v", key, err)
				continue
			}
			if diff := cmp.Diff([]config.Rule{config.DefaultRule()}, got.NICs); diff != "" {
				t.Errorf("%s: default %s (-code +docs):\n%s", key, documented[0], diff)
			}
			continue
		}
		var got any
		path, err := yaml.PathString("$." + key)
		if err != nil {
			t.Fatal(err)
		}
		if err := path.Read(strings.NewReader(string(config.Default().YAML())), &got); err != nil {
			t.Errorf("%s: %v", key, err)
			continue
		}
		var want any
		if err := yaml.Unmarshal([]byte(documented[0]), &want); err != nil {
			t.Errorf("%s: default %s: %v", key, documented[0], err)
			continue
		}
		if diff := cmp.Diff(fmt.Sprint(got), fmt.Sprint(want)); diff != "" {
			t.Errorf("%s: default (-code +docs):\n%s", key, diff)
		}
	}
}

// set is a file that gives one key a value.
func set(key, value string) string {
	if rest, ok := strings.CutPrefix(key, "nics[]."); ok {
		return "nics: [" + inline(rest, value) + "]\n"
	}
	return inline(key, value) + "\n"
}

func inline(key, value string) string {
	first, rest, nested := strings.Cut(key, ".")
	if nested {
		value = inline(rest, value)
	}
	return "{" + first + ": " + value + "}"
}

func TestTheDocumentedLimitsAreTheCodes(t *testing.T) {
	// Just outside of a documented limit, by its words.
	outside := map[string][]string{
		"1s to 5m":   {"999ms", "5m0.001s"},
		"1s to 24h":  {"999ms", "24h0.001s"},
		"1m to 720h": {"59.999s", "721h"},
		"1s to 720h": {"999ms", "721h"},
		"1 to 1000":  {"0", "1001"},
		"1 to 2048":  {"0", "2049"},
		"1 to 65536": {"0", "65537"},
	}
	tried := map[string]bool{}
	for _, cells := range keyRows(t) {
		key := strings.Trim(cells[0], "`")
		limit := cells[1]
		if at := strings.LastIndex(limit, " or 1 to"); at >= 0 {
			limit = limit[at+len(" or "):]
		}
		bad, ok := outside[limit]
		if !ok {
			continue
		}
		tried[limit] = true
		for _, value := range bad {
			_, err := config.Parse("outside", []byte(set(key, value)))
			if err == nil || !strings.Contains(err.Error(), "it must be") {
				t.Errorf("%s: %s gives error %v, documented is %s", key, value, err, limit)
			}
		}
		low, rest, ranged := strings.Cut(limit, " to ")
		inside := []string{low}
		if ranged {
			inside = append(inside, rest)
		}
		for _, value := range inside {
			if _, err := config.Parse("inside", []byte(set(key, value))); err != nil {
				t.Errorf("%s: documented is %s: %v", key, limit, err)
			}
		}
	}
	for limit := range outside {
		if !tried[limit] {
			t.Errorf("no key is documented with the limit %q", limit)
		}
	}
}

func TestTheDocumentedWordsAreAccepted(t *testing.T) {
	for _, key := range []string{"cloud.endpoint_network", "reconcile.mode", "nics[].match.type", "nics[].queues", "reconcile.shrink"} {
		for _, cells := range keyRows(t) {
			if strings.Trim(cells[0], "`") != key {
				continue
			}
			for _, word := range spans(cells[1]) {
				if _, err := config.Parse("word", []byte(set(key, word))); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

func TestEveryExampleConfigurationIsValid(t *testing.T) {
	examples := read(t, "configuration.md").blocks("yaml")
	if len(examples) < 10 {
		t.Fatalf("%d examples, want at least 10", len(examples))
	}
	for i, text := range examples {
		if _, err := config.Parse(fmt.Sprintf("example %d", i+1), []byte(text)); err != nil {
			t.Errorf("%v, in:\n%s", err, text)
		}
	}
}
