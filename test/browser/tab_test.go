//go:build observe

package browser

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// tab is a page of the browser with what it told.
type tab struct {
	t       *testing.T
	c       *chromium
	session string

	// Guarded by the browser's lock.
	loads    int
	requests []string // addresses
	noise    []string // errors, warnings, violations of the policy
}

// look is how a tab shows a page.
type look struct {
	width, height int
	scale         float64
	dark          bool
	noScript      bool
	before        string // a script that runs before the page's own
}

// open makes a tab with a context of its own, which ends with the test.
func open(t *testing.T, l look) *tab {
	t.Helper()
	c := browser(t)
	var context struct {
		ID string `json:"browserContextId"`
	}
	must(t, c.call("", "Target.createBrowserContext", struct{}{}, &context))
	t.Cleanup(func() {
		_ = c.call("", "Target.disposeBrowserContext", map[string]any{"browserContextId": context.ID}, nil)
	})
	var target struct {
		ID string `json:"targetId"`
	}
	must(t, c.call("", "Target.createTarget", map[string]any{"url": "about:blank", "browserContextId": context.ID}, &target))
	var session struct {
		ID string `json:"sessionId"`
	}
	must(t, c.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &session))
	b := &tab{t: t, c: c, session: session.ID}
	c.mu.Lock()
	c.tabs[session.ID] = b
	c.mu.Unlock()
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		b.call(domain+".enable", struct{}{}, nil)
	}
	if l.before != "" {
		b.call("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": l.before}, nil)
	}
	b.call("Emulation.setScriptExecutionDisabled", map[string]any{"value": l.noScript}, nil)
	b.show(l)
	return b
}

// show changes the size and the colours.
func (b *tab) show(l look) {
	b.t.Helper()
	scheme := "light"
	if l.dark {
		scheme = "dark"
	}
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": scheme}}}, nil)
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{
		"width": l.width, "height": max(l.height, 600), "deviceScaleFactor": max(l.scale, 1), "mobile": false}, nil)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (b *tab) call(method string, params, result any) {
	b.t.Helper()
	must(b.t, b.c.call(b.session, method, params, result))
}

// note keeps what a tab tells. The browser's lock is held.
func (b *tab) note(e envelope) {
	switch e.Method {
	case "Page.loadEventFired":
		b.loads++
	case "Network.requestWillBeSent":
		var p struct{ Request struct{ URL string } }
		_ = json.Unmarshal(e.Params, &p)
		b.requests = append(b.requests, p.Request.URL)
	case "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled":
		b.noise = append(b.noise, string(e.Params))
	}
}

// visit opens an address and waits until it is loaded.
func (b *tab) visit(url string) {
	b.t.Helper()
	before := b.loaded()
	var r struct{ ErrorText string }
	b.call("Page.navigate", map[string]any{"url": url}, &r)
	if r.ErrorText != "" {
		b.t.Fatalf("%s: %s", url, r.ErrorText)
	}
	await(b.t, "the page to load", func() bool { return b.loaded() > before })
}

func (b *tab) loaded() int {
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	return b.loads
}

// quiet fails the test if the page told of an error, or asked for anything that
// does not start with base.
func (b *tab) quiet(t *testing.T, base string) {
	t.Helper()
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	for _, n := range b.noise {
		t.Errorf("the console says: %s", n)
	}
	for _, r := range b.requests {
		if !strings.HasPrefix(r, base) && !strings.HasPrefix(r, "data:") {
			t.Errorf("a request went to %s", r)
		}
	}
	if !slices.ContainsFunc(b.requests, func(r string) bool { return strings.HasPrefix(r, base) }) {
		t.Errorf("no request went to %s: nothing was looked at", base)
	}
	b.noise, b.requests = nil, nil
}

// eval gives the value of an expression in the page, as T.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := try[T](b, expression)
	must(b.t, err)
	return v
}

func try[T any](b *tab, expression string) (T, error) {
	var r struct {
		Result           struct{ Value T }
		ExceptionDetails *struct {
			Text      string
			Exception struct{ Description string }
		}
	}
	err := b.c.call(b.session, "Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if err == nil && r.ExceptionDetails != nil {
		err = fmt.Errorf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	return r.Result.Value, err
}

// await waits until an expression is true. While the page is loaded anew it can't
// be asked, which is no fault.
func (b *tab) await(expression string) {
	b.t.Helper()
	var last error
	ok := poll(func() bool {
		yes, err := try[bool](b, expression)
		last = err
		return err == nil && yes
	})
	if !ok {
		text, _ := try[string](b, "document.body.innerText.slice(0, 1000)")
		b.t.Fatalf("%s has not become true (%v); the page says:\n%s", expression, last, text)
	}
}

func await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	if !poll(condition) {
		t.Fatalf("waited %s for %s", deadline, what)
	}
}

// poll asks until the answer is yes or the deadline has passed.
func poll(condition func() bool) bool {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(deadline); time.Now().Before(end); <-tick.C {
		if condition() {
			return true
		}
	}
	return condition()
}

// picture is what the page looks like, a PNG; of the whole page, or of as much as
// the window shows.
func (b *tab) picture(whole bool) []byte {
	b.t.Helper()
	var r struct{ Data []byte }
	b.call("Page.captureScreenshot", map[string]any{"format": "png", "captureBeyondViewport": whole}, &r)
	return r.Data
}
