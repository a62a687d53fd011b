package agent

import (
	"context"
	"time"
)

// keepEvery bounds how often the times of drift are written to disk, while a rival
// makes drift come and go.
const keepEvery = time.Minute

// keepSince keeps on disk since when settings drift. It has a goroutine of its own,
// because a disk that hangs must not hold up a repair.
func (d *Daemon) keepSince(ctx context.Context) error {
	last, failed := d.o.Since, ""
	var written time.Time
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-d.reported:
		}
		now, have := d.since(last)
		if !have || now.equal(last) {
			continue
		}
		select {
		case <-ctx.Done(): // what is due at the end is written at once
		case <-time.After(written.Add(keepEvery).Sub(d.o.Clock())):
		}
		now, _ = d.since(last)
		kept, err := d.o.SinceFile.Keep(now, last)
		last, written = kept, d.o.Clock()
		if err != nil && err.Error() != failed {
			d.o.Log.Warn("since when settings drift is forgotten at a restart: "+err.Error(), "component", string(ComponentState))
			failed = err.Error()
		}
	}
	return nil
}

// since is what the last report says of drift; ok is false before the first.
func (d *Daemon) since(before Since) (s Since, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return SinceOf(d.report, before), d.have
}
