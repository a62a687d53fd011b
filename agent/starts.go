package agent

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/enitune/enitune/internal/durable"
	"github.com/enitune/enitune/internal/regular"
)

// StartsFile keeps when the daemon was started of late, for one that is started over
// and over by whatever makes it end: each start reads the cloud.
type StartsFile struct {
	// Path of the file; "" keeps nothing.
	Path string
}

const (
	// startsWithin is how long a start counts.
	startsWithin = time.Hour
	// mostStarts in this time read the cloud at once, more do so only if there is
	// nothing to go on with.
	mostStarts     = 10
	maxStartsBytes = 4 << 10
)

// Note adds a start, and tells how many there were of late, this one included. What
// cannot be read counts as none, and a time in the future not at all.
func (f StartsFile) Note(now time.Time) (int, error) {
	if f.Path == "" {
		return 1, nil
	}
	starts, err := f.load(now)
	starts = append(starts, now.UTC().Truncate(time.Second))
	if len(starts) > mostStarts+1 {
		starts = starts[len(starts)-mostStarts-1:]
	}
	data, encodeErr := json.Marshal(starts)
	err = errors.Join(err, encodeErr, os.MkdirAll(filepath.Dir(f.Path), 0o755))
	if writeErr := durable.WriteFile(f.Path, append(data, '\n'), fileMode); writeErr != nil {
		err = errors.Join(err, writeErr)
	}
	return len(starts), err
}

// load gives the starts of late.
func (f StartsFile) load(now time.Time) ([]time.Time, error) {
	data, err := regular.Read(f.Path, maxStartsBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all, late []time.Time
	if err == nil {
		err = json.Unmarshal(data, &all)
	}
	if err != nil {
		return nil, fmt.Errorf("read the times of starts: %w", err)
	}
	for _, t := range all {
		if t.After(now.Add(-startsWithin)) && !t.After(now) {
			late = append(late, t)
		}
	}
	return late, nil
}
