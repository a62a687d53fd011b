package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRunServesWhatItPrints(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	out, in := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := run(ctx, []string{
			"--metadata-listen", "127.0.0.1:0", "--ecs-listen", "127.0.0.1:0", "--ecs-tls-listen", "127.0.0.1:0",
			"--control-listen", "127.0.0.1:0", "--ca-out", ca, "--allow-tokenless",
		}, in, io.Discard)
		in.Close()
		done <- err
	}()

	printed := make(map[string]string)
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok {
			printed[name] = value
		}
		if strings.Contains(lines.Text(), "example-access-key-secret") {
			t.Errorf("a secret is printed: %s", lines.Text())
		}
		if strings.Contains(lines.Text(), "stands in the layout") {
			break // the last line
		}
	}
	if printed["SSL_CERT_FILE"] != ca || printed["ALIBABA_CLOUD_ECS_METADATA"] == "" || !strings.HasPrefix(printed["ECSSIM_ECS_TLS_URL"], "https://") {
		t.Errorf("printed %v", printed)
	}
	if text, err := os.ReadFile(ca); err != nil || !strings.Contains(string(text), "BEGIN CERTIFICATE") {
		t.Errorf("authority: %v", err)
	}
	for path, want := range map[string]string{
		printed["ECSSIM_METADATA_URL"] + "/latest/meta-data/instance-id": "i-bp1example0000000001",
		printed["ECSSIM_ECS_URL"] + "/":                                  "MissingParameter",
		printed["ECSSIM_CONTROL_URL"] + "/enis":                          "eni-bp1example0000000003",
	} {
		response, err := http.Get(path)
		if err != nil {
			t.Error(err)
			continue
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %q, %v; want %q", path, body, err, want)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("run: %v", err)
	}
}

func TestRunRefusesBadFlags(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "layout.yaml")
	if err := os.WriteFile(bad, []byte("nothing: here\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"unexpected argument":           {"serve"},
		"--ca-out needs":                {"--ca-out", "ca.pem"},
		"--layout":                      {"--layout", filepath.Join(t.TempDir(), "none.yaml")},
		`layout.yaml: layout: [1:1]`:    {"--layout", bad},
		"--metadata-listen":             {"--metadata-listen", "nowhere:99999"},
		"flag provided but not defined": {"--verbose"},
	} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: got %v, want %q", args, err, want)
		}
	}
}
