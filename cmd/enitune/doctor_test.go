package main

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/enitune/enitune/internal/doctor"
)

func TestTheSearchForRivalsAsksNobody(t *testing.T) {
	var out, errs strings.Builder
	// A context that is over: whatever waited for the cloud or the daemon would fail.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	code := execute(ctx, []string{"doctor", "--rivals", "-o", "json"}, &out, &errs)
	var r doctor.Report
	if err := json.Unmarshal([]byte(out.String()), &r); err != nil {
		t.Fatalf("%v: %s%s", err, out.String(), errs.String())
	}
	if code != r.ExitCode() {
		t.Errorf("exit code %d with %+v", code, r.Counts)
	}
	others := []doctor.Check{doctor.CheckECSMQ, doctor.CheckIrqbalance, doctor.CheckTuneD, doctor.CheckNetworkManager,
		doctor.CheckLinkFiles, doctor.CheckIfcfg, doctor.CheckIfupdown, doctor.CheckScripts}
	for _, f := range r.Findings {
		if !slices.Contains(others, f.Check) {
			t.Errorf("%+v", f)
		}
	}
	if len(r.Findings) < len(others) {
		t.Errorf("%d findings for %d checks", len(r.Findings), len(others))
	}
}

func TestRivalsGoToTheLogAloneAndAreNoError(t *testing.T) {
	var out, errs strings.Builder
	// A configuration that is missing is not this command's to tell.
	args := []string{"doctor", "--rivals", "--log", "--config", "/nonexistent"}
	if code := execute(t.Context(), args, &out, &errs); code != 0 || out.Len() > 0 {
		t.Errorf("exit code %d, on stdout: %s", code, out.String())
	}
	errs.Reset()
	if code := execute(t.Context(), []string{"doctor", "--log"}, &out, &errs); code != 1 || !strings.Contains(errs.String(), "--rivals") {
		t.Errorf("--log alone: exit code %d, %s", code, errs.String())
	}
}
