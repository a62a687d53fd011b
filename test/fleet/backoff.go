package main

import (
	"context"
	"time"

	"github.com/enitune/enitune/agent"
)

// newPacer makes the pace of an instance that starts.
type newPacer func(interval time.Duration, boot string, random func() float64) pacer

func agentPace(interval time.Duration, boot string, random func() float64) pacer {
	return agent.NewPace(interval, boot, random)
}

// usual is what the agent's pace is compared with, the usual exponential backoff
// with full jitter: from 2 seconds to 15 minutes, whatever the failure.
type usual struct {
	interval time.Duration
	random   func() float64
	failures int
}

func usualPace(interval time.Duration, _ string, random func() float64) pacer {
	return &usual{interval: interval, random: random}
}

func (u *usual) Read(ctx context.Context, c *agent.Cloud, known agent.Desired) agent.FetchResult {
	return c.Fetch(ctx, known)
}

func (u *usual) Next(res agent.FetchResult, _ agent.Desired) time.Duration {
	if res.APIErr == nil && !res.Incomplete {
		u.failures = 0
		return time.Duration(float64(u.interval) * (0.9 + 0.2*u.random()))
	}
	most := min(2*time.Second<<min(u.failures, 20), 15*time.Minute)
	u.failures++
	return max(250*time.Millisecond, time.Duration(u.random()*float64(most)))
}
