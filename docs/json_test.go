package docs

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// field is a field of the report.
type field struct {
	Path     string
	Optional bool
}

// fields lists the JSON fields below a type, nested ones after their parent.
func fields(t reflect.Type, path string) []field {
	var list []field
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		at := strings.TrimPrefix(path+"."+name, ".")
		list = append(list, field{at, options != ""})
		elem := f.Type
		switch elem.Kind() {
		case reflect.Slice:
			elem, at = elem.Elem(), at+"[]"
		case reflect.Pointer:
			elem = elem.Elem()
		default:
		}
		if elem.Kind() == reflect.Struct && elem != reflect.TypeFor[time.Time]() {
			list = append(list, fields(elem, at)...)
		}
	}
	return list
}

func TestEveryFieldOfTheReportIsDocumentedAndNoOther(t *testing.T) {
	var documented []field
	for _, cells := range rows(read(t, "json.md").section(t, "Fields"), "field", "type", "meaning") {
		documented = append(documented, field{strings.Trim(cells[0], "`"), strings.Contains(cells[2], "*Optional*")})
	}
	if diff := cmp.Diff(fields(reflect.TypeFor[agent.Report](), ""), documented); diff != "" {
		t.Errorf("fields and which are optional (-code +docs):\n%s", diff)
	}
}

func TestTheExampleIsAReport(t *testing.T) {
	examples := read(t, "json.md").blocks("json")
	if len(examples) != 1 {
		t.Fatalf("%d examples, want 1", len(examples))
	}
	report := roundTrip[agent.Report](t, examples[0])
	if report.InSync != (report.Determined && !report.Drifted()) {
		t.Error("in_sync of the example contradicts the rest of it")
	}
}

func TestEveryValueOfTheReportIsDocumentedAndNoOther(t *testing.T) {
	for _, tt := range []struct {
		heading string
		header  []string
		values  []string
	}{
		{"Settings", []string{"value", "meaning"}, names(nic.Settings())},
		{"Actions", []string{"value", "meaning"}, names(plan.Actions())},
		{"Sources", []string{"value", "meaning"}, names(plan.Sources())},
		{"Reasons", []string{"value", "drift", "meaning", "remedy"}, names(plan.Reasons())},
		{"Unmatched ENIs", []string{"value", "meaning"}, constants(t, "../agent/report.go", "UnmatchedReason")},
		{"Components", []string{"value", "meaning", "remedy"}, constants(t, "../agent/report.go", "Component")},
		{"Classes of failure", []string{"value", "meaning"}, agent.Classes()},
		{"Origins", []string{"value", "meaning"}, []string{agent.OriginAPI, agent.OriginCache, agent.OriginNone}},
		{"Exit codes", []string{"code", "meaning"}, []string{
			strconv.Itoa(agent.ExitInSync), strconv.Itoa(agent.ExitDrift), strconv.Itoa(agent.ExitError)}},
	} {
		t.Run(tt.heading, func(t *testing.T) {
			documented := firsts(rows(read(t, "json.md").section(t, tt.heading), tt.header...))
			if diff := cmp.Diff(tt.values, documented); diff != "" {
				t.Errorf("values in their order (-code +docs):\n%s", diff)
			}
		})
	}
}

func names[T fmt.Stringer](values []T) []string {
	var list []string
	for _, v := range values {
		list = append(list, v.String())
	}
	return list
}

// constants are the values of the string constants of a type in a Go file.
func constants(t *testing.T, file, typeName string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if id, ok := spec.Type.(*ast.Ident); ok && id.Name == typeName {
			for _, v := range spec.Values {
				s, err := strconv.Unquote(v.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				list = append(list, s)
			}
		}
		return true
	})
	if len(list) == 0 {
		t.Fatalf("%s has no constants of type %s", file, typeName)
	}
	return list
}

