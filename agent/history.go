package agent

import (
	"slices"
	"time"

	"github.com/enitune/enitune/nic"
)

// Change is one change of a setting that was seen: written and verified, or found
// at a look at the NIC.
type Change struct {
	Time    time.Time   `json:"time"`
	Device  string      `json:"device"`
	ENI     string      `json:"eni"` // "" if no ENI has the NIC's address
	Setting nic.Setting `json:"setting"`
	From    int         `json:"from"`
	To      int         `json:"to"`
	By      ChangedBy   `json:"by"`
}

// ChangedBy is who changed a setting.
type ChangedBy string

// Who changes settings.
const (
	ByEnitune ChangedBy = "enitune"
	ByOther   ChangedBy = "other" // another program, a person, or the kernel
)

// A report tells maxChanges changes, and of those that one party made to one
// setting maxChangesEach: a rival that writes without end is not to push out the
// rest.
const (
	maxChanges     = 20
	maxChangesEach = 4
)

// sameChanger tells whether two changes are of one setting and one party.
func sameChanger(a, b Change) bool {
	return a.Device == b.Device && a.ENI == b.ENI && a.Setting == b.Setting && a.By == b.By
}

// withChanges puts newer changes before older ones, both the newest first, and
// keeps as many as a report tells.
func withChanges(newer, older []Change) []Change {
	kept := []Change{}
	for _, c := range slices.Concat(newer, older) {
		each := 0
		for _, k := range kept {
			if sameChanger(k, c) {
				each++
			}
		}
		if each < maxChangesEach && len(kept) < maxChanges {
			kept = append(kept, c)
		}
	}
	return kept
}

// changes lists what one reconcile saw others do and what it did itself, the
// newest first.
func (o *Outcome) changes() []Change {
	var list []Change
	for _, f := range o.foreign {
		list = append(list, Change{o.Report.Time, f.Device, f.ENI, f.Setting, f.From, f.To, ByOther})
	}
	for _, n := range o.Report.NICs {
		for _, s := range n.Settings {
			if s.Applied != nil {
				list = append(list, Change{o.Report.Time, n.Device, n.ENI, s.Setting, s.Applied.From, s.Applied.To, ByEnitune})
			}
		}
	}
	slices.Reverse(list)
	return list
}
