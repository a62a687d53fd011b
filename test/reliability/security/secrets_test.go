//go:build netns

package security

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/world"
)

// What must not be seen. The metadata token, the role's credentials and the
// signatures are the simulated cloud's, noted as they go over the wire.
const (
	canarySecret   = "canaryAccessKeySecret0123456789"
	canaryToken    = "canarySecurityToken/with+signs=="
	canaryPassword = "canaryScrapePassword"
	canaryProxy    = "canaryProxyPassword"
)

// search fails for each secret that is in a text, in any of the encodings of URLs,
// HTTP and profiles.
func (h *host) search(what, text string, more ...string) {
	h.t.Helper()
	texts := []string{text}
	if r, err := gzip.NewReader(strings.NewReader(text)); err == nil {
		plain, err := io.ReadAll(r)
		h.must(err)
		texts = append(texts, string(plain))
	}
	secrets := append([]string{canarySecret, canaryToken, canaryPassword, canaryProxy, "Signature="}, h.onTheWire()...)
	for _, secret := range append(secrets, more...) {
		for _, form := range []string{secret, url.QueryEscape(secret), url.QueryEscape(url.QueryEscape(secret)), url.PathEscape(secret),
			base64.StdEncoding.EncodeToString([]byte(secret)), base64.StdEncoding.EncodeToString([]byte("prometheus:" + secret))} {
			for _, text := range texts {
				if at := strings.Index(text, form); at >= 0 {
					h.t.Errorf("%s holds %q: …%.200q", what, form, text[max(0, at-100):])
					return
				}
			}
		}
	}
}

// cloudFault is a cloud that quotes back what it was sent, breaks off, or is not
// the cloud.
type cloudFault struct {
	name   string
	echo   echo
	faults []ecssim.Fault
}

func cloudFaults() []cloudFault {
	return []cloudFault{
		{name: "none"},
		{name: "what was sent in a page", echo: echoPage},
		{name: "what was sent in a refusal", echo: echoRefusal},
		{name: "what was sent in a reply", echo: echoReply},
		{name: "dropped", faults: []ecssim.Fault{{Target: ecssim.TargetECS, Drop: true}}},
		{name: "broken off", faults: []ecssim.Fault{{Target: ecssim.TargetECS, DropAfter: 10}}},
		{name: "a code that is none", faults: []ecssim.Fault{{Target: ecssim.TargetECS, RawBody: `{"Code":7}`, HTTPStatus: 400}}},
		{name: "an expired token", faults: []ecssim.Fault{{Target: ecssim.TargetECS, Code: "InvalidSecurityToken.Expired"}}},
		{name: "denied", faults: []ecssim.Fault{{Target: ecssim.TargetECS, Code: "Forbidden.RAM", HTTPStatus: 403}}},
		{name: "an error with a metadata token", faults: []ecssim.Fault{{Target: ecssim.TargetToken, HTTPStatus: 500, RawBody: canaryToken}}},
		{name: "role credentials that break off", faults: []ecssim.Fault{{Target: ecssim.TargetMetadata, Match: "meta-data/ram/*", RawBody: `{"AccessKeySecret":"` + canarySecret}}},
	}
}

// withKey gives the commands an access key with a security token that the cloud does
// not know, and asks the SDK to print what it does.
func (h *host) withKey() {
	h.env = append(h.env, "ALIBABA_CLOUD_ACCESS_KEY_ID=LTAIcanary", "ALIBABA_CLOUD_ACCESS_KEY_SECRET="+canarySecret, "ALIBABA_CLOUD_SECURITY_TOKEN="+canaryToken, "DEBUG=sdk")
}

// TestSecretsAppearInNoOutputOfAnyCommand: whatever the cloud answers.
func TestSecretsAppearInNoOutputOfAnyCommand(t *testing.T) {
	commands := [][]string{
		{"plan"}, {"plan", "-o", "json"}, {"plan", "-o", "yaml"}, {"apply", "--log", "--log-format", "json"}, {"apply", "--textfile", "TEXTFILE"}, {"status"}, {"doctor"}, {"doctor", "-o", "json"},
		{"config", "show"}, {"config", "check"}, {"eni", "list"}, {"eni", "show", "eni-1", "-o", "yaml"}, {"eni", "limits"},
		{"eni", "set", "eni-1", "--name", "x", "--yes"},
	}
	for _, keys := range []string{"role", "environment"} {
		t.Run(keys, func(t *testing.T) {
			h := newHost(t)
			if keys == "environment" {
				h.withKey()
			}
			for n, fault := range cloudFaults() {
				h.cloud.SetFaults(fault.faults...)
				h.setEcho(fault.echo)
				for i, args := range commands {
					if n > 0 && i%4 != n%4 { // each command under some of the faults
						continue
					}
					args = strings.Fields(strings.Replace(strings.Join(args, " "), "TEXTFILE", h.path("textfile", "a.prom"), 1))
					res := h.run(append(args, "--log-level", "debug")...)
					h.search(fmt.Sprint(fault.name, ": ", args), res.Stdout+res.Stderr)
				}
			}
			h.searchFiles()
			if len(h.onTheWire()) < 10 {
				t.Errorf("%d secrets went over the wire; this test proves nothing", len(h.onTheWire()))
			}
		})
	}
}

