package web

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func unixClient(t *testing.T, path string) *http.Client {
	t.Helper()
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// socketOptions serve on a Unix socket only.
func socketOptions(path string) Options {
	o := options()
	o.Listen, o.SocketPath = nil, path
	return o
}

func TestTheSocketServesEveryLocalUserAndIsRemovedAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	t.Run("while it runs", func(t *testing.T) {
		start(t, socketOptions(path))
		if _, body := fetch(t, unixClient(t, path), "GET", "http://unix/status"); body != document {
			t.Errorf("got %q", body)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != fs.ModeSocket|socketMode {
			t.Errorf("got %v, %v; want a socket of mode 0666", info.Mode(), err)
		}
	})
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end: %v; want no file", err)
	}
}

func TestAStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false) // as when the process is killed
	l.Close()
	start(t, socketOptions(path))
	if _, body := fetch(t, unixClient(t, path), "GET", "http://unix/healthz"); body != "ok\n" {
		t.Errorf("got %q", body)
	}
}

func TestASocketInUseIsAnErrorAndGoesOnServing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	start(t, socketOptions(path))
	second := options()
	second.SocketPath = path
	_, err := New(second)
	want := "socket " + path + ": another daemon is running; stop it first (systemctl stop enitune)"
	if !errors.Is(err, ErrServed) || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if _, body := fetch(t, unixClient(t, path), "GET", "http://unix/healthz"); body != "ok\n" {
		t.Errorf("the first daemon: got %q", body)
	}
}

func TestASocketThatCannotBeMadeIsLoggedAndLeftOut(t *testing.T) {
	dir := t.TempDir()
	for name, path := range map[string]string{
		"no such folder":  filepath.Join(dir, "none", "sock"),
		"a file is there": write(t, filepath.Join(dir, "file"), "precious"),
	} {
		t.Run(name, func(t *testing.T) {
			var logged bytes.Buffer
			o := options()
			o.SocketPath, o.Log = path, slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelWarn}))
			addr := start(t, o)
			if !strings.Contains(logged.String(), path) {
				t.Errorf("the log does not name the path: %s", logged.String())
			}
			if _, body := fetch(t, http.DefaultClient, "GET", "http://"+addr+"/healthz"); body != "ok\n" {
				t.Errorf("got %q", body)
			}
		})
	}
	if text, err := os.ReadFile(filepath.Join(dir, "file")); err != nil || string(text) != "precious" {
		t.Errorf("the file was touched: %q, %v", text, err)
	}
}
