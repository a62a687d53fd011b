package docs

import (
	"reflect"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/doctor"
)

func TestEveryWordOfTheDoctorIsDocumentedAndNoOther(t *testing.T) {
	for _, tt := range []struct {
		heading string
		header  []string
		values  []string
	}{
		{"Verdicts", []string{"value", "meaning"}, names(doctor.Statuses())},
		{"Exit codes", []string{"code", "meaning"}, []string{
			strconv.Itoa(doctor.ExitHealthy), strconv.Itoa(doctor.ExitWarnings), strconv.Itoa(doctor.ExitFailing)}},
		{"Checks", []string{"check", "object", "what is looked at", "verdicts beside `ok`"}, constants(t, "../internal/doctor/doctor.go", "Check")},
	} {
		t.Run(tt.heading, func(t *testing.T) {
			documented := firsts(rows(read(t, "doctor.md").section(t, tt.heading), tt.header...))
			if diff := cmp.Diff(tt.values, documented); diff != "" {
				t.Errorf("values in their order (-code +docs):\n%s", diff)
			}
		})
	}
}

func TestEveryFieldOfTheDoctorsReportIsDocumentedAndNoOther(t *testing.T) {
	var code []string
	for _, f := range fields(reflect.TypeFor[doctor.Report](), "") {
		code = append(code, f.Path)
	}
	documented := firsts(rows(read(t, "doctor.md").section(t, "JSON"), "field", "type", "meaning"))
	if diff := cmp.Diff(code, documented); diff != "" {
		t.Errorf("fields (-code +docs):\n%s", diff)
	}
}

func TestTheDoctorsExampleIsAReport(t *testing.T) {
	examples := read(t, "doctor.md").blocks("json")
	if len(examples) != 1 {
		t.Fatalf("%d examples, want 1", len(examples))
	}
	roundTrip[doctor.Report](t, examples[0])
}
