// Command ecssim serves a simulated Alibaba Cloud: the ECS API, the instance
// metadata service and a control API, for the demo and for labs.
//
//	ecssim --layout layout.yaml --ecs-tls-listen 127.0.0.1:8443 --ca-out ca.pem
//
// prints what it serves as NAME=value lines. While it runs the control API
// changes the cloud (see ecssim.Cloud.Control):
//
//	curl -X PATCH 127.0.0.1:8300/enis/eni-bp1example0000000002 -d '{"queue_number": 4}'
//	curl -X PUT 127.0.0.1:8300/faults -d '[{"target": "ecs", "code": "Throttling", "remaining": 5}]'
package main

import (
	"context"
	"crypto/tls"
	_ "embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/enitune/enitune/internal/ecssim"
)

//go:embed layout.example.yaml
var exampleLayout []byte

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "ecssim:", err)
		os.Exit(1)
	}
}

// flags are the command line.
type flags struct {
	metadata, ecs, ecsTLS, control string // listen addresses, "" for off
	tlsHosts                       string // comma-separated
	caOut                          string
	layout                         string
	tokenless                      bool
	seed                           uint64
}

func parseFlags(args []string, stderr io.Writer) (flags, error) {
	var f flags
	set := flag.NewFlagSet("ecssim", flag.ContinueOnError)
	set.SetOutput(stderr)
	set.StringVar(&f.metadata, "metadata-listen", "127.0.0.1:8100", "`address` of the metadata service; empty for none")
	set.StringVar(&f.ecs, "ecs-listen", "127.0.0.1:8200", "`address` of the ECS API over HTTP; empty for none")
	set.StringVar(&f.ecsTLS, "ecs-tls-listen", "", "`address` of the ECS API over HTTPS; empty for none")
	set.StringVar(&f.tlsHosts, "tls-hosts", "", "comma-separated `hosts` of the HTTPS certificate (default localhost and its addresses)")
	set.StringVar(&f.caOut, "ca-out", "", "`file` to write the certificate authority to (PEM); needs --ecs-tls-listen")
	set.StringVar(&f.control, "control-listen", "127.0.0.1:8300", "`address` of the control API; empty for none")
	set.StringVar(&f.layout, "layout", "", "`file` that describes the cloud (default: the built-in example)")
	set.BoolVar(&f.tokenless, "allow-tokenless", false, "answer metadata requests without a token too")
	set.Uint64Var(&f.seed, "seed", 0, "`number` that ids, tokens and role keys are made from")
	if err := set.Parse(args); err != nil {
		return flags{}, err
	}
	if set.NArg() > 0 {
		return flags{}, fmt.Errorf("unexpected argument %q; everything is given by flags, see --help", set.Arg(0))
	}
	if f.caOut != "" && f.ecsTLS == "" {
		return flags{}, errors.New("--ca-out needs --ecs-tls-listen; without HTTPS there is no authority to trust")
	}
	return f, nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	f, err := parseFlags(args, stderr)
	if err != nil {
		return err
	}
	layout, err := readLayout(f.layout)
	if err != nil {
		return err
	}
	cloud := ecssim.New(ecssim.Options{Seed: f.seed, AllowTokenless: f.tokenless})
	cloud.Load(layout)

	services, err := open(ctx, f, cloud)
	if err != nil {
		return err
	}
	describe(stdout, f, layout, services)

	group, ctx := errgroup.WithContext(ctx)
	for _, s := range services {
		group.Go(func() error {
			if err := ecssim.Serve(ctx, s.listener, s.handler, s.tls); err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

func readLayout(file string) (ecssim.Layout, error) {
	if file == "" {
		return ecssim.ParseLayout(exampleLayout)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return ecssim.Layout{}, fmt.Errorf("--layout: %w", err)
	}
	l, err := ecssim.ParseLayout(text)
	if err != nil {
		return ecssim.Layout{}, fmt.Errorf("%s: %w", file, err)
	}
	return l, nil
}

// service is one listener and what answers on it.
type service struct {
	name, scheme string
	listener     net.Listener
	handler      http.Handler
	tls          *tls.Config
}

// open listens on every address that is set. On error nothing stays open.
func open(ctx context.Context, f flags, cloud *ecssim.Cloud) (services []service, err error) {
	defer func() {
		if err != nil {
			for _, s := range services {
				err = errors.Join(err, s.listener.Close())
			}
		}
	}()
	var config *tls.Config
	if f.ecsTLS != "" {
		if config, err = certify(f); err != nil {
			return nil, err
		}
	}
	for _, s := range []struct {
		flag, address string
		service       service
	}{
		{"--metadata-listen", f.metadata, service{name: "metadata", scheme: "http", handler: cloud.Metadata()}},
		{"--ecs-listen", f.ecs, service{name: "ecs", scheme: "http", handler: cloud.ECS()}},
		{"--ecs-tls-listen", f.ecsTLS, service{name: "ecs-tls", scheme: "https", handler: cloud.ECS(), tls: config}},
		{"--control-listen", f.control, service{name: "control", scheme: "http", handler: cloud.Control()}},
	} {
		if s.address == "" {
			continue
		}
		var config net.ListenConfig
		if s.service.listener, err = config.Listen(ctx, "tcp", s.address); err != nil {
			return services, fmt.Errorf("%s: %w", s.flag, err)
		}
		services = append(services, s.service)
	}
	return services, nil
}

// certify makes the HTTPS certificate and writes its authority to --ca-out.
func certify(f flags) (*tls.Config, error) {
	var hosts []string
	if f.tlsHosts != "" {
		hosts = strings.Split(f.tlsHosts, ",")
	}
	cert, ca, err := ecssim.SelfSignedTLS(hosts...)
	if err != nil {
		return nil, err
	}
	if f.caOut != "" {
		if err := os.WriteFile(f.caOut, ca, 0o644); err != nil {
			return nil, fmt.Errorf("--ca-out: %w", err)
		}
	}
	return &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}, nil
}

// describe prints what is served and how a client finds it. Secrets stay in
// the layout.
func describe(w io.Writer, f flags, l ecssim.Layout, services []service) {
	fmt.Fprintf(w, "# instance %s (%s, %s) with %d ENIs\n", l.Instance.ID, l.Instance.Type, l.Instance.Region, len(l.ENIs))
	for _, s := range services {
		name := strings.ToUpper(strings.ReplaceAll(s.name, "-", "_"))
		fmt.Fprintf(w, "ECSSIM_%s_URL=%s://%s\n", name, s.scheme, s.listener.Addr())
	}
	if f.caOut != "" {
		fmt.Fprintf(w, "SSL_CERT_FILE=%s\n", f.caOut)
	}
	if role := l.Role; role != "" {
		fmt.Fprintf(w, "ALIBABA_CLOUD_ECS_METADATA=%s\n", role)
	}
	if len(l.Keys) > 0 {
		fmt.Fprintf(w, "ALIBABA_CLOUD_ACCESS_KEY_ID=%s\n", l.Keys[0].ID)
		fmt.Fprintln(w, "# ALIBABA_CLOUD_ACCESS_KEY_SECRET stands in the layout")
	}
}
