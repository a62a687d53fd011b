//go:build !manpages

// Command enitune keeps the queue counts and ring sizes of an ECS instance's
// NICs at what their elastic network interfaces were given.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"golang.org/x/sys/unix"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends it at once
	noCoreDumps()
	code := execute(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// noCoreDumps keeps credentials out of core files, whoever collects them.
func noCoreDumps() {
	// Both only fail where the kernel forbids what they forbid already.
	_ = unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	_ = unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0)
}
