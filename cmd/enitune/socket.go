package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/web"
)

// daemonTimeout bounds one question to the daemon, which answers from memory.
const daemonTimeout = 5 * time.Second

// reloadTimeout bounds a reload, which ends with a look at the NICs.
const reloadTimeout = 25 * time.Second

// maxDaemonBytes bounds the daemon's answer.
const maxDaemonBytes = 16 << 20

// daemonSocket is the running daemon, behind its Unix socket.
type daemonSocket struct{ path string }

// report asks for the last report.
func (d daemonSocket) report(ctx context.Context) (agent.Report, error) {
	status, body, err := d.ask(ctx, daemonTimeout, http.MethodGet, "/status")
	if err != nil {
		return agent.Report{}, err
	}
	if status != http.StatusOK {
		return agent.Report{}, fmt.Errorf("the daemon at %s has no report yet", d.path)
	}
	var r agent.Report
	if err := json.Unmarshal(body, &r); err != nil {
		return agent.Report{}, fmt.Errorf("the daemon at %s gave an answer that is no report: %w", d.path, err)
	}
	if r.Version != 1 {
		return agent.Report{}, fmt.Errorf("the daemon at %s gave an answer that is no report of version 1", d.path)
	}
	return r, nil
}

// refresh asks for the desired state to be read anew, without waiting for it.
func (d daemonSocket) refresh(ctx context.Context) error {
	status, body, err := d.ask(ctx, daemonTimeout, http.MethodPost, web.RefreshPath)
	switch {
	case err != nil:
		return fmt.Errorf("%w; %s", err, remedyFor(err, "which reads the desired state too"))
	case status == http.StatusAccepted:
		return nil
	case status == http.StatusForbidden:
		return errors.New(strings.TrimSpace(string(body)))
	default:
		return fmt.Errorf("the daemon at %s does not know how to refresh (HTTP %d): it is of an older version; use systemctl reload enitune", d.path, status)
	}
}

// errRefused marks the error of reload for a configuration that the daemon did
// not take.
var errRefused = errors.New("configuration refused, the old one stays in force")

// reload asks for the configuration to be read anew, and tells what changed when
// it is in force. The error wraps errRefused for a configuration with faults.
func (d daemonSocket) reload(ctx context.Context) (string, error) {
	status, body, err := d.ask(ctx, reloadTimeout, http.MethodPost, web.ReloadPath)
	text := strings.TrimSpace(string(body))
	switch {
	case err != nil:
		return "", fmt.Errorf("%w; %s", err, remedyFor(err, "which reads the configuration too"))
	case status == http.StatusOK:
		return text, nil
	case status == http.StatusUnprocessableEntity:
		if strings.Contains(text, "\n") {
			text = "\n" + text
		} else {
			text = " " + text
		}
		return "", fmt.Errorf("%w:%s", errRefused, text)
	case status == http.StatusForbidden, status == http.StatusServiceUnavailable:
		return "", errors.New(text)
	default:
		return "", fmt.Errorf("the daemon at %s does not know how to reload (HTTP %d): it is of an older version; use systemctl restart enitune", d.path, status)
	}
}

// peer is the process that listens on the socket.
func (d daemonSocket) peer(ctx context.Context) (web.Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, daemonTimeout)
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "unix", d.path)
	if err != nil {
		return web.Peer{}, fmt.Errorf("no daemon answers at %s: %w", d.path, cause(err))
	}
	defer conn.Close()
	return web.PeerOf(conn.(*net.UnixConn)) // what a dial of "unix" gives
}

func (d daemonSocket) ask(ctx context.Context, timeout time.Duration, method, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	transport := &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.path)
		},
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://enitune"+path, http.NoBody)
	if err != nil {
		return 0, nil, err
	}
	resp, err := transport.RoundTrip(req)
	if errors.Is(err, context.DeadlineExceeded) {
		return 0, nil, fmt.Errorf("%w: the one at %s took more than %v", errSlow, d.path, timeout)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("no daemon answers at %s: %w", d.path, cause(err))
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, maxDaemonBytes))
	if err != nil {
		return 0, nil, fmt.Errorf("the daemon at %s broke off its answer: %w", d.path, err)
	}
	return resp.StatusCode, body, nil
}

// errSlow marks the error of ask for a daemon that is there and does not answer in
// time.
var errSlow = errors.New("the daemon does not answer")

// remedyFor says what to do about a daemon that could not be asked.
func remedyFor(err error, starting string) string {
	if errors.Is(err, errSlow) {
		return "look at its log (journalctl -u enitune), or restart it"
	}
	return "start it (systemctl start enitune), " + starting
}

// cause leaves out the words of the dialer, which repeat the socket's name.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
