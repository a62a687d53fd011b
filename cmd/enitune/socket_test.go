package main

import (
	"errors"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestADaemonThatIsSlowIsNotToldToBeStarted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path) // accepts in the kernel, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, _, err = daemonSocket{path}.ask(t.Context(), time.Millisecond, http.MethodGet, "/status")
	if !errors.Is(err, errSlow) || strings.Contains(remedyFor(err, "which reads it"), "start it (") {
		t.Errorf("slow: %v; %s", err, remedyFor(err, "which reads it"))
	}
	_, err = daemonSocket{path + ".none"}.reload(t.Context())
	if err == nil || errors.Is(err, errSlow) || !strings.Contains(err.Error(), "start it (systemctl start enitune)") {
		t.Errorf("not there: %v", err)
	}
}
