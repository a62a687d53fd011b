package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/enireport"
)

func TestEachAlternativeOfARemedyHasItsLine(t *testing.T) {
	got := findingText(enireport.Finding{Rule: "eni-state", Severity: "warning", Message: "it runs", Remedy: "stop it\nor detach it"}, false)
	if diff := cmp.Diff("warning it runs [eni-state]\n  remedy: stop it\n  remedy: or detach it\n", got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestADryRunOfTagsAloneShowsNoOtherRequest(t *testing.T) {
	doc := enireport.Change{ENI: "eni-1", Region: "cn-hangzhou", Result: enireport.ResultPlanned, Tags: []enireport.Tag{{Key: "k", Value: "16384"}}}
	want := "eni-1 in cn-hangzhou\n  tag k  none -> 16384\nTagResources:\n  k=16384\n"
	if diff := cmp.Diff(want, reviewText(doc, eni.Facts{}, setOptions{dryRun: true}, false)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
