//go:build netns

package security

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/net/html"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/netns"
	"github.com/enitune/enitune/test/world"
)

const mac2 = "00:16:3e:00:00:02"

// hostileNames are names that the kernel lets a device have: any 15 bytes but white
// space, slashes and colons.
func hostileNames() []string {
	return []string{"\x1b[31m\x1b]0;x\a", `a"}1{b="`, "<img/onerror=x>"[:4] + "b>&'\"", "\xff\xfe\u202e\u009b2J", `\n\",a=b`, "$(id);`id`"}
}

// TestNICNamesSteerNothing: device names are the choice of who may make devices, as
// root of a container that is given one. Each output says them and obeys none.
func TestNICNamesSteerNothing(t *testing.T) {
	for _, name := range hostileNames() {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			h := newHost(t)
			netns.Veth(t, netns.VethPair{Name: name, Peer: "peer", Queues: 8, Channels: 1, MAC: mac2})
			h.cloud.PutENI(world.ENI("eni-2", mac2, 4))
			h.checkOutputs(name)
		})
	}
}

// TestENINamesAndTagsSteerNothing: who may tag an ENI or name it in the cloud writes
// nothing to a NIC but a ring size that the API would take, and nothing to a
// terminal, a log or the page but text.
func TestENINamesAndTagsSteerNothing(t *testing.T) {
	const evil = "8192\n\x1b[31m\u202e<script>alert(1)</script>\"}"
	h := newHost(t)
	h.must(h.cloud.UpdateENI("eni-1", func(e *ecssim.ENI) {
		e.Tags = map[string]string{"enitune:rx-queue-size": evil, "enitune:tx-queue-size": "99999999999999999999", evil: evil}
		e.Name, e.Description = evil, evil
	}))
	h.checkOutputs("eth1")
	for _, args := range [][]string{{"eni", "list"}, {"eni", "show", "eni-1"}, {"eni", "show", "eni-1", "-o", "json"}, {"eni", "show", "eni-1", "-o", "yaml"}} {
		res := h.run(args...)
		h.prints(fmt.Sprint(args), res.Stdout+res.Stderr)
	}
	out := h.run("plan")
	if text := out.Stdout + out.Stderr; !strings.Contains(text, "enitune:rx-queue-size") || !strings.Contains(text, "correct or remove the tag") {
		t.Errorf("nothing tells of the tag:\n%s", text)
	}
}

// checkOutputs asks for all that names come out in.
func (h *host) checkOutputs(name string) {
	h.t.Helper()
	for _, args := range [][]string{{"plan"}, {"plan", "-o", "yaml"}, {"plan", "-o", "json"}, {"doctor"}, {"apply", "--log"}, {"apply", "--textfile", h.path("textfile", "a.prom")}} {
		res := h.run(args...)
		h.prints(fmt.Sprint(args), res.Stdout+res.Stderr)
		h.keepsTheName(args, res.Stdout, name)
	}
	h.expositionIsWhole(h.read("textfile", "a.prom"), name)
	for _, format := range []string{"text", "json"} {
		d := h.start("--log-level", "debug", "--log-format", format)
		d.Await("read from the cloud")
		_, exposition := h.request("GET", "/metrics")
		h.expositionIsWhole(exposition, name)
		_, status := h.request("GET", "/status")
		h.prints("/status", status)
		h.keepsTheName([]string{"-o", "json"}, status, name)
		_, page := h.request("GET", "/")
		h.pageHoldsNoElementOf(page)
		d.Signal(syscall.SIGTERM)
		d.Await("the NICs stay as they are")
		h.prints("the "+format+" log", d.Log())
		for line := range strings.Lines(d.Log()) {
			if format == "json" && !json.Valid([]byte(line)) || format == "text" && !strings.HasPrefix(line, "time=") {
				h.t.Errorf("not a line of the log: %q", line)
			}
		}
		d.Wait()
	}
}

// prints fails for a text that could steer a terminal.
func (h *host) prints(what, text string) {
	h.t.Helper()
	for _, r := range text {
		if !unicode.IsPrint(r) && r != '\n' {
			h.t.Errorf("%s: %U is in %.300q", what, r, text)
			return
		}
	}
}

