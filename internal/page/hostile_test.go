package page

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/page/pagetest"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// shape is the page's elements and the names of their attributes, without texts.
func shape(d doc) string {
	var b strings.Builder
	for n := range d.root.Descendants() {
		if n.Type == html.ElementNode {
			b.WriteString("<" + n.Data)
			for _, a := range n.Attr {
				b.WriteString(" " + a.Key)
			}
			b.WriteString(">")
		}
	}
	return b.String()
}

// reportOf puts a text from outside wherever a report can have one.
func reportOf(text string) agent.Report {
	now := pagetest.Now()
	s := agent.SettingReport{Setting: nic.Queues, Current: 1, Desired: 2, Max: 2, Reason: plan.KernelRefused, Action: plan.Report, Source: plan.API, Drift: true, DriftSince: now, Message: "1, should be 2; " + text + "."}
	name := "n" + text // not empty: an empty one shows other elements
	return agent.Report{
		Time: now, Instance: agent.Instance{ID: name, Region: name, Type: name}, Desired: agent.Origin{Origin: name, Stale: true, FetchedAt: now}, Determined: true,
		NICs:      []agent.NICReport{{Device: name, MAC: name, ENI: name, Type: name, Driver: name, NetNS: name, Settings: []agent.SettingReport{s}}},
		Unmatched: []agent.Unmatched{{ENI: name, MAC: name, Reason: agent.NICMissing}, {ENI: name, MAC: name, Reason: agent.UnmatchedReason(name)}},
		Errors:    []agent.Problem{{Component: agent.Component(name), Message: name, Class: name}},
		Changes:   []agent.Change{{Time: now, Device: name, ENI: name, Setting: nic.Queues, From: 1, To: 2, By: agent.ChangedBy(name)}},
		Sources:   []agent.SourceHealth{{Source: name, Error: name, Class: name}},
		Events:    []agent.SourceHealth{{Source: name, Error: name, Class: name}},
	}
}

// FuzzAHostileReport holds the page to the same elements whatever the texts are, and
// to texts that can be printed.
func FuzzAHostileReport(f *testing.F) {
	plainShape := shape(parse(f, pagetest.State{Known: true, Report: reportOf("ame")}))
	for _, text := range []string{"", "eth0", "<script>alert(1)</script>", "\"'><img src=x onerror=alert(1)>", "</title></style></script>", "javascript:alert(1)",
		"\u202egnp.exe\u2066", "\x00\x1b[31m\u009b", "\xff\xfe\xed\xa0\x80", "\ufeff\u00ad\u200b", "<!--", "]]>", "&lt;&amp;&#x3c;", "`$(reboot)`", "שלום", strings.Repeat("a", 5000)} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := get(t, pagetest.State{Known: true, Report: reportOf(text)})
		body := w.Body.String()
		if !utf8.ValidString(body) {
			t.Error("the page is no UTF-8")
		}
		for _, r := range body {
			if !unicode.IsPrint(r) && r != '\n' && r != ' ' && r != '\u00a0' {
				t.Fatalf("the page has %U", r)
			}
		}
		if len(body) > 80_000 {
			t.Errorf("the page has %d bytes", len(body))
		}
		root, err := html.Parse(strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := shape(doc{root}); got != plainShape {
			t.Errorf("%q changes the page's elements:\n%s\nwant\n%s", text, got, plainShape)
		}
	})
}

func TestTextsFromOutsideAreShownAsTheyAre(t *testing.T) {
	tests := map[string]string{
		"<b>\"x\" & 'y'</b>": "<b>\"x\" & 'y'</b>",
		"a\u202eb\x00c\xffd": "a\ufffdb\ufffdc\ufffdd",
		"שלום eth0 日本":       "שלום eth0 日本",
		"`code`":             "`code`",
	}
	for text, want := range tests {
		r := pagetest.InSync(1)
		r.NICs[0].Device = text
		if got := texts(parse(t, pagetest.State{Known: true, Report: r}).all(classed("device"))); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

func TestALongTextIsCutOff(t *testing.T) {
	if got := name(strings.Repeat("é", maxName)); strings.Contains(got, "…") || utf8.RuneCountInString(got) != maxName {
		t.Errorf("a name of %d characters is cut off: %q", maxName, got)
	}
	if got := name(strings.Repeat("x", maxName+1)); got != strings.Repeat("x", maxName)+"…" {
		t.Errorf("got %q", got)
	}
}

func TestATimeIsSaidAsAPersonWould(t *testing.T) {
	now := pagetest.Now()
	for span, want := range map[time.Duration]string{
		-time.Hour: "just now", 0: "just now", 59 * time.Second: "59\u00a0s ago", time.Minute: "1\u00a0min ago", 59*time.Minute + 59*time.Second: "59\u00a0min ago",
		time.Hour: "1\u00a0h ago", 47 * time.Hour: "47\u00a0h ago", 48 * time.Hour: "2\u00a0days ago", 9000 * time.Hour: "375\u00a0days ago",
	} {
		if got := at(now.Add(-span), now).ago; got != want {
			t.Errorf("%s ago is %q, want %q", span, got, want)
		}
	}
	if got := at(time.Time{}, now); got != (moment{}) {
		t.Errorf("no time is %+v", got)
	}
}

func TestASentenceBeginsLikeOneUnlessWithAName(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "the NIC offers 4": "The NIC offers 4.", "eth1: no": "eth1: no.", "reconcile.mode is observe": "reconcile.mode is observe.", "ecs: denied": "ecs: denied.",
		"2, should be 4": "2, should be 4.", "Done!": "Done!", "cut off…": "Cut off…", "é": "é.",
	} {
		if got := sentence(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}

func BenchmarkPage(b *testing.B) {
	for _, nics := range []int{1, 16} {
		r := pagetest.AllDrift(nics)
		h := New(func() (agent.Report, bool) { return r, true }, Options{Clock: pagetest.Now})
		request := httptest.NewRequest(http.MethodGet, "/", nil)
		b.Run(map[int]string{1: "1 NIC", 16: "16 NICs"}[nics], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				h.ServeHTTP(discard{http.Header{}}, request)
			}
		})
	}
}

type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}
