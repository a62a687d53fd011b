package agent

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTriggerWakesAtOnceAndCoalesces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := newTrigger(time.Now)
		start := time.Now()
		tr.fire(CauseLink)
		time.Sleep(time.Second)
		tr.fire(CauseEthtool)
		tr.fire(CauseLink)
		c, since, ok := tr.wait(context.Background())
		if c != CauseEthtool || !since.Equal(start) || !ok {
			t.Errorf("got %v since %v", c, since.Sub(start))
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		if c, _, ok := tr.wait(ctx); ok {
			t.Errorf("a second wake-up came of nothing: %v", c)
		}
	})
}

// TestTriggerLosesNothing fires from many goroutines while a waiter works: after
// the last fire there is always one more wake-up.
func TestTriggerLosesNothing(t *testing.T) {
	tr := newTrigger(time.Now)
	var mu sync.Mutex
	fired, seen := 0, 0
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			if _, _, ok := tr.wait(ctx); !ok {
				return
			}
			mu.Lock()
			seen = fired
			last := seen == 8*1000
			mu.Unlock()
			if last {
				return
			}
		}
	}()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				mu.Lock()
				fired++
				mu.Unlock()
				tr.fire(CauseLink)
			}
		})
	}
	wg.Wait()
	<-done
	cancel()
	if seen != 8000 {
		t.Errorf("the waiter saw %d of 8000", seen)
	}
}
