package eni

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// newBackOff gives delays with full jitter: the n-th is spread evenly over
// 0 … 2×first×2^(n-1), and no delay exceeds 20 s.
func newBackOff(first time.Duration) backoff.BackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     first,
		RandomizationFactor: 1,
		Multiplier:          2,
		MaxInterval:         10 * time.Second,
	}
	b.Reset()
	return b
}

// retry calls op at most attempts times, as long as it fails with a class that
// can pass by itself. It is a loop of its own and not backoff.Retry, as that one
// returns the context's error in place of the failure that led to the waiting.
func retry[T any](ctx context.Context, attempts int, delays backoff.BackOff, op func() (T, *Error)) (T, error) {
	var zero T
	for n := 1; ; n++ {
		v, failure := op()
		if failure == nil {
			return v, nil
		}
		failure.Attempts = n
		if !failure.Class.retryable() || n >= attempts {
			return zero, failure
		}
		if err := wait(ctx, delays, failure); err != nil {
			return zero, err
		}
	}
}

// wait waits for the next delay. When ctx is canceled first it returns an
// [*Error] that tells the failure too; when the time is up, the failure itself.
func wait(ctx context.Context, delays backoff.BackOff, failure *Error) error {
	timer := time.NewTimer(delays.NextBackOff())
	defer timer.Stop()
	if ctx.Err() == nil {
		select {
		case <-timer.C:
			return nil
		case <-ctx.Done():
		}
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return ended(ctx, failure.Action, fmt.Sprintf("while waiting to try again after: %v", failure))
	}
	failure.cause = errors.Join(failure.cause, ctx.Err())
	return failure
}
