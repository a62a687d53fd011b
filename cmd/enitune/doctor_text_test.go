package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/doctor"
)

func TestTheDoctorsFindingsAreGroupedWithTheirRemedies(t *testing.T) {
	r := doctor.Report{Status: doctor.Fail, Counts: doctor.Counts{Fail: 1, Warn: 2}, Findings: []doctor.Finding{
		{Check: doctor.CheckClock, Status: doctor.Fail, Message: "off", Remedy: "set it"},
		{Check: doctor.CheckTuneD, Object: "/a", Status: doctor.Warn, Message: "ring=rx 1", Remedy: "take it out"},
		{Check: doctor.CheckTuneD, Object: "/b", Status: doctor.Warn, Message: "ring=rx 2"},
		{Check: doctor.CheckKernel, Status: doctor.OK, Message: "Linux 6.6"},
	}}
	want := `1 check failed, 2 warnings

fail  clock: off
      -> set it

warn  tuned /a: ring=rx 1
      -> take it out
warn  tuned /b: ring=rx 2

ok    kernel: Linux 6.6
`
	var b strings.Builder
	if err := writeDoctor(&b, r, false); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for status, want := range map[doctor.Status]string{doctor.OK: "nothing is wrong", doctor.Note: "nothing is wrong", doctor.Warn: "it works, with 2 warnings"} {
		if got := diagnosis(doctor.Report{Status: status, Counts: doctor.Counts{Warn: 2}}); got != want {
			t.Errorf("%s: %q, want %q", status, got, want)
		}
	}
}