// keepsTheName: in JSON and YAML the name is still the one that it was.
func (h *host) keepsTheName(args []string, text, name string) {
	h.t.Helper()
	var r agent.Report
	var err error
	switch {
	case strings.HasSuffix(strings.Join(args, " "), "-o yaml"):
		var document map[string]any
		if err = yaml.Unmarshal([]byte(text), &document); err == nil {
			var data []byte
			if data, err = json.Marshal(document); err == nil {
				err = json.Unmarshal(data, &r)
			}
		}
	case strings.HasSuffix(strings.Join(args, " "), "-o json"):
		err = json.Unmarshal([]byte(text), &r)
	default:
		return
	}
	if err != nil {
		h.t.Fatalf("%v: %v\n%s", args, err, text)
	}
	for _, n := range r.NICs {
		if sameName(n.Device, name) {
			return
		}
	}
	h.t.Errorf("%v: no NIC is called %q:\n%s", args, name, text)
}

// sameName tells whether a text is a name, whose bytes that are no UTF-8 are shown as
// replacement characters, one each or one for all.
func sameName(text, name string) bool {
	for strings.Contains(text, "\ufffd\ufffd") {
		text = strings.ReplaceAll(text, "\ufffd\ufffd", "\ufffd")
	}
	return text == strings.ToValidUTF8(name, "\ufffd")
}

// expositionIsWhole: the text is what Prometheus reads, one of its series is the
// device's, and no metric is another's than the agent's or the runtime's.
func (h *host) expositionIsWhole(text, name string) {
	h.t.Helper()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		h.t.Fatalf("%v in\n%s", err, text)
	}
	found := false
	for family, f := range families {
		if !strings.HasPrefix(family, "enitune_") && !strings.HasPrefix(family, "go_") && !strings.HasPrefix(family, "process_") && !strings.HasPrefix(family, "promhttp_") {
			h.t.Errorf("a metric %q", family)
		}
		for _, m := range f.Metric {
			for _, l := range m.Label {
				found = found || l.GetName() == "device" && sameName(l.GetValue(), name)
			}
		}
	}
	if !found {
		h.t.Errorf("no series is of %q:\n%s", name, text)
	}
}

// pageHoldsNoElementOf: the page has no element, attribute or address that a name
// brought in.
func (h *host) pageHoldsNoElementOf(page string) {
	h.t.Helper()
	h.prints("the page", strings.ReplaceAll(page, "\u00a0", " "))
	doc, err := html.Parse(strings.NewReader(page))
	h.must(err)
	scripts := 0
	for n := range doc.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "script" {
			scripts++
		}
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Key, "on") || n.Data == "img" || strings.HasPrefix(strings.ToLower(a.Val), "javascript:") {
				h.t.Errorf("<%s %s=%q>", n.Data, a.Key, a.Val)
			}
		}
	}
	if scripts != 1 {
		h.t.Errorf("%d scripts", scripts)
	}
}

// TestAnImpostorOfTheDaemonSteersNothing: `enitune status` prints what stands behind
// the socket says, which need not be the daemon.
func TestAnImpostorOfTheDaemonSteersNothing(t *testing.T) {
	h := newHost(t)
	report := `{"version":1,"time":"2026-01-01T00:00:00Z","instance":{"id":"\u001b[31m","region":"\u009b","type":"\u202e"},"desired":{"origin":"x","fetched_at":"2026-01-01T00:00:00Z"},` +
		`"nics":[{"device":"\u001b]0;x\u0007","mac":"m","eni":"\u001b[2J","settings":[{"setting":"queues","action":"none","reason":"in_sync"}]}],"errors":[{"component":"\u001b[1m","message":"a\nb"}]}`
	h.must(serveOnce(t, filepath.Join(h.path("run"), "enitune.sock"), report))
	for _, format := range []string{"table", "json", "yaml"} {
		res := h.run("status", "-o", format)
		if !strings.Contains(res.Stdout, "queues") {
			t.Fatalf("exit %d: %s%s", res.Code, res.Stdout, res.Stderr)
		}
		h.prints("status -o "+format, res.Stdout+res.Stderr)
	}
}

// TestNoCommandRunsAProgram: nothing that comes from outside can become a command,
// because none is ever run.
func TestNoCommandRunsAProgram(t *testing.T) {
	deps, err := exec.Command("go", "list", "-deps", "-f", "{{.ImportPath}} {{.Imports}}", "github.com/enitune/enitune/cmd/enitune").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(deps)) {
		pkg, imports, _ := strings.Cut(line, " ")
		if strings.HasPrefix(pkg, "github.com/enitune/") && strings.Contains(imports, "os/exec") {
			t.Errorf("%s imports os/exec", pkg)
		}
	}
}
