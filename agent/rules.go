package agent

import (
	"path"

	"github.com/enitune/enitune/nic"
)

// Rule is the operator's word on the NICs that it matches.
type Rule struct {
	// Patterns in the syntax of path.Match; an empty one matches everything. A
	// pattern on ENI or Type never matches a NIC whose ENI is not known.
	Device, ENI, MAC, Type string
	// Manage is false for NICs that are to be left alone.
	Manage bool
	// Wants says per setting where its desired value comes from; a setting
	// that is not there comes from the cloud.
	Wants map[nic.Setting]Want
}

// Want is an operator's choice for one setting.
type Want struct {
	Kind WantKind
	N    int // the value, with WantNumber
}

// WantKind is a kind of choice. The zero value leaves the setting to the cloud.
type WantKind int

// The kinds of choice.
const (
	WantAPI    WantKind = iota // what the cloud says
	WantMax                    // as much as the NIC offers
	WantNumber                 // a fixed number
)

// matchRule gives the first rule that matches; without one, the defaults: the
// NIC is managed, by what the cloud says.
func matchRule(rules []Rule, n nic.NIC, e ENI) (rule Rule, explicit bool) {
	for _, r := range rules {
		if r.matches(n, e) {
			return r, true
		}
	}
	return Rule{Manage: true}, false
}

func (r Rule) matches(n nic.NIC, e ENI) bool {
	return r.matchesDevice(n) &&
		glob(r.MAC, n.ID()) &&
		glob(r.ENI, e.ID) &&
		(r.Type == "" || r.Type == e.Type)
}

func (r Rule) matchesDevice(n nic.NIC) bool {
	for _, name := range append([]string{n.Name}, n.AltNames...) {
		if glob(r.Device, name) {
			return true
		}
	}
	return false
}

// glob matches text against a pattern that was checked when the configuration
// was read; "" matches everything, and nothing else matches an unknown text.
func glob(pattern, text string) bool {
	if pattern == "" {
		return true
	}
	ok, err := path.Match(pattern, text)
	return err == nil && ok && text != ""
}
