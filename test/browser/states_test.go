//go:build observe

// Package browser looks at the daemon's page with a real browser.
package browser

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/page"
	"github.com/enitune/enitune/internal/page/pagetest"
)

// serve offers a page for each state, below a path of its own as behind a reverse
// proxy, which no open page renews by itself.
func serve(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	for i, s := range pagetest.States() {
		mux.Handle(fmt.Sprintf("/%d/{$}", i), handler(s, time.Hour))
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func handler(s pagetest.State, every time.Duration) http.Handler {
	return page.New(func() (agent.Report, bool) { return s.Report, s.Known }, page.Options{Version: "1.2.3", Every: every, Clock: pagetest.Now})
}

// outside lists elements that stick out of the window, so that text is cut off or
// the page scrolls sideways.
const outside = `(() => {
	const wide = [...document.querySelectorAll("body *")].filter((e) => {
		const r = e.getBoundingClientRect();
		return r.width > 1 && (r.right > innerWidth + 1 || r.left < -1);
	}).map((e) => e.tagName + "." + e.className + " " + e.textContent.slice(0, 40));
	const page = document.scrollingElement;
	if (page.scrollWidth > innerWidth) wide.push("the page: " + page.scrollWidth + " > " + innerWidth);
	return wide.slice(0, 5);
})()`

// faint lists texts whose colour is too close to what is behind them: WCAG 2.1 asks
// for a contrast of 4.5.
const faint = `(() => {
	const rgb = (c) => { const v = c.match(/[\d.]+/g).map(Number); return v.length < 4 ? [...v, 1] : v; };
	const light = ([r, g, b]) => [r, g, b].map((v) => v / 255).map((v) => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4)
		.reduce((sum, v, i) => sum + v * [.2126, .7152, .0722][i], 0);
	const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 1) return c; if (c[3] !== 0) throw new Error("see-through"); } return [255, 255, 255]; };
	const bad = new Set();
	const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	let seen = 0;
	while (walk.nextNode()) {
		const e = walk.currentNode.parentElement;
		if (!walk.currentNode.nodeValue.trim() || !e.getClientRects().length) continue;
		seen++;
		const [a, b] = [light(rgb(getComputedStyle(e).color)), light(behind(e))].sort((x, y) => y - x);
		const ratio = (a + .05) / (b + .05);
		if (ratio < 4.5) bad.add(ratio.toFixed(2) + " " + e.tagName + "." + e.className + ": " + walk.currentNode.nodeValue.trim().slice(0, 40));
	}
	if (seen < 10) bad.add("only " + seen + " texts were looked at");
	return [...bad];
})()`

func TestEveryStateIsShownWellInEverySizeAndColour(t *testing.T) {
	base := serve(t)
	b := open(t, look{width: 1280})
	grounds := map[string]bool{}
	for i, s := range pagetest.States() {
		b.show(look{width: 1280})
		b.visit(fmt.Sprintf("%s/%d/", base, i))
		ok := t.Run(s.Name, func(t *testing.T) {
			if head := eval[string](b, "document.querySelector('h1').innerText"); head == "" {
				t.Error("there is no headline")
			}
			if display := eval[string](b, "getComputedStyle(document.querySelector('.verdict')).display"); display != "flex" {
				t.Errorf("the style does not apply: display is %q", display)
			}
			for _, dark := range []bool{false, true} {
				b.show(look{width: 1280, dark: dark})
				grounds[eval[string](b, "getComputedStyle(document.body).backgroundColor")] = true
				for _, e := range eval[[]string](b, faint) {
					t.Errorf("dark %t: too little contrast: %s", dark, e)
				}
			}
			for _, width := range []int{1280, 1024, 768, 600, 360, 320} {
				b.show(look{width: width})
				for _, e := range eval[[]string](b, outside) {
					t.Errorf("%d px wide: sticks out: %s", width, e)
				}
			}
			b.quiet(t, base)
		})
		if !ok {
			break // the others most often show the same
		}
	}
	if len(grounds) != 2 {
		t.Errorf("light and dark have the grounds %v, want two", grounds)
	}
}

func TestTextFromOutsideStaysText(t *testing.T) {
	server := httptest.NewServer(handler(pagetest.State{Known: true, Report: pagetest.Hostile()}, 20*time.Millisecond))
	t.Cleanup(server.Close)
	b := open(t, look{width: 1280})
	b.visit(server.URL)
	// The page has also been renewed by its own script.
	before := eval[float64](b, "performance.getEntriesByType('resource').length")
	b.await(fmt.Sprintf("performance.getEntriesByType('resource').length > %v + 1", before))
	if n := eval[int](b, "document.querySelectorAll('script, img, iframe, svg, object').length"); n != 1 {
		t.Errorf("%d elements that run or load something, want the one script", n)
	}
	if title := eval[string](b, "document.title"); strings.HasPrefix(title, "owned") || !strings.HasSuffix(title, "· enitune") {
		t.Errorf("the title is %q", title)
	}
	if text := eval[string](b, "document.body.innerText"); !strings.Contains(text, "<img src=x onerror=alert(1)>\ufffdgnp.exe") {
		t.Errorf("the text from outside is not shown as it is:\n%s", text)
	}
	b.quiet(t, server.URL)
}

// TestThePicture makes the picture of the README; UPDATE=1 keeps it. With SHOTS=DIR
// it also puts every state there in several sizes, to be looked at.
func TestThePicture(t *testing.T) {
	base := serve(t)
	b := open(t, look{width: 1280})
	if dir := os.Getenv("SHOTS"); dir != "" {
		shoot(b, base, dir)
	}
	for i, s := range pagetest.States() {
		if s.Name != "example" {
			continue
		}
		b.show(look{width: 1280})
		b.visit(fmt.Sprintf("%s/%d/", base, i))
		b.show(look{width: 1280, height: eval[int](b, "document.documentElement.scrollHeight")})
		data := smaller(t, b.picture(true))
		got, err := png.DecodeConfig(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		if got.Width != 1280 || got.Height < 600 || len(data) > 200_000 {
			t.Errorf("%d x %d pixels, %d bytes", got.Width, got.Height, len(data))
		}
		if os.Getenv("UPDATE") == "1" {
			must(t, os.MkdirAll("../../docs/images", 0o755))
			must(t, os.WriteFile("../../docs/images/page.png", data, 0o644))
		}
		return
	}
	t.Fatal("there is no state example")
}

func shoot(b *tab, base, dir string) {
	for i, s := range pagetest.States() {
		b.visit(fmt.Sprintf("%s/%d/", base, i))
		for _, l := range []look{{width: 1280}, {width: 1280, dark: true}, {width: 768}, {width: 360}, {width: 360, dark: true}} {
			b.show(l)
			l.height = min(eval[int](b, "document.documentElement.scrollHeight"), 3000)
			b.show(l)
			name := fmt.Sprintf("%s-%d.png", strings.ReplaceAll(s.Name, " ", "-"), l.width)
			if l.dark {
				name = strings.TrimSuffix(name, ".png") + "-dark.png"
			}
			must(b.t, os.WriteFile(filepath.Join(dir, name), b.picture(false), 0o644))
		}
	}
}
