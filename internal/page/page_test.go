package page

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/page/pagetest"
)

// get asks for the page of a state.
func get(t testing.TB, s pagetest.State) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	New(func() (agent.Report, bool) { return s.Report, s.Known }, Options{Version: "1.2.3", Clock: pagetest.Now}).
		ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusOK {
		t.Fatalf("%s: got %d: %s", s.Name, w.Code, w.Body)
	}
	return w
}

// document is the parsed page of a state.
type doc struct{ root *html.Node }

func parse(t testing.TB, s pagetest.State) doc {
	t.Helper()
	root, err := html.Parse(get(t, s).Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc{root}
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}

// all lists the elements for which a condition holds, in their order.
func (d doc) all(condition func(*html.Node) bool) []*html.Node {
	var list []*html.Node
	for n := range d.root.Descendants() {
		if n.Type == html.ElementNode && condition(n) {
			list = append(list, n)
		}
	}
	return list
}

func named(name string) func(*html.Node) bool {
	return func(n *html.Node) bool { return n.Data == name }
}

func classed(class string) func(*html.Node) bool {
	return func(n *html.Node) bool {
		for _, c := range strings.Fields(attribute(n, "class")) {
			if c == class {
				return true
			}
		}
		return false
	}
}

// text is what an element shows, with single spaces.
func text(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
		if c.Type == html.ElementNode && c.Data != "span" && c.Data != "b" && c.Data != "code" && c.Data != "bdi" && c.Data != "a" && c.Data != "time" {
			b.WriteString(" ")
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func texts(list []*html.Node) string {
	var all []string
	for _, n := range list {
		all = append(all, text(n))
	}
	return strings.Join(all, "\n")
}

// state finds one of the states.
func state(t testing.TB, name string) pagetest.State {
	t.Helper()
	for _, s := range pagetest.States() {
		if s.Name == name {
			return s
		}
	}
	t.Fatalf("there is no state %q", name)
	return pagetest.State{}
}

func TestEachStateShowsWhatItMust(t *testing.T) {
	tests := map[string]struct {
		head, tone string
		main       []string // parts of what the page shows
	}{
		"no report":  {"No report yet", "note", []string{"for the first time"}},
		"in sync":    {"2 ENIs in sync", "good", []string{"Every setting is as it is wanted", "Report of 2026-03-14 09:26:49 UTC, 4 s ago", "None since the daemon started", "Desired state: ECS API", "read 2026-03-14 08:03:53 UTC, 1 h ago", "eth1 eni-bp1f8wdg9q3t6p1mke01 Secondary · virtio_net · 00:16:3e:1a:2b:01"}},
		"no NICs":    {"No NICs", "note", []string{"no network device that enitune could tune"}},
		"stale":      {"2 ENIs in sync, 1 problem", "warn", []string{"The desired state is stale", "Last read at 2026-03-13 02:26:53 UTC, 31 h ago", "enitune refresh", "Desired state: cache of this machine ! stale"}},
		"old report": {"2 ENIs in sync, 1 problem", "warn", []string{"The report is old", "Last look at 2026-03-14 07:26:53 UTC, 2 h ago", "Runbook EnituneReportOld"}},
		"API down":   {"2 ENIs in sync, 2 problems", "warn", []string{"The ECS API cannot be reached", "no such host", "ECS API ✕ fails"}},
		"API denied": {"2 ENIs in sync, 2 problems", "warn", []string{"A RAM permission is missing", "Forbidden.RAM", "75EB53E5-0650-B75C-75A3-C0A80F6C37C7",
			"docs/ram-policies/read-only-agent.json", "Runbook EnituneAPIDenied"}},
		"API denied and nothing known": {"Not determined", "bad", []string{"Runbook EnituneAPIDenied", "no desired value"}},
		"metadata down":                {"Not determined", "bad", []string{"The metadata service does not answer", "no answer from http://100.100.100.200", "Runbook EnituneUndetermined"}},
		"kernel fails":                 {"Not determined", "bad", []string{"list NICs: operation not permitted"}},
		"config refused": {"2 ENIs in sync, 1 problem", "warn", []string{"The configuration file is refused", "/etc/enitune/config.yaml:12:3: nics[0].queue: unknown key; did you mean queues?",
			"/etc/enitune/config.yaml:19:9", "An older configuration is in force", "Runbook EnituneConfigRefused"}},
		"a tag that cannot be used": {"2 ENIs in sync, 1 problem", "warn", []string{"What the ECS API says cannot be used", "Runbook EnituneAPIInvalid"}},
		"state file unusable":       {"2 ENIs in sync, 1 problem", "warn", []string{"Runbook EnituneStateFault", "The cached desired state is not usable", "of another instance"}},
		"duplicate addresses":       {"Not determined", "bad", []string{"An address is not of one NIC and one ENI only", "eth0 and eth1 have the same address", "✕ duplicate mac"}},
		"no ENI":                    {"1 ENI in sync", "good", []string{"No setting drifts", "no ENI", "· eni unknown"}},
		"not all settings":          {"2 ENIs in sync", "good", []string{"No setting drifts", "· unsupported", "· no desired value", "· excluded"}},
		"unreadable":                {"Not determined", "bad", []string{"The kernel does not tell all of the NICs", "input/output error", "✕ unreadable"}},
		"ENIs without a NIC": {"2 ENIs in sync, 1 problem", "warn", []string{"An ENI has no NIC in this guest", "00:16:3e:00:00:0a", "Runbook EnituneNICMissing",
			"eni-bp1attaching0000000002 00:16:3e:00:00:0b being attached or detached", "eni-bp1member0000000000003 – a VLAN on a trunk ENI's NIC"}},
		"old kernel":        {"2 ENIs in sync", "good", []string{"ethtool events · not in this kernel"}},
		"event source down": {"2 ENIs in sync, 1 problem", "warn", []string{"No ethtool events arrive from the kernel", "receive: connection reset", "Runbook EnituneEventSourceDown", "ethtool events ! down"}},
		"only rules":        {"2 NICs in sync with the rules in nics:", "good", []string{"Desired state: rules in nics: only"}},
		"changes":           {"2 ENIs in sync", "good", []string{"6 min ago 2026-03-14 09:20:53 UTC eth1 queues 8 → 2 another program", "eth1 queues 2 → 8 enitune"}},
		"64 NICs drift":     {"Drift: 192 settings are not as wanted", "bad", []string{"On 64 of 64 NICs", "and 186 more", "eth63 tx ring 512 instead of 1024"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := parse(t, state(t, name))
			if head := texts(d.all(named("h1"))); head != tt.head {
				t.Errorf("the headline is %q, want %q", head, tt.head)
			}
			if title := texts(d.all(named("title"))); !strings.HasPrefix(title, tt.head+" · ") {
				t.Errorf("the title is %q", title)
			}
			if len(d.all(func(n *html.Node) bool { return classed("verdict")(n) && classed(tt.tone)(n) })) != 1 {
				t.Errorf("the verdict is not of the tone %s", tt.tone)
			}
			shown := text(d.all(named("main"))[0])
			for _, part := range tt.main {
				if !strings.Contains(shown, part) {
					t.Errorf("%q is not shown; shown is:\n%s", part, shown)
				}
			}
		})
	}
}

func TestThePageNamesTheInstanceAndItself(t *testing.T) {
	d := parse(t, state(t, "in sync"))
	if got := texts(d.all(named("header"))); !strings.Contains(got, "i-bp15spo63nptrmq5lsc7 ecs.g8i.2xlarge cn-hangzhou") {
		t.Errorf("the header is %q", got)
	}
	if got := texts(d.all(named("footer"))); !strings.Contains(got, "enitune 1.2.3") {
		t.Errorf("the footer is %q", got)
	}
	if got := texts(parse(t, state(t, "only rules")).all(named("header"))); !strings.Contains(got, "Instance not known") {
		t.Errorf("without an id the header is %q", got)
	}
}

func TestEachDriftIsShownWithItsNumbersReasonRemedyAndRunbook(t *testing.T) {
	for _, c := range pagetest.Drifts() {
		t.Run(c.Name, func(t *testing.T) {
			s := state(t, "drift "+c.Name)
			d := parse(t, s)
			setting := s.Report.NICs[1].Settings[0]
			found := d.all(classed("finding"))
			if len(found) != 1 {
				t.Fatalf("%d findings, want 1", len(found))
			}
			shown := text(found[0])
			parts := []string{
				"Drift: " + strings.ReplaceAll(setting.Reason.String(), "_", " "),
				fmt.Sprintf("eth1 queues %d instead of %d", setting.Current, setting.Desired),
				"since 2026-03-14 09:12:53 UTC, 14 min ago", "What to do: ", "Runbook " + c.Runbook,
			}
			said, numbers := strings.CutPrefix(setting.Message, fmt.Sprintf("%d, should be %d; ", setting.Current, setting.Desired))
			if numbers || !strings.HasPrefix(setting.Message, fmt.Sprintf("%d, should be", setting.Current)) {
				parts = append(parts, sentence(said)) // else it is numbers only
			}
			for _, part := range parts {
				if !strings.Contains(shown, part) {
					t.Errorf("%q is not shown; shown is: %s", part, shown)
				}
			}
			row := texts(d.all(func(n *html.Node) bool { return n.Data == "tr" && classed("bad")(n) }))
			if !strings.Contains(row, "✕ "+strings.ReplaceAll(setting.Reason.String(), "_", " ")) || !strings.Contains(row, "for 14 min") {
				t.Errorf("the row of the table is %q", row)
			}
			if head := texts(d.all(named("h1"))); head != "Drift: 1 setting is not as wanted" {
				t.Errorf("the headline is %q", head)
			}
		})
	}
}

func TestTheWorstComesFirst(t *testing.T) {
	var tones []string
	for _, n := range parse(t, state(t, "long names")).all(classed("finding")) {
		tones = append(tones, strings.TrimPrefix(attribute(n, "class"), "finding "))
	}
	if got := strings.Join(tones, " "); got != "bad warn warn warn warn" {
		t.Errorf("the findings are in the order %s", got)
	}
}

func TestSettingsThatDriftAlikeAreOneFinding(t *testing.T) {
	d := parse(t, state(t, "example"))
	if n := len(d.all(classed("finding"))); n != 2 {
		t.Errorf("two reasons make %d findings", n)
	}
	d = parse(t, pagetest.State{Name: "many", Known: true, Report: pagetest.AllDrift(16)})
	if n := len(d.all(classed("finding"))); n != 1 {
		t.Errorf("one reason makes %d findings", n)
	}
}

func TestALinkLeavesThePageOnlyForTheDocumentation(t *testing.T) {
	for _, s := range pagetest.States() {
		for _, n := range parse(t, s).all(func(*html.Node) bool { return true }) {
			for _, a := range n.Attr {
				switch a.Key {
				case "src", "action", "style", "srcset", "data", "background", "poster":
					t.Errorf("%s: %s of %s: nothing is to be loaded", s.Name, a.Key, n.Data)
				case "href":
					own := a.Val == "metrics" || a.Val == "status" || a.Val == "healthz" || a.Val == "readyz"
					if !own && !strings.HasPrefix(a.Val, "https://github.com/enitune/enitune") && (n.Data != "link" || !strings.HasPrefix(a.Val, "data:image/svg+xml,")) {
						t.Errorf("%s: a link to %s", s.Name, a.Val)
					}
				}
				if strings.HasPrefix(a.Key, "on") {
					t.Errorf("%s: %s has the handler %s", s.Name, n.Data, a.Key)
				}
			}
		}
	}
}

func TestEachRunbookThatIsLinkedExists(t *testing.T) {
	links := map[string]bool{}
	for _, s := range pagetest.States() {
		for _, n := range parse(t, s).all(classed("runbook")) {
			links[strings.TrimPrefix(attribute(n, "href"), runbooks)] = true
		}
	}
	if len(links) < 9 {
		t.Errorf("only %d runbooks are linked: %v", len(links), links)
	}
	for file := range links {
		if _, err := os.Stat(filepath.Join("../../docs/runbooks", file)); err != nil {
			t.Error(err)
		}
	}
}

func TestThePolicyAllowsTheOwnStyleAndScriptOnly(t *testing.T) {
	w := get(t, state(t, "example"))
	policy := w.Header().Get("Content-Security-Policy")
	for _, part := range []string{"default-src 'none'; ", "connect-src 'self'; ", "img-src data:; ", "base-uri 'none'; ", "form-action 'none'; ", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, part) {
			t.Errorf("%q is missing in %s", part, policy)
		}
	}
	if strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
	root, err := html.Parse(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"style", "script"} {
		list := doc{root}.all(named(kind))
		if len(list) != 1 || list[0].FirstChild == nil {
			t.Fatalf("%d elements %s, want 1 with content", len(list), kind)
		}
		if want := kind + "-src 'sha256-" + hash(list[0].FirstChild.Data) + "'; "; !strings.Contains(policy, want) {
			t.Errorf("%q is missing in %s", want, policy)
		}
	}
}

func TestTheStyleAndTheScriptLoadNothing(t *testing.T) {
	for name, content := range map[string]string{"style": style, "script": script} {
		if found := regexp.MustCompile(`(?i)url\(|@import|https?:|</|eval\(|innerHTML`).FindString(content); found != "" {
			t.Errorf("the %s has %q", name, found)
		}
	}
}

func TestWithoutJavaScriptThePageIsRenewedBySeconds(t *testing.T) {
	for every, want := range map[time.Duration]string{0: "5", time.Millisecond: "1", 1500 * time.Millisecond: "2", time.Minute: "60"} {
		w := httptest.NewRecorder()
		New(func() (agent.Report, bool) { return agent.Report{}, false }, Options{Every: every}).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
		if tag := `<noscript><meta http-equiv="refresh" content="` + want + `"></noscript>`; !strings.Contains(w.Body.String(), tag) {
			t.Errorf("every %s: %s is missing", every, tag)
		}
	}
}

func TestTablesAreTablesForAScreenReader(t *testing.T) {
	for _, s := range pagetest.States() {
		d := parse(t, s)
		for _, h := range d.all(named("th")) {
			if attribute(h, "scope") == "" {
				t.Errorf("%s: the header %q has no scope", s.Name, text(h))
			}
		}
		for _, table := range d.all(named("table")) {
			id := attribute(table, "aria-labelledby")
			if len(d.all(func(n *html.Node) bool { return attribute(n, "id") == id })) != 1 {
				t.Errorf("%s: a table is named by %q, which is not there once", s.Name, id)
			}
		}
		if n := len(d.all(named("h1"))); n != 1 {
			t.Errorf("%s: %d elements h1", s.Name, n)
		}
		if lang := attribute(d.all(named("html"))[0], "lang"); lang != "en" {
			t.Errorf("%s: the language is %q", s.Name, lang)
		}
		if n := len(d.all(func(n *html.Node) bool { return attribute(n, "aria-live") == "polite" })); n != 1 {
			t.Errorf("%s: %d parts are read out when they change, want the headline", s.Name, n)
		}
	}
}

func TestThePageOfManyNICsIsSmall(t *testing.T) {
	for nics, most := range map[int]int{1: 25_000, 16: 80_000, 64: 260_000} {
		size := get(t, pagetest.State{Known: true, Report: pagetest.AllDrift(nics)}).Body.Len()
		t.Logf("%d NICs, all adrift: %d bytes", nics, size)
		if size > most {
			t.Errorf("%d NICs: %d bytes, want at most %d", nics, size, most)
		}
	}
}