// TestSecretsAppearInNoOutputOfAProxy: the proxy's password is the operator's.
func TestSecretsAppearInNoOutputOfAProxy(t *testing.T) {
	h := newHost(t)
	h.withKey()
	h.env = append(h.env, "HTTPS_PROXY=http://me:"+canaryProxy+"@127.0.0.1:9", "HTTP_PROXY=http://me:"+canaryProxy+"@127.0.0.1:9", "NO_PROXY="+world.MetadataAddress)
	for _, args := range [][]string{{"plan"}, {"doctor"}, {"eni", "list"}} {
		res := h.run(append(args, "--log-level", "debug")...)
		if res.Code == 0 {
			t.Errorf("%v: the proxy was not used", args)
		}
		h.search(fmt.Sprint(args), res.Stdout+res.Stderr)
	}
}

// searchFiles looks into all that the agent has written.
func (h *host) searchFiles() {
	h.t.Helper()
	for _, dir := range []string{"state", "textfile", "run"} {
		entries, err := os.ReadDir(h.path(dir))
		if err != nil {
			continue // not made yet
		}
		for _, e := range entries {
			if e.Type().IsRegular() {
				h.search(dir+"/"+e.Name(), h.read(dir, e.Name()))
			}
		}
	}
}

// TestSecretsAppearNowhereInTheDaemon: in no answer, profiles included, in no log at
// any level, in no file and not in the process's arguments.
func TestSecretsAppearNowhereInTheDaemon(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		t.Run(format, func(t *testing.T) {
			h := newHost(t)
			hash, err := bcrypt.GenerateFromPassword([]byte(canaryPassword), bcrypt.MinCost)
			h.must(err)
			h.must(os.WriteFile(h.path("web.yml"), []byte("basic_auth_users: {prometheus: "+string(hash)+"}\n"), 0o600))
			h.configure("web: {listen: [\"" + address + "\"], pprof: true, config_file: " + h.path("web.yml") + "}\n")
			cmd := h.command("run", "--log-level", "debug", "--log-format", format)
			d := world.LaunchDaemon(t, cmd)
			d.Await("read from the cloud")
			for _, e := range []echo{echoPage, echoRefusal, echoReply} {
				h.setEcho(e)
				h.cloud.RotateCredentials()
				d.Signal(syscall.SIGHUP)
				d.Await("ECS API call")
			}
			password := func(r *http.Request) { r.SetBasicAuth("prometheus", canaryPassword) }
			for _, path := range []string{"/", "/status", "/metrics", "/healthz", "/readyz", "/none", "/debug/pprof/", "/debug/pprof/cmdline",
				"/debug/pprof/heap", "/debug/pprof/heap?debug=1", "/debug/pprof/goroutine?debug=2", "/debug/pprof/allocs", "/debug/pprof/profile?seconds=1", "/debug/pprof/trace?seconds=1"} {
				status, body := h.request("GET", path, password)
				if want := map[bool]int{true: 404, false: 200}[path == "/none"]; status != want {
					t.Errorf("%s: %d %.100s", path, status, body)
				}
				h.search(path, body, string(hash))
				if status, body := h.request("GET", path); status != 401 {
					t.Errorf("%s without the password: %d", path, status)
				} else {
					h.search(path+" without the password", body, string(hash))
				}
			}
			for _, path := range []string{"/status", "/metrics", "/"} {
				_, body := h.overSocket("GET", path)
				h.search(path+" over the socket", body, string(hash))
			}
			for _, args := range [][]string{{"status"}, {"status", "-o", "json"}, {"doctor"}, {"config", "show"}, {"refresh", "--wait", "0"}, {"reload"}} {
				res := h.run(args...)
				h.search(fmt.Sprint(args), res.Stdout+res.Stderr, string(hash))
			}
			h.searchFiles()
			line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", d.PID()))
			h.must(err)
			h.search("its arguments", string(line))
			// The log last, with all that this has caused.
			d.Signal(syscall.SIGTERM)
			d.Await("the NICs stay as they are")
			h.search("its log", d.Log(), string(hash))
			if len(h.onTheWire()) < 6 {
				t.Errorf("%d secrets went over the wire; this test proves nothing", len(h.onTheWire()))
			}
		})
	}
}

// TestWhatAScraperSendsIsNotLogged: passwords and paths of the clients' requests are
// their own.
func TestWhatAScraperSendsIsNotLogged(t *testing.T) {
	h := newHost(t)
	d := h.start("--log-level", "debug")
	h.request("GET", "/metrics?token="+canaryToken, func(r *http.Request) {
		r.SetBasicAuth("prometheus", canaryPassword)
		r.Header.Set("Cookie", canaryToken)
	})
	h.raw("GET /" + canaryToken + " HTTP/9.9\r\n\r\n")
	d.Signal(syscall.SIGTERM)
	d.Await("the NICs stay as they are")
	h.search("the log", d.Log())
}

// TestTheStateHoldsNothingButWhatTheCloudSaysOfENIs pins the members of the files,
// so that no other can come in unseen.
func TestTheStateHoldsNothingButWhatTheCloudSaysOfENIs(t *testing.T) {
	h := newHost(t)
	if res := h.run("apply"); res.Code != 0 {
		t.Fatalf("exit %d: %s", res.Code, res.Stderr)
	}
	var file struct {
		Version int
		SHA256  string
		Body    struct {
			Machine string
			Desired struct {
				InstanceID   string `json:"instance_id"`
				Region       string
				InstanceType string `json:"instance_type"`
				FetchedAt    string `json:"fetched_at"`
				Boot         string
				ENIs         []struct {
					ID, MAC, Type, Status string
					ByID                  string `json:"by_id"`
					Values                []struct {
						Setting string
						Value   int
						Source  string
					}
				}
			}
		}
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(h.read("state", "state.json"))))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&file); err != nil {
		t.Error(err)
	}
	if len(file.Body.Desired.ENIs) != 1 {
		t.Errorf("%+v", file)
	}
}
