package agent

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

func TestAFailingSourceIsLoggedOnceAndItsReturnToo(t *testing.T) {
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo}))
	report := func(err string) Report {
		r := Report{Sources: []SourceHealth{{Source: "api", Up: err == "", Error: err}}}
		if err != "" {
			r.Errors = []Problem{{Component: ComponentAPI, Message: err}}
		}
		return r
	}
	before := report("")
	for _, err := range []string{"throttled (request id 1)", "throttled (request id 2)", "throttled (request id 3)", ""} {
		now := report(err)
		logChanges(log, before, now, false)
		before = now
	}
	if errors, back := strings.Count(b.String(), "level=ERROR"), strings.Count(b.String(), "answers again"); errors != 1 || back != 1 {
		t.Errorf("%d errors and %d returns in:\n%s", errors, back, b.String())
	}
}

func TestTheLogTellsWhoChangedWhatUntilItIsContested(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		k := newKernel(eth(1, 4, 8, 1024))
		d := daemonOn(k, newCloudModel(apiInterface(1, 4)), file, func(o *DaemonOptions, r *ReconcilerOptions) {
			o.Log = slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: slog.LevelInfo}))
			r.Budget.Burst = 100
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		for n := range 30 {
			synctest.Wait()
			k.foreign(1, nic.Queues, 1+n%3)
			d.trigger.fire(CauseEthtool)
		}
		synctest.Wait()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		log := b.String()
		for text, want := range map[string]int{
			"eth1 queues: another program changed 4 to 1": 1, "another program changed 4": contestedAfter,
			"-> 4": contestedAfter - 1, "reason=contested": 1,
		} {
			if got := strings.Count(log, text); got != want {
				t.Errorf("%d times %q, want %d, in:\n%s", got, text, want, log)
			}
		}
		if first, repair := strings.Index(log, "changed 4 to 1"), strings.Index(log, "eth1 queues: 1 -> 4"); first < 0 || repair < first {
			t.Error("the repair is told before what it answers")
		}
	})
}

func TestWhatWasWrittenIsLoggedWhenTheDaemonEndsMeanwhile(t *testing.T) {
	file := stateFile(t)
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		stuck := stuckKernel{newKernel(eth(1, 1, 8, 1024)), make(chan struct{})}
		d := daemonOn(stuck.kernel, newCloudModel(apiInterface(1, 4)), file, func(o *DaemonOptions, r *ReconcilerOptions) {
			r.Guest = stuck
			o.Log = slog.New(slog.NewTextHandler(&b, nil))
		})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		synctest.Wait() // in the write
		cancel()
		close(stuck.until)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if log := b.String(); strings.Count(log, "eth1 queues: 1 -> 4") != 1 {
			t.Errorf("got:\n%s", log)
		}
	})
}

func TestTwoNICsWithOneAddressAreLoggedOnceAndARenameNotAsANewNIC(t *testing.T) {
	nics := func(devices ...string) (r Report) {
		for _, device := range devices {
			r.NICs = append(r.NICs, NICReport{Device: device, MAC: mac(1), Settings: []SettingReport{{Setting: nic.Queues, Reason: plan.DuplicateMAC}}})
		}
		return r
	}
	var b bytes.Buffer
	log := slog.New(slog.NewTextHandler(&b, nil))
	before := nics("eth1")
	for _, tt := range []struct {
		name string
		now  Report
		want []string
	}{
		{"the same", nics("eth1"), nil},
		{"a twin", nics("eth0", "eth1"), []string{"NIC appeared", "eth0 queues"}},
		{"the same twins", nics("eth0", "eth1"), nil},
		{"the same in another order", nics("eth1", "eth0"), nil},
		{"renamed", nics("eth1", "ens0"), nil},
		{"one gone", nics("ens0"), []string{"NIC is gone"}},
	} {
		b.Reset()
		logChanges(log, before, tt.now, false)
		before = tt.now
		if got := strings.Count(b.String(), "\n"); got != len(tt.want) {
			t.Errorf("%s: want %d lines, got:\n%s", tt.name, len(tt.want), b.String())
		}
		for _, text := range tt.want {
			if !strings.Contains(b.String(), text) {
				t.Errorf("%s: %q is not in:\n%s", tt.name, text, b.String())
			}
		}
	}
}
