package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/enitune/enitune/eni"
)

// The delays between two looks of --wait: the first, and the longest, to which
// they double. Each look is two or three calls of an API whose limit the whole
// account shares.
const (
	firstLook   = 500 * time.Millisecond
	longestLook = 5 * time.Second
)

// detailer reads one ENI.
type detailer interface {
	NetworkInterfaceDetail(ctx context.Context, id string) (eni.NetworkInterface, error)
}

// await waits until a read shows the change, if reads give back any of it.
func (s *setter) await(ctx context.Context) {
	if len(s.doc.Changes) > 0 && len(s.doc.Untold) == len(s.doc.Changes) {
		return
	}
	limited, cancel := context.WithTimeout(ctx, s.options.waitTimeout)
	defer cancel()
	line := newProgress(s.app.stderr)
	start := time.Now()
	missing, err := awaitShown(limited, s.cloud.client, s.doc.ENI, s.send, func(missing []eni.FieldChange) {
		line.say("waiting until the API shows %s, %v of %v …", fieldNames(missing), time.Since(start).Round(time.Second), s.options.waitTimeout)
	})
	line.done()
	shown := err == nil
	s.doc.Shown = &shown
	if shown {
		return
	}
	what := fmt.Sprintf("the change was accepted, and the API does not show it yet (%s)", missingWords(missing))
	switch {
	case ctx.Err() != nil:
		what += "; interrupted while waiting"
	case errors.Is(err, context.DeadlineExceeded):
		what += fmt.Sprintf(" after %v", s.options.waitTimeout)
	default:
		what += fmt.Sprintf("; it could not be read: %v", err)
	}
	s.words = append(s.words, what+"; look again with `enitune eni show "+s.doc.ENI+"`, or give --wait-timeout more time")
}

// awaitShown reads the ENI until it has all of m that a read gives back. When
// ctx ends first, or a read fails in a way that does not pass, it returns what is
// still missing, and the error. waiting is called after each look in vain.
func awaitShown(ctx context.Context, api detailer, id string, m eni.Modification, waiting func([]eni.FieldChange)) ([]eni.FieldChange, error) {
	missing := notShown(m, eni.NetworkInterface{ID: id})
	for delay := firstLook; ; delay = min(2*delay, longestLook) {
		n, err := api.NetworkInterfaceDetail(ctx, id)
		switch {
		case ctx.Err() != nil:
			return missing, ctx.Err()
		case err == nil:
			if missing = notShown(m, n); len(missing) == 0 {
				return nil, nil
			}
		case !passing(err):
			return missing, err
		}
		waiting(missing)
		timer := time.NewTimer(delay)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return missing, ctx.Err()
		}
	}
}

// notShown lists what a read should show and does not.
func notShown(m eni.Modification, n eni.NetworkInterface) []eni.FieldChange {
	_, untold := m.Holds(n)
	_, changes := m.Diff(n)
	return slices.DeleteFunc(changes, func(c eni.FieldChange) bool { return slices.Contains(untold, c.Field) })
}

// passing tells whether a read can succeed a moment later.
func passing(err error) bool {
	for _, class := range []error{eni.ErrThrottled, eni.ErrRetry, eni.ErrServer, eni.ErrNetwork} {
		if errors.Is(err, class) {
			return true
		}
	}
	return false
}

func fieldNames(list []eni.FieldChange) string {
	var names []string
	for _, c := range list {
		names = append(names, c.Field)
	}
	return strings.Join(names, ", ")
}

func missingWords(list []eni.FieldChange) string {
	var parts []string
	for _, c := range list {
		parts = append(parts, fmt.Sprintf("%s is %s, wanted %s", c.Field, before(c.Before, c.Known), c.After))
	}
	return strings.Join(parts, "; ")
}

// before is a value before a change, for a person.
func before(value string, known bool) string {
	switch {
	case !known:
		return "not known"
	case value == "":
		return `""`
	default:
		return value
	}
}
