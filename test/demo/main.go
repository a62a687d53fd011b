// Command demo shows enitune at work on any Linux machine, without root, packages or a cloud account:
//
//	go run ./test/demo --enitune bin/enitune
//
// The process that the user starts (the outside) re-executes itself in new user, network and mount namespaces (the inside).
// There, multi-queue veth NICs stand for ENIs, the simulated metadata service has its real address 100.100.100.200, the
// simulated ECS answers for its real name over TLS, and the unmodified enitune binary runs with its default configuration
// but for the three keys that the demo prints.
//
// Each step runs real commands, shows their real output, and checks what came of it against the kernel's own word: the first
// outcome that is not as expected ends the demo with exit code 1. Everything it makes vanishes with it.
//
// With --keep it stays up afterwards. Its /metrics is then reachable from outside the namespaces, because the listening
// socket is opened outside and passed in by the protocol of systemd's socket activation.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
)

// options are the command line.
type options struct {
	enitune string // absolute path of the binary
	keep    bool
	listen  string
}

func main() {
	// The kernel ties "die with your parent" to the thread that made the child, so that thread must last.
	runtime.LockOSThread()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args []string, stdout, stderr *os.File) int {
	o, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	var code int
	switch h, handed := handedOver(os.LookupEnv); {
	case err != nil:
	case handed:
		code, err = inside(ctx, o, h, stdout)
	default:
		code, err = outside(ctx, o, stdout, stderr)
	}
	if err != nil {
		fmt.Fprintln(stderr, "demo:", err)
		return 1
	}
	return code
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	set := flag.NewFlagSet("demo", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&o.enitune, "enitune", "bin/enitune", "the enitune `binary` to show")
	set.BoolVar(&o.keep, "keep", false, "stay up after the story, with /metrics reachable from outside")
	set.StringVar(&o.listen, "listen", "127.0.0.1:10056", "with --keep: the `address` of /metrics; if it is in use, a free port is taken")
	if err := set.Parse(args); err != nil {
		return o, err
	}
	if set.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q; everything is given by flags, see --help", set.Arg(0))
	}
	path, err := filepath.Abs(o.enitune)
	if err != nil {
		return o, fmt.Errorf("--enitune: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return o, fmt.Errorf("--enitune: %w; build it: CGO_ENABLED=0 go build -o bin/enitune ./cmd/enitune", err)
	}
	if !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return o, fmt.Errorf("--enitune: %s is not an executable file", path)
	}
	o.enitune = path
	return o, nil
}
