//go:build observe

package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/page"
	"github.com/enitune/enitune/internal/page/pagetest"
)

// often is how often the pages of these tests renew themselves.
const often = 50 * time.Millisecond

// daemon is a page whose report changes.
type daemon struct {
	mu     sync.Mutex
	report agent.Report
	every  time.Duration
	asked  atomic.Int64
}

func (d *daemon) set(r agent.Report) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.report = r
}

func (d *daemon) handler(version string) http.Handler {
	p := page.New(func() (agent.Report, bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return d.report, true
	}, page.Options{Version: version, Every: d.every, Clock: pagetest.Now})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.asked.Add(1)
		p.ServeHTTP(w, r)
	})
}

func serveDaemon(t *testing.T, r agent.Report, every time.Duration) (*daemon, string) {
	t.Helper()
	d := &daemon{report: r, every: every}
	server := httptest.NewServer(d.handler("1.2.3"))
	t.Cleanup(server.Close)
	return d, server.URL + "/"
}

// renewed waits until the page has taken over an answer to a request that it makes
// from now on.
func (d *daemon) renewed(b *tab) {
	b.t.Helper()
	before := d.asked.Load()
	await(b.t, "the page to ask three times", func() bool { return d.asked.Load() >= before+3 })
}

const headIs = `document.querySelector("h1").textContent === %q`

func TestThePageFollowsTheReportWithoutALoad(t *testing.T) {
	d, url := serveDaemon(t, pagetest.Example(), often)
	b := open(t, look{width: 1280})
	b.visit(url)
	b.await(fmt.Sprintf(headIs, "Drift: 2 settings are not as wanted"))
	if icon := eval[string](b, `document.getElementById("icon").getAttribute("href")`); !strings.Contains(icon, "c4320a") {
		t.Errorf("the icon of a drift is %s", icon)
	}
	eval[bool](b, "window.same = true")
	d.set(pagetest.Changed())
	b.await(fmt.Sprintf(headIs, "3 ENIs in sync"))
	b.await(`document.title.startsWith("3 ENIs in sync")`)
	if n := eval[int](b, `document.querySelectorAll(".finding").length`); n != 0 {
		t.Errorf("%d findings are left", n)
	}
	if icon := eval[string](b, `document.getElementById("icon").getAttribute("href")`); !strings.Contains(icon, "1a7f47") {
		t.Errorf("the icon of no drift is %s", icon)
	}
	d.set(pagetest.AllDrift(4))
	b.await(fmt.Sprintf(headIs, "Drift: 12 settings are not as wanted"))
	if n := eval[int](b, `document.querySelectorAll(".nics tbody").length`); n != 4 {
		t.Errorf("%d NICs are shown, want 4", n)
	}
	if !eval[bool](b, "window.same === true") {
		t.Error("the page was loaded anew")
	}
	b.quiet(t, url)
}

// A renewed page must be the same as one that is loaded.
func TestARenewedPageIsTheSameAsALoadedOne(t *testing.T) {
	states := pagetest.States()
	d, url := serveDaemon(t, states[1].Report, often)
	b := open(t, look{width: 1280})
	b.visit(url)
	for _, s := range states {
		if !s.Known {
			continue
		}
		d.set(s.Report)
		same := `fetch(location.href).then((r) => r.text()).then((t) =>
			new DOMParser().parseFromString(t, "text/html").getElementById("page").outerHTML === document.getElementById("page").outerHTML)`
		b.await(same)
	}
	b.quiet(t, url)
}

func TestAReaderLosesNeitherPlaceNorSelectionNorFocus(t *testing.T) {
	d, url := serveDaemon(t, pagetest.AllDrift(64), often)
	b := open(t, look{width: 1280, height: 800})
	b.visit(url)
	eval[bool](b, `(() => {
		document.querySelector("details").open = true;
		document.querySelectorAll(".runbook")[0].focus({preventScroll: true});
		window.device = [...document.querySelectorAll(".device")].find((e) => e.textContent === "eth40");
		device.scrollIntoView({block: "center"});
		getSelection().selectAllChildren(device);
		window.place = device.getBoundingClientRect().top;
		return true;
	})()`)
	r := pagetest.AllDrift(64)
	r.Errors = []agent.Problem{{Component: agent.ComponentAPI, Class: "denied", Message: "a new problem, above all that is looked at"}}
	r.NICs = r.NICs[1:]
	d.set(r)
	b.await(`document.querySelector(".findings").textContent.includes("above all that is looked at")`)
	b.await(`Math.abs(device.getBoundingClientRect().top - place) < 2`)
	d.renewed(b)
	for what, condition := range map[string]string{
		"place":     `device.isConnected && Math.abs(device.getBoundingClientRect().top - place) < 2 && scrollY > 1000`,
		"selection": `getSelection().toString() === "eth40"`,
		"focus":     `document.activeElement.matches(".runbook") && document.activeElement.textContent.includes("EnituneRestartNeeded")`,
		"unfolded":  `document.querySelector("details").open`,
	} {
		if !eval[bool](b, condition) {
			t.Errorf("lost: %s", what)
		}
	}
}

