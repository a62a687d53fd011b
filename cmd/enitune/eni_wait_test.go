package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/eni"
)

// replies gives one answer after the other, the last one for ever.
type replies struct {
	list []reply
	n    int
}

type reply struct {
	queues int
	err    error
}

func (r *replies) NetworkInterfaceDetail(context.Context, string) (eni.NetworkInterface, error) {
	next := r.list[min(r.n, len(r.list)-1)]
	r.n++
	if next.err != nil {
		return eni.NetworkInterface{}, next.err
	}
	return eni.NetworkInterface{ID: "eni-1", QueueNumber: &next.queues}, nil
}

func refusedBy(class eni.Class) error { return &eni.Error{Action: "Describe", Class: class} }

func TestWaitingEndsWhenAReadShowsTheChange(t *testing.T) {
	eight := eni.Modification{QueueNumber: new(8)}
	stillFour := []eni.FieldChange{{Field: "queue_number", Before: "4", After: "8", Known: true}}
	for _, tt := range []struct {
		name    string
		replies []reply
		want    eni.Modification
		missing []eni.FieldChange
		err     error
		reads   int
		took    time.Duration
	}{
		{"at once", []reply{{queues: 8}}, eight, nil, nil, 1, 0},
		{"with a lag", []reply{{queues: 4}, {queues: 4}, {queues: 8}}, eight, nil, nil, 3, 1500 * time.Millisecond},
		{"through throttling and failures", []reply{{err: refusedBy(eni.ClassThrottled)}, {err: refusedBy(eni.ClassServer)}, {err: refusedBy(eni.ClassNetwork)}, {queues: 8}},
			eight, nil, nil, 4, 3500 * time.Millisecond},
		{"not within the time", []reply{{queues: 4}}, eight, stillFour, context.DeadlineExceeded, 15, time.Minute},
		{"not after a refusal", []reply{{queues: 4}, {err: refusedBy(eni.ClassDenied)}}, eight, stillFour, eni.ErrDenied, 2, 500 * time.Millisecond},
		{"with what is not given back left out", []reply{{queues: 8}},
			eni.Modification{QueueNumber: new(8), RxQueueSize: new(8192), TxQueueSize: new(8192)}, nil, nil, 1, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				api := &replies{list: tt.replies}
				start := time.Now()
				missing, err := awaitShown(ctx, api, "eni-1", tt.want, func([]eni.FieldChange) {})
				if !errors.Is(err, tt.err) || time.Since(start) != tt.took || api.n != tt.reads {
					t.Errorf("%v after %v and %d reads, want %v after %v and %d", err, time.Since(start), api.n, tt.err, tt.took, tt.reads)
				}
				if diff := cmp.Diff(tt.missing, missing); diff != "" {
					t.Errorf("missing (-want +got):\n%s", diff)
				}
			})
		})
	}
}
