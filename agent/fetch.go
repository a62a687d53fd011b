package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// fetch is one attempt to read the cloud, on its way.
type fetch struct {
	cloud    *Cloud
	api      API
	previous Desired // of the same instance; zero if nothing is known of it
	listed   []eni.MetadataInterface
	desired  Desired
	res      FetchResult
	// reliedOn: an ENI that was asked for by its id since then is not asked for
	// again. Zero asks for all.
	reliedOn time.Time
	byID     []string // what was found by its id
	// incomplete: something could not be found out.
	incomplete bool
}

// readListed asks the metadata service for the guest's interfaces. If it does
// not answer, those known before stand in.
func (f *fetch) readListed(ctx context.Context) {
	if f.res.MetadataErr == nil {
		f.listed, f.res.MetadataErr = f.cloud.Metadata.Interfaces(ctx)
	}
	if f.res.MetadataErr != nil {
		f.listed = nil
		for _, e := range f.previous.ENIs {
			f.listed = append(f.listed, eni.MetadataInterface{MAC: e.MAC, ENI: e.ID})
		}
	}
}

var errNotReturned = errors.New("the API does not return it")

// addByID asks by id for the ENIs that are listed and that the instance filter
// did not return, as for ENIs that another cloud service manages. Of those that
// the API does not tell either, what was known before stays; else they are noted
// as unresolved.
func (f *fetch) addByID(ctx context.Context, list []eni.NetworkInterface) []eni.NetworkInterface {
	var asked []eni.MetadataInterface
	var ids []string
	for _, i := range f.listed {
		known := func(ni eni.NetworkInterface) bool { return ni.ID == i.ENI }
		switch {
		case i.ENI == "" || slices.ContainsFunc(list, known) || slices.Contains(ids, i.ENI):
		case f.relies(i):
			f.desired.ENIs = append(f.desired.ENIs, f.previous.ENIs[f.before(i)])
		default:
			ids, asked = append(ids, i.ENI), append(asked, i)
		}
	}
	if len(ids) == 0 {
		return list
	}
	reason := errNotReturned
	more, err := f.api.NetworkInterfaces(ctx, eni.Query{IDs: ids})
	if err != nil {
		reason, f.incomplete = err, true
		f.fails(err)
	}
	for _, i := range asked {
		at := slices.IndexFunc(more, func(ni eni.NetworkInterface) bool { return ni.ID == i.ENI })
		switch {
		case at < 0:
			f.keep(i, reason)
		case more[at].InstanceID == "" || more[at].InstanceID == f.desired.InstanceID:
			list, f.byID = append(list, more[at]), append(f.byID, i.ENI)
		}
	}
	return list
}

// relies tells whether what is known of an ENI that is asked for by its id is young
// enough.
func (f *fetch) relies(i eni.MetadataInterface) bool {
	at := f.before(i)
	return at >= 0 && !f.reliedOn.IsZero() && f.previous.ENIs[at].ByID.After(f.reliedOn)
}

// before finds an ENI in what was known before; -1 if it is not there.
func (f *fetch) before(i eni.MetadataInterface) int {
	return slices.IndexFunc(f.previous.ENIs, func(p ENI) bool { return p.ID == i.ENI && p.MAC == i.MAC && p.Unresolved == "" })
}

// keep takes an ENI over from what was known before.
func (f *fetch) keep(i eni.MetadataInterface, reason error) {
	e := ENI{ID: i.ENI, MAC: i.MAC, Unresolved: reason.Error(), UnresolvedClass: classOf(reason)}
	if at := f.before(i); at >= 0 {
		e = f.previous.ENIs[at]
		f.complain("ENI %s: %w; what was known of it holds", i.ENI, reason)
	}
	f.desired.ENIs = append(f.desired.ENIs, e)
}

// known is what was known of an ENI before; ok is false if that is nothing.
func (f *fetch) known(id string) (e ENI, ok bool) {
	at := slices.IndexFunc(f.previous.ENIs, func(p ENI) bool { return p.ID == id && p.Unresolved == "" })
	if at < 0 {
		return ENI{}, false
	}
	return f.previous.ENIs[at], true
}

