package eni

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestCancellationAbortsARequestThatHangs(t *testing.T) {
	setCredentials(t)
	arrived := make(chan struct{})
	c := newServer(t, ClientOptions{Timeout: time.Hour}, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	result := make(chan error)
	go func() { result <- listOwn(ctx, c) }()
	<-arrived
	cancel()
	err := <-result
	checkIs(t, err, ErrCanceled)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("%v is not context.Canceled", err)
	}
	mustNotLeak(t, errText(err))
}

func TestCancellationAbortsTheWaitingBetweenAttempts(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		c := newClient(t, ClientOptions{Attempts: 1000, OnRequest: func(string, string) { cancel() }},
			handlerTransport{answers(answer{400, refusalBody("Throttling", "Too fast.")})})
		start := time.Now()
		err := listOwn(ctx, c)
		checkIs(t, err, ErrCanceled)
		if !strings.Contains(errText(err), "Throttling: Too fast") {
			t.Errorf("%v lacks the failure before", err)
		}
		if waited := time.Since(start); waited != 0 {
			t.Errorf("returned %v after the cancellation", waited)
		}
	})
}

func TestAnAttemptThatTakesTooLongIsANetworkFailureAndRetried(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		calls := 0
		c := newClient(t, ClientOptions{Timeout: 3 * time.Second, Attempts: 2}, transportFunc(func(r *http.Request) (*http.Response, error) {
			calls++
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		err := listOwn(t.Context(), c)
		checkIs(t, err, ErrNetwork)
		if errors.Is(err, context.DeadlineExceeded) {
			t.Error("an attempt's timeout looks like the caller's deadline")
		}
		if !strings.Contains(errText(err), "no answer within 3s (network, 2 attempts)") || calls != 2 {
			t.Errorf("%d calls, error %v", calls, err)
		}
	})
}

func TestTheCallersDeadlineEndsEverything(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		c := newClient(t, ClientOptions{Attempts: 1000}, handlerTransport{answers(answer{503, ""})})
		start := time.Now()
		err := listOwn(ctx, c)
		checkIs(t, err, ErrServer)
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 30*time.Second {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
	})
}

func TestNoAnswerInTheCallersTimeIsANetworkFailure(t *testing.T) {
	setCredentials(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c := newClient(t, ClientOptions{Timeout: 15 * time.Second, Attempts: 5}, transportFunc(func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}))
		err := listOwn(ctx, c)
		checkIs(t, err, ErrNetwork)
		if errors.Is(err, ErrCanceled) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(errText(err), "the time was up while waiting for the answer") {
			t.Errorf("%v", err)
		}
	})
}

func TestBackOffGrowsWithFullJitterUpToItsCap(t *testing.T) {
	for range 100 {
		delays, mean := newBackOff(500*time.Millisecond), 500*time.Millisecond
		for n := range 10 {
			if d := delays.NextBackOff(); d < 0 || d > 2*mean+time.Nanosecond {
				t.Fatalf("delay %d: %v, want 0 to %v", n, d, 2*mean)
			}
			mean = min(2*mean, 10*time.Second)
		}
	}
}

func TestARefusalTellsHowLongToWait(t *testing.T) {
	setCredentials(t)
	for header, want := range map[string]time.Duration{"": 0, "90": 90 * time.Second, "-1": 0, "soon": 0, "99999999999": 0, "Sat, 01 Jan 2000 00:00:00 GMT": 0} {
		c := newServer(t, ClientOptions{Attempts: 1}, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", header)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		var failure *Error
		if err := listOwn(t.Context(), c); !errors.As(err, &failure) || failure.RetryAfter != want || failure.Class != ClassThrottled {
			t.Errorf("%q: %v, wait %v, want %v", header, err, failure.RetryAfter, want)
		}
	}
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	if got := retryAfter("Sun, 01 Mar 2026 12:05:00 GMT", now); got != 5*time.Minute {
		t.Errorf("a date in 5 minutes: %v", got)
	}
}