// driftFor decides one setting so that it gets a reason, and tells whether that
// is drift.
func driftFor(t *testing.T, want plan.Reason) bool {
	t.Helper()
	state := func(current, maximum int) nic.State {
		return nic.State{NIC: nic.NIC{Name: "eth1"}, Channels: nic.Channels{
			Max: nic.ChannelCounts{Combined: maximum}, Current: nic.ChannelCounts{Combined: current}}}
	}
	failing := func(kind error) nic.State {
		return nic.State{ChannelsErr: &nic.Error{Device: "eth1", Op: "read channels", Kind: kind}}
	}
	four := plan.Wanted{Value: 4, Source: plan.API}
	targets := map[plan.Reason]plan.Target{
		plan.InSync:         {State: state(4, 8), ENI: plan.ENIMatched, Budget: 1, Items: []plan.Item{{Wanted: four}}},
		plan.BelowDesired:   {State: state(1, 8), ENI: plan.ENIMatched, Budget: 1, Items: []plan.Item{{Wanted: four}}},
		plan.AboveDesired:   {State: state(8, 8), ENI: plan.ENIMatched, Budget: 1, Items: []plan.Item{{Wanted: four}}},
		plan.DeviceMax:      {State: state(2, 2), ENI: plan.ENIMatched, Budget: 1, Items: []plan.Item{{Wanted: four}}},
		plan.KernelRefused:  {State: state(1, 8), ENI: plan.ENIMatched, Budget: 1, Items: []plan.Item{{Wanted: four, Memory: plan.Memory{Refused: "EBUSY"}}}},
		plan.Contested:      {State: state(1, 8), ENI: plan.ENIMatched, Budget: 1, Items: []plan.Item{{Wanted: four, Memory: plan.Memory{Contested: true}}}},
		plan.Held:           {State: state(1, 8), ENI: plan.ENIMatched, Items: []plan.Item{{Wanted: four}}},
		plan.Unsupported:    {State: failing(nic.ErrUnsupported), ENI: plan.ENIMatched, Items: []plan.Item{{Wanted: four}}},
		plan.Unreadable:     {State: failing(nic.ErrBusy), ENI: plan.ENIMatched, Items: []plan.Item{{Wanted: four}}},
		plan.NoDesiredValue: {State: state(1, 8), ENI: plan.ENIMatched, Items: []plan.Item{{}}},
		plan.Excluded:       {State: state(1, 8), ENI: plan.ENIMatched, Excluded: true, Items: []plan.Item{{Wanted: four}}},
		plan.NoENI:          {State: state(1, 8), ENI: plan.ENIUnknown, Items: []plan.Item{{}}},
		plan.DuplicateMAC:   {State: state(1, 8), ENI: plan.ENIAmbiguous, Items: []plan.Item{{}}},
	}
	target, ok := targets[want]
	if !ok {
		t.Fatalf("no case for %s", want)
	}
	target.Items[0].Setting = nic.Queues
	got := plan.Diff(plan.Policy{Writable: nic.Settings()}, []plan.Target{target})[0][0]
	if got.Reason != want {
		t.Fatalf("got reason %s, want %s", got.Reason, want)
	}
	return got.Drift
}

func TestTheDocsSayWhichReasonsAreDrift(t *testing.T) {
	documented := map[string]string{}
	for _, cells := range rows(read(t, "json.md").section(t, "Reasons"), "value", "drift", "meaning", "remedy") {
		documented[strings.Trim(cells[0], "`")] = cells[1]
	}
	for _, reason := range plan.Reasons() {
		want := "no"
		if driftFor(t, reason) {
			want = "yes"
		}
		if got := documented[reason.String()]; got != want {
			t.Errorf("%s: drift is documented as %q, it is %q", reason, got, want)
		}
	}
}

func TestTheDocsNameEveryENITag(t *testing.T) {
	section := read(t, "json.md").section(t, "Sources")
	for _, tag := range []string{agent.TagRxQueueSize, agent.TagTxQueueSize} {
		if !slices.Contains(spans(section), tag) {
			t.Errorf("the sources do not name the tag %s", tag)
		}
	}
}

// roundTrip reads an example strictly and checks that it is written the same
// again.
func roundTrip[T any](t *testing.T, example string) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(strings.NewReader(example))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		t.Fatal(err)
	}
	again, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(example), string(again)); diff != "" {
		t.Errorf("written again (-example +again):\n%s", diff)
	}
	return v
}