// describeAll turns the API's ENIs into desired ones, each once, with the
// instance type's defaults where they are needed.
func (f *fetch) describeAll(ctx context.Context, list []eni.NetworkInterface) {
	limits := f.previous.TypeQueues
	var limitsErr error
	if needsLimits(list) {
		if limits, limitsErr = f.cloud.typeLimits(ctx, f.api, f.desired.InstanceType, limits); limitsErr != nil {
			f.incomplete = true
			f.fails(limitsErr)
			f.complain("queue numbers that the API leaves out are not known: %w", limitsErr)
		}
	}
	f.desired.TypeQueues = limits
	for _, ni := range list {
		if !plainID(ni.ID) {
			f.res.Problems = append(f.res.Problems, Problem{Component: ComponentAPI, Class: eni.ClassInvalid.String(),
				Message: fmt.Sprintf("an ENI has the id %q, which is none; ignored", ni.ID)})
			continue
		}
		if ni.InstanceID != "" && ni.InstanceID != f.desired.InstanceID {
			f.res.Problems = append(f.res.Problems, Problem{Component: ComponentAPI, Class: eni.ClassMalformed.String(),
				Message: fmt.Sprintf("ENI %s is of another instance, %q; ignored", ni.ID, ni.InstanceID)})
			continue
		}
		if slices.ContainsFunc(f.desired.ENIs, func(e ENI) bool { return e.ID == ni.ID }) {
			continue
		}
		f.describeOne(ni, limits, limitsErr)
	}
}

func (f *fetch) describeOne(ni eni.NetworkInterface, limits *TypeQueues, limitsErr error) {
	e, problems := describe(ni, limits)
	f.res.Problems = append(f.res.Problems, problems...)
	if slices.Contains(f.byID, e.ID) {
		e.ByID = f.desired.FetchedAt
	}
	switch {
	case e.MAC == "":
		f.findMAC(&e, ni.Problem)
	case ni.Problem != "":
		e.Unresolved, e.UnresolvedClass = ni.Problem, eni.ClassMalformed.String()
	}
	f.restore(&e, ni)
	if _, ok := e.value(nic.Queues); !ok && limitsErr != nil {
		f.findQueues(&e, limitsErr)
	}
	f.desired.ENIs = append(f.desired.ENIs, e)
}

// restore takes over what was known of the settings of which the reply says
// something that cannot be used.
func (f *fetch) restore(e *ENI, ni eni.NetworkInterface) {
	old, known := f.known(e.ID)
	if !known {
		return
	}
	if e.Unresolved != "" {
		f.res.Problems = append(f.res.Problems, Problem{Component: ComponentAPI, Class: e.UnresolvedClass,
			Message: fmt.Sprintf("ENI %s: %s; what was known of it holds", e.ID, e.Unresolved)})
		e.Unresolved, e.UnresolvedClass = "", ""
	}
	if e.MAC == "" {
		e.MAC = old.MAC
	}
	for _, s := range nic.Settings() {
		v, found := e.value(s)
		if found && v.Source < plan.InstanceType || ni.Problem == "" && told(ni, s) == nil {
			continue
		}
		if v, found = old.value(s); found {
			e.Values = slices.DeleteFunc(e.Values, func(v Value) bool { return v.Setting == s })
			e.Values = append(e.Values, v)
		}
	}
}

// findMAC takes an address that the API does not give, or gives malformed, from
// the metadata service.
func (f *fetch) findMAC(e *ENI, problem string) {
	for _, i := range f.listed {
		if i.ENI == e.ID {
			e.MAC = i.MAC
			return
		}
	}
	if problem == "" {
		problem = "the API gives no address for it"
	}
	e.Unresolved, e.UnresolvedClass = "which NIC is its own is not known: "+problem, eni.ClassMalformed.String()
}

// findQueues takes over the instance type's default from an earlier reply, where
// the type could not be asked for this time.
func (f *fetch) findQueues(e *ENI, limitsErr error) {
	for _, p := range f.previous.ENIs {
		if v, ok := p.value(nic.Queues); ok && p.ID == e.ID && v.Source == plan.InstanceType {
			e.Values = append(e.Values, v)
			return
		}
	}
	e.Unresolved, e.UnresolvedClass = "its queue number: "+limitsErr.Error(), classOf(limitsErr)
}

// fails notes a call that failed.
func (f *fetch) fails(err error) {
	f.res.Throttled = f.res.Throttled || errors.Is(err, eni.ErrThrottled)
}

func (f *fetch) complain(format string, args ...any) {
	err := fmt.Errorf(format, args...)
	f.res.Problems = append(f.res.Problems, problemOf(ComponentAPI, err))
}

// plainID tells whether an id is one: 1 to 128 letters, digits and -_. It ends
// up in labels and on terminals.
func plainID(id string) bool {
	for _, r := range id {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (r < '0' || r > '9') && r != '-' && r != '_' && r != '.' {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= 128
}
