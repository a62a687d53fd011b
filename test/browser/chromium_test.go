//go:build observe

package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"
)

// deadline is how long anything may take that takes milliseconds on a machine with
// nothing else to do.
const deadline = 30 * time.Second

// chromium is a browser without a window, driven over a pipe with the DevTools
// protocol: JSON messages with a NUL behind each.
type chromium struct {
	command *exec.Cmd
	stderr  bytes.Buffer
	profile string
	in      *os.File // what it reads

	mu      sync.Mutex
	last    int
	waiting map[int]chan envelope
	tabs    map[string]*tab
	dead    chan struct{} // closed when it says no more
}

// envelope is a message in either direction.
type envelope struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// find gives the path of the browser.
func find() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := filepath.Abs(filepath.Join("../../.cache/observe/bin", name)); err == nil {
			if _, err := os.Stat(path); err == nil {
				return path, nil
			}
		}
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("no chromium; test/observe/setup.sh installs it")
}

// launch starts a browser that can reach nothing but this machine.
func launch(path string) (*chromium, error) {
	profile, err := os.MkdirTemp("", "enitune-browser")
	if err != nil {
		return nil, err
	}
	theirIn, in, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	out, theirOut, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c := &chromium{profile: profile, in: in, waiting: map[int]chan envelope{}, tabs: map[string]*tab{}, dead: make(chan struct{})}
	c.command = exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
		"--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
		"--remote-debugging-pipe", "--user-data-dir="+profile, "about:blank")
	c.command.Stderr = &c.stderr
	c.command.ExtraFiles = []*os.File{theirIn, theirOut} // descriptors 3 and 4
	// Its children end with it, and it ends with this process.
	c.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := c.command.Start(); err != nil {
		return nil, err
	}
	theirIn.Close()
	theirOut.Close()
	go c.read(out)
	return c, nil
}

// read hands on what the browser says, until it ends.
func (c *chromium) read(out io.ReadCloser) {
	defer close(c.dead)
	defer out.Close()
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var e envelope
		if json.Unmarshal(line[:len(line)-1], &e) != nil {
			continue
		}
		c.mu.Lock()
		if e.ID != 0 {
			c.waiting[e.ID] <- e // has room for one
			delete(c.waiting, e.ID)
		} else if t := c.tabs[e.Session]; t != nil {
			t.note(e)
		}
		c.mu.Unlock()
	}
}

// call asks for something and waits for the answer.
func (c *chromium) call(session, method string, params, result any) error {
	raw, err := json.Marshal(params)
	if err != nil {
		return err
	}
	answer := make(chan envelope, 1)
	c.mu.Lock()
	c.last++
	message, err := json.Marshal(envelope{ID: c.last, Session: session, Method: method, Params: raw})
	if err == nil {
		c.waiting[c.last] = answer
		_, err = c.in.Write(append(message, 0))
	}
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case e := <-answer:
		if e.Error != nil {
			return fmt.Errorf("%s: %s", method, e.Error.Message)
		}
		if result == nil {
			return nil
		}
		return json.Unmarshal(e.Result, result)
	case <-c.dead:
		return fmt.Errorf("%s: the browser has ended", method)
	case <-time.After(deadline):
		return fmt.Errorf("%s: no answer within %s", method, deadline)
	}
}

// close ends the browser and removes what it kept.
func (c *chromium) close() {
	_ = syscall.Kill(-c.command.Process.Pid, syscall.SIGKILL)
	_ = c.command.Wait()
	<-c.dead
	c.in.Close()
	_ = os.RemoveAll(c.profile)
}

// shared is the browser of all tests; each has tabs of its own.
var shared = sync.OnceValues(func() (*chromium, error) {
	path, err := find()
	if err != nil {
		return nil, err
	}
	return launch(path)
})

func TestMain(m *testing.M) {
	code := m.Run()
	if c, err := shared(); err == nil {
		c.close()
	}
	os.Exit(code)
}

// browser gives the shared browser. Where none is installed the test is skipped,
// and in CI it fails.
func browser(t *testing.T) *chromium {
	t.Helper()
	c, err := shared()
	if err != nil && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c
}