func TestADaemonThatIsGoneIsToldAndItsReturnToo(t *testing.T) {
	d := &daemon{report: pagetest.Example(), every: often}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	address := listener.Addr().String()
	start := func(l net.Listener) *httptest.Server {
		s := &httptest.Server{Listener: l, Config: &http.Server{Handler: d.handler("1.2.3"), ReadHeaderTimeout: time.Minute}}
		s.Start()
		return s
	}
	server := start(listener)
	b := open(t, look{width: 1280})
	b.visit("http://" + address + "/")
	if eval[bool](b, `document.getElementById("lost").checkVisibility()`) {
		t.Fatal("the page says that the daemon is gone while it answers")
	}
	server.Close()
	b.await(`document.getElementById("lost").checkVisibility()`)
	text := eval[string](b, `document.getElementById("lost").textContent`)
	if !strings.HasPrefix(text, "The daemon does not answer (no connection). Below is what it said last, at 2026-03-14 09:26:49 UTC.") {
		t.Errorf("the page says: %s", text)
	}
	b.await(`document.title.startsWith("? Drift")`)
	d.set(pagetest.Changed())
	again, err := net.Listen("tcp", address)
	must(t, err)
	server = start(again)
	defer server.Close()
	b.await(`!document.getElementById("lost").checkVisibility()`)
	b.await(fmt.Sprintf(headIs, "3 ENIs in sync"))
	b.await(`document.title.startsWith("3 ENIs in sync")`)
}

func TestAnErrorOrAnotherPageInPlaceOfTheDaemonIsTold(t *testing.T) {
	d := &daemon{report: pagetest.Example(), every: often}
	var other atomic.Pointer[string]
	real := d.handler("1.2.3")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch o := other.Load(); {
		case o == nil:
			real.ServeHTTP(w, r)
		case *o == "":
			http.Error(w, "no", http.StatusBadGateway)
		default:
			_, _ = w.Write([]byte(*o))
		}
	}))
	t.Cleanup(server.Close)
	b := open(t, look{width: 1280})
	b.visit(server.URL)
	for answer, want := range map[string]string{
		"":                        "it says 502",
		"<html><p>Please log in.": "something else than enitune answers",
	} {
		other.Store(&answer)
		b.await(fmt.Sprintf(`document.getElementById("lost").textContent.includes(%q)`, want))
		other.Store(nil)
		b.await(`document.getElementById("lost").hidden`)
	}
	if head := eval[string](b, `document.querySelector("h1").textContent`); !strings.HasPrefix(head, "Drift") {
		t.Errorf("the page has become %q", head)
	}
}

func TestAnotherVersionOfTheDaemonIsLoadedWhole(t *testing.T) {
	d := &daemon{report: pagetest.Example(), every: often}
	var h atomic.Value
	h.Store(d.handler("1.2.3"))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.Load().(http.Handler).ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	b := open(t, look{width: 1280})
	b.visit(server.URL)
	eval[bool](b, "window.same = true")
	h.Store(d.handler("1.3.0"))
	b.await(`document.readyState === "complete" && document.querySelector("footer").textContent.includes("1.3.0") && !window.same`)
}

// timers counts those that wait to renew the page, by its own time of an hour.
const timers = `
	window.waiting = new Set();
	const set = setTimeout, clear = clearTimeout;
	window.setTimeout = (f, ms) => { const id = set(() => { waiting.delete(id); f(); }, ms); if (ms === 3600000) waiting.add(id); return id; };
	window.clearTimeout = (id) => { waiting.delete(id); clear(id); };
	window.turn = (hidden) => {
		Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
		document.dispatchEvent(new Event("visibilitychange"));
	};`

func TestAHiddenPageAsksNothingAndAsksAtOnceWhenItIsSeen(t *testing.T) {
	d, url := serveDaemon(t, pagetest.Example(), time.Hour)
	b := open(t, look{width: 1280, before: timers})
	b.visit(url)
	b.await("waiting.size === 1")
	d.set(pagetest.Changed())
	if n := eval[int](b, "turn(true), waiting.size"); n != 0 {
		t.Errorf("hidden, %d renewals are planned", n)
	}
	if asked := d.asked.Load(); asked != 1 {
		t.Errorf("hidden, the daemon was asked %d times, want once", asked)
	}
	eval[any](b, "turn(false)")
	b.await(fmt.Sprintf(headIs, "3 ENIs in sync"))
	b.await("waiting.size === 1")
	if asked := d.asked.Load(); asked != 2 {
		t.Errorf("seen again, the daemon was asked %d times in all, want twice", asked)
	}
}

func TestWithoutJavaScriptTheBrowserLoadsThePageAgain(t *testing.T) {
	d, url := serveDaemon(t, pagetest.Example(), often) // rounded up to a second
	b := open(t, look{width: 1280, noScript: true})
	b.visit(url)
	b.await(fmt.Sprintf(headIs, "Drift: 2 settings are not as wanted"))
	d.set(pagetest.Changed())
	b.await(fmt.Sprintf(headIs, "3 ENIs in sync"))
	await(t, "a load of the page, which alone can have renewed it", func() bool { return b.loaded() >= 2 })
	// That the script does not run is no concern of the console's.
	b.c.mu.Lock()
	defer b.c.mu.Unlock()
	for _, n := range b.noise {
		if !strings.Contains(n, "Blocked script execution") {
			t.Errorf("the console says: %s", n)
		}
	}
}

func TestAPrintedPageHasNoLinksToPress(t *testing.T) {
	_, url := serveDaemon(t, pagetest.Example(), time.Hour)
	b := open(t, look{width: 800})
	b.visit(url)
	b.call("Emulation.setEmulatedMedia", map[string]any{"media": "print"}, nil)
	if eval[bool](b, `document.querySelector("nav").checkVisibility()`) {
		t.Error("the list of endpoints is printed")
	}
	if ground := eval[string](b, "getComputedStyle(document.body).backgroundColor"); ground != "rgb(255, 255, 255)" {
		t.Errorf("the ground is printed in %s", ground)
	}
}
