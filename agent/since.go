package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/enitune/enitune/internal/durable"
	"github.com/enitune/enitune/internal/regular"
	"github.com/enitune/enitune/nic"
)

// Since tells since when settings drift.
type Since map[sinceKey]time.Time

// sinceKey is a setting of a NIC, by the address that identifies the NIC.
type sinceKey struct {
	mac     string
	setting nic.Setting
}

// SinceOf gathers since when the settings of a report drift. Where the report could
// not determine everything, what was known before holds on.
func SinceOf(r Report, before Since) Since {
	s := Since{}
	if !r.Determined {
		maps.Copy(s, before)
	}
	for _, n := range r.NICs {
		for _, sr := range n.Settings {
			if !sr.DriftSince.IsZero() {
				s[sinceKey{n.MAC, sr.Setting}] = sr.DriftSince
			}
		}
	}
	return s
}

func (s Since) equal(other Since) bool { return maps.EqualFunc(s, other, time.Time.Equal) }

// SinceFile keeps a Since over restarts, and for one `apply` after the other. It
// is a convenience: what cannot be read or written loses nothing but the time.
type SinceFile struct {
	// Path of the file, in a directory that exists; "" keeps nothing.
	Path string
}

const (
	sinceVersion  = 1
	maxSinceBytes = 1 << 20
)

// sinceBody is what the file holds, in an envelope.
type sinceBody struct {
	Drift []sinceEntry `json:"drift"`
}

type sinceEntry struct {
	MAC     string      `json:"mac"`
	Setting nic.Setting `json:"setting"`
	Since   time.Time   `json:"since"`
}

// Load reads the file; what it says of the future is not believed. Without a file
// that can be read, nothing is known to drift.
func (f SinceFile) Load(now time.Time) Since {
	if f.Path == "" {
		return nil
	}
	data, err := regular.Read(f.Path, maxSinceBytes)
	if err != nil {
		return nil
	}
	return decodeSince(data, now)
}

func decodeSince(data []byte, now time.Time) Since {
	var body sinceBody
	if unseal(data, sinceVersion, &body) != nil {
		return nil
	}
	s := Since{}
	for _, e := range body.Drift {
		// Without its setting, an entry would be written back under a name that
		// makes the whole file unreadable.
		if plainMAC(e.MAC) && slices.Contains(nic.Settings(), e.Setting) && !e.Since.IsZero() && e.Since.Before(now) {
			s[sinceKey{e.MAC, e.Setting}] = e.Since
		}
	}
	return s
}

// Keep replaces the file by one that says s, if that is another than last: what
// was loaded or kept before. It returns what the file says now.
func (f SinceFile) Keep(s, last Since) (Since, error) {
	if f.Path == "" || s.equal(last) {
		return s, nil
	}
	body := sinceBody{Drift: []sinceEntry{}}
	for k, t := range s {
		body.Drift = append(body.Drift, sinceEntry{k.mac, k.setting, t})
	}
	slices.SortFunc(body.Drift, func(a, b sinceEntry) int {
		if c := strings.Compare(a.MAC, b.MAC); c != 0 {
			return c
		}
		return int(a.Setting) - int(b.Setting)
	})
	data, err := seal(sinceVersion, body)
	if err != nil {
		return last, fmt.Errorf("write %s: %w", f.Path, err)
	}
	if err := durable.WriteFile(f.Path, data, fileMode); err != nil {
		return last, err
	}
	return s, nil
}

// remember has the memory know since when settings drift.
func (m *memory) remember(s Since) {
	for k, t := range s {
		m.nic(k.mac).setting(k.setting).driftSince = t
	}
}
