package agent

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// View is what a reconcile works by: the desired state and how good it is.
type View struct {
	Desired Desired
	// Known tells whether the instance's ENIs are known, from the API or the
	// cache.
	Known  bool
	Origin Origin
	// Errors are what went wrong in finding it.
	Errors []Problem
	// Enabled is false where the cloud is switched off: then not to know the
	// ENIs is no fault.
	Enabled bool
	Sources []SourceHealth
	// Instance is what is known of it, by the metadata service alone if need be.
	Instance Instance
}

func newReport(v View, now time.Time) Report {
	return Report{
		Version:    1,
		Time:       now.UTC(),
		Instance:   v.Instance,
		Desired:    v.Origin,
		Determined: v.Known || !v.Enabled,
		Enforced:   []nic.Setting{},
		NICs:       []NICReport{},
		Unmatched:  []Unmatched{},
		Errors:     append([]Problem{}, v.Errors...),
		Changes:    []Change{},
		Sources:    append([]SourceHealth{}, v.Sources...),
	}
}

// ambiguous notes NICs and ENIs that share an address.
func (r *Report) ambiguous(problems []Problem) {
	r.Errors = append(r.Errors, problems...)
	if len(problems) > 0 {
		r.Determined = false
	}
}

// finish writes what is now true into the report and into the memory.
func (r *Reconciler) finish(o *Outcome, subjects []*subject, view View) {
	report := &o.Report
	now := r.clock()
	var excluded []string // ids of ENIs that need not be known
	for _, s := range subjects {
		n := NICReport{
			Device: s.nic.Name, MAC: s.nic.ID(), ENI: s.eni.ID, Type: s.eni.Type, Driver: s.target.State.Driver,
			Settings: []SettingReport{},
		}
		for _, d := range s.decisions {
			n.Settings = append(n.Settings, r.settingReport(s, d, now))
			if d.Reason == plan.Unreadable {
				o.noteKernel(errors.New(d.Detail))
			}
		}
		if s.target.Excluded {
			excluded = append(excluded, s.eni.ID)
		}
		report.NICs = append(report.NICs, n)
	}
	for _, e := range view.Desired.ENIs {
		if e.Unresolved != "" && e.Type != "Member" && !slices.Contains(excluded, e.ID) {
			report.Errors = append(report.Errors, Problem{Component: ComponentAPI, Class: cmp.Or(e.UnresolvedClass, ClassOther),
				Message: "the desired state of ENI " + e.ID + " is not known: " + e.Unresolved})
			report.Determined = false
		}
	}
	report.InSync = report.Determined && !report.Drifted()
}

func (r *Reconciler) settingReport(s *subject, d plan.Decision, now time.Time) SettingReport {
	sr := SettingReport{
		Setting: d.Setting, Current: d.Current, Max: d.Max, Desired: d.Desired, Source: d.Source,
		Action: d.Action, Reason: d.Reason, Drift: d.Drift, Message: d.Message(),
	}
	if s.knows != plan.ENIUnknown && !s.target.Excluded {
		since := r.memory.settle(s.nic.ID(), d, s.target.State.Reading(d.Setting), s.knows != plan.ENIUndetermined, now)
		sr.DriftSince = since.UTC()
		if since.IsZero() {
			sr.DriftSince = time.Time{}
		}
	}
	if a, ok := s.applied[d.Setting]; ok {
		sr.Applied = &a
	}
	return sr
}
