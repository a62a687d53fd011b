package enireport

import (
	"slices"

	"github.com/enitune/enitune/eni"
)

// Result is how a change ended.
type Result string

// The results.
const (
	ResultUnchanged Result = "unchanged" // the ENI already has all of it; nothing was sent
	ResultRefused   Result = "refused"   // a finding stands in the way; nothing was sent
	ResultPlanned   Result = "planned"   // --dry-run: this would be sent
	ResultDeclined  Result = "declined"  // not confirmed; nothing was sent
	ResultFailed    Result = "failed"    // the API refused it, or could not be reached
	ResultChanged   Result = "changed"   // the API accepted it
	ResultUnknown   Result = "unknown"   // sent, and the answer was lost
)

// The exit codes of `eni set`.
const (
	ExitDone     = 0 // changed, nothing to change, or a --dry-run without obstacle
	ExitError    = 1 // bad usage, no confirmation, or the API failed; nothing was changed
	ExitRefused  = 2 // a finding stands in the way; nothing was changed
	ExitTags     = 3 // changed, but the ring tags could not be set
	ExitNotShown = 4 // changed, but --wait ended before the API showed it
	ExitUnknown  = 5 // not known whether it was changed
)

// Change is what `eni set` did, or would do.
type Change struct {
	Version  int           `json:"version"`
	Region   string        `json:"region"`
	ENI      string        `json:"eni"`
	Instance string        `json:"instance"` // that it is attached to; "" if to none
	Result   Result        `json:"result"`
	Changes  []FieldChange `json:"changes"`
	Findings []Finding     `json:"findings"`
	// Request holds the parameters of ModifyNetworkInterfaceAttribute, without
	// the signature and what belongs to it; absent if only tags are left to set.
	Request map[string]string `json:"request,omitempty"`
	// Tags are set after the change, or alone where only they differ.
	Tags []Tag `json:"tags"`
	// TagError says why the tags are not set.
	TagError string `json:"tag_error,omitempty"`
	// Shown tells, with --wait, whether a read showed what reads give back; absent
	// where they give back nothing of the change.
	Shown *bool `json:"shown,omitempty"`
	// Untold are the changed fields that no read gives back.
	Untold []string `json:"untold"`
	// Next is what is left to do in the guest.
	Next  []string `json:"next"`
	Error string   `json:"error,omitempty"`
}

// FieldChange is what one field becomes.
type FieldChange struct {
	Field  string `json:"field"`
	Before string `json:"before"`
	After  string `json:"after"`
	// Known: the API gives the value before.
	Known bool `json:"known"`
}

// Finding is what a rule has to say about a change.
type Finding struct {
	Rule     string `json:"rule"`
	Severity string `json:"severity"`
	Field    string `json:"field"`
	Message  string `json:"message"`
	Remedy   string `json:"remedy"`
}

// Wish is what an operator asks of an ENI.
type Wish struct {
	ENI    string
	Region string
	Want   eni.Modification
	// Force sends what the ENI already has too, and passes warnings.
	Force bool
	// NoTags leaves the ring tags alone.
	NoTags bool
}

// Plan compares a wish with the facts: what is left to do, what stands in the
// way, what follows. notes are findings about the facts themselves. Result is
// ResultUnchanged, ResultRefused or ResultPlanned. send is what to hand to
// Modify; it is empty where only tags are left to set.
func Plan(w Wish, facts eni.Facts, notes []eni.Finding) (doc Change, send eni.Modification) {
	effective, changes := w.Want.Diff(facts.ENI)
	send = effective
	if w.Force {
		send = w.Want
	}
	doc = newChange(w.Region, w.ENI, ResultPlanned)
	doc.Instance = AttachedTo(facts.ENI)
	if !w.NoTags {
		doc.Tags = openTags(w, facts.ENI)
	}
	findings := eni.CheckRequest(w.Want)
	if send.Empty() && len(doc.Tags) == 0 && len(findings) == 0 {
		doc.Result = ResultUnchanged
		return doc, send
	}
	for _, c := range changes {
		doc.Changes = append(doc.Changes, FieldChange(c))
	}
	_, untold := send.Holds(facts.ENI)
	doc.Untold = append(doc.Untold, untold...)
	if !send.Empty() {
		findings = join(findings, slices.Concat(notes, eni.Preflight(send, facts)))
		if w.NoTags {
			findings = append(findings, staleTags(send, facts.ENI)...)
		}
		doc.Request = request(send, w)
	}
	doc.judge(findings, w.Force)
	if doc.Result == ResultPlanned {
		doc.Next = next(send, doc.Tags, facts)
	}
	return doc, send
}

// Failed is a change that failed before anything could be compared.
func Failed(region, id string, err error) Change {
	doc := newChange(region, id, ResultFailed)
	doc.Error = err.Error()
	return doc
}

// newChange has no list that is null in JSON.
func newChange(region, id string, r Result) Change {
	return Change{Version: Version, Region: region, ENI: id, Result: r,
		Changes: []FieldChange{}, Findings: []Finding{}, Tags: []Tag{}, Untold: []string{}, Next: []string{}}
}

// join adds findings about the state to those about the request, which say the
// same more sharply where both speak of one rule and field.
func join(request, state []eni.Finding) []eni.Finding {
	all := slices.Clone(request)
	for _, f := range state {
		if !slices.ContainsFunc(request, func(r eni.Finding) bool { return r.Rule == f.Rule && r.Field == f.Field }) {
			all = append(all, f)
		}
	}
	return all
}

// judge takes the findings over, and refuses the change if one stands in its way.
func (c *Change) judge(findings []eni.Finding, force bool) {
	for _, f := range findings {
		c.Findings = append(c.Findings, Finding{f.Rule, f.Severity.String(), f.Field, f.Message, f.Remedy})
		if Blocks(f.Severity, force) {
			c.Result = ResultRefused
		}
	}
}

// request is what ModifyNetworkInterfaceAttribute is called with.
func request(send eni.Modification, w Wish) map[string]string {
	r := send.Params()
	r["Action"] = "ModifyNetworkInterfaceAttribute"
	r["RegionId"] = w.Region
	r["NetworkInterfaceId"] = w.ENI
	return r
}

// Blocks tells whether a finding keeps the change from being sent.
func Blocks(s eni.Severity, force bool) bool {
	return s == eni.SeverityError || s == eni.SeverityWarning && !force
}

// ExitCode is the exit code of `eni set`.
func (c Change) ExitCode() int {
	switch c.Result {
	case ResultUnchanged, ResultPlanned:
		return ExitDone
	case ResultRefused:
		return ExitRefused
	case ResultUnknown:
		return ExitUnknown
	case ResultChanged:
		switch {
		case c.TagError != "":
			return ExitTags
		case c.Shown != nil && !*c.Shown:
			return ExitNotShown
		}
		return ExitDone
	case ResultDeclined, ResultFailed:
	}
	return ExitError
}
