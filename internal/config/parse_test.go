package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseAccepts(t *testing.T) {
	with := func(change func(*Config)) Config {
		c := Default()
		change(&c)
		return c
	}
	tests := map[string]struct {
		text string
		want Config
	}{
		"an empty file":                       {"", Default()},
		"only comments":                       {"# nothing\n", Default()},
		"a document start and end":            {"---\n...\n", Default()},
		"a key whose lines are commented out": {"cloud:\n#  region: x\nnics:\n", Default()},
		"a byte order mark and CRLF": {"\ufeffcloud:\r\n  region: cn-beijing\r\n", with(func(c *Config) {
			c.Cloud.Region = "cn-beijing"
		})},
		"a YAML directive":   {"%YAML 1.2\n---\nreconcile: {mode: observe}\n", with(func(c *Config) { c.Reconcile.Mode = ModeObserve })},
		"no TCP listener":    {"web: {listen: []}\n", with(func(c *Config) { c.Web.Listen = nil })},
		"nothing is written": {"reconcile: {settings: []}\n", with(func(c *Config) { c.Reconcile.Settings = nil })},
		"a trailing slash is dropped": {"cloud: {metadata_url: 'http://[::1]:8080/'}\n", with(func(c *Config) {
			c.Cloud.MetadataURL = "http://[::1]:8080"
		})},
		"http to a loopback endpoint": {"cloud: {ecs_endpoint: http://127.0.0.1:99, timeout: 1m30s}\n", with(func(c *Config) {
			c.Cloud.ECSEndpoint, c.Cloud.Timeout = "http://127.0.0.1:99", Duration(90*time.Second)
		})},
		"a rule that says nothing": {"nics: [{}]\n", with(func(c *Config) { c.NICs = []Rule{DefaultRule()} })},
		"a MAC pattern in upper case": {"nics:\n- match: {mac: 00:16:3E:*}\n  queues: 4\n  rx_ring: max\n  manage: false\n", with(func(c *Config) {
			c.NICs = []Rule{{Match: Match{MAC: "00:16:3e:*"}, Queues: Want{WantNumber, 4}, RxRing: Want{Kind: WantMax}, TxRing: Want{Kind: WantAPI}}}
		})},
		"anchors and merge keys": {"nics:\n- &base\n  match: {device: eth1}\n  queues: &n 4\n  rx_ring: max\n- <<: *base\n  match: {device: eth2}\n  tx_ring: *n\n", with(func(c *Config) {
			four, most := Want{WantNumber, 4}, Want{Kind: WantMax}
			c.NICs = []Rule{
				{Match: Match{Device: "eth1"}, Manage: true, Queues: four, RxRing: most, TxRing: Want{Kind: WantAPI}},
				{Match: Match{Device: "eth2"}, Manage: true, Queues: four, RxRing: most, TxRing: four},
			}
		})},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := Parse("f", []byte(tt.text))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	tests := map[string]struct{ text, want string }{
		"unknown key with a near one":    {"cloud:\n  refreshInterval: 6h\n", "f:2:3: cloud.refreshInterval: unknown key; did you mean refresh_interval?"},
		"unknown key that stands deeper": {"mode: observe\n", "f:1:1: mode: unknown key; it belongs at reconcile.mode: check the indentation; allowed here: cloud, reconcile, nics, discovery, web, state_dir"},
		"unknown key":                    {"web:\n  path: /x\n", "f:2:3: web.path: unknown key; allowed here: listen, config_file, pprof"},
		"repeated key":                   {"web: {}\ncloud: {}\nweb: {}\n", "f:3:1: web: is given twice, first in line 1; keep one"},
		"two documents":                  {"web: {}\n---\ncloud: {}\n", "f:3:1: a second document starts; the file holds one: join them, and remove the line ---"},
		"a tab":                          {"cloud:\n\tregion: x\n", "f:2:1: a tab indents this line; YAML takes spaces only"},
		"a lone star":                    {"nics:\n- match:\n    device: *\n", "f:3:13: * starts an alias and no such anchor (&name) stands before it; quote a pattern that starts with *"},
		"an unknown alias":               {"cloud: *x\n", "f:1:8: cloud: no anchor &x stands before this alias; define it first, or quote a text that starts with *"},
		"a value that holds itself":      {"nics: &x\n- match: *x\n", "f:2:10: nics[0].match: no anchor &x stands before this alias; define it first, or quote a text that starts with *"},
		"a tag":                          {"cloud: {region: !!str x}\n", "f:1:17: cloud.region: has the tag !!str; tags are not allowed: remove it"},
		"broken YAML":                    {"cloud: {timeout: 10s\n", "f:1:8: not YAML: could not find flow mapping end token '}'; check the indentation, brackets and quotes here"},
		"not UTF-8":                      {"cloud:\n  \xff\n", "f:2:3: is not UTF-8 text; save the file as UTF-8 without control characters"},
		"deep nesting":                   {strings.Repeat("[", 65), "f:1:65: brackets, dashes, anchors or tags nest deeper than 64, where the configuration needs five levels; is this the right file?"},
		"too many keys":                  {strings.Repeat("a: 1\n", 2001), "f:2001:2: more than 2000 keys follow each other, where the configuration has some thirty; is this the right file?"},
		"text for a file":                {"hello\n", `f:1:1: is the text "hello"; it must hold keys: cloud, reconcile, nics, discovery, web, state_dir`},
		"a list for a mapping":           {"cloud: [1]\n", "f:1:8: cloud: is a list; it must hold keys: enabled, metadata_url, ecs_endpoint, endpoint_network, region, instance_id, timeout, refresh_interval"},
		"a mapping for a list":           {"nics:\n  match: {}\n", "f:2:3: nics: is a mapping; it must be a list: [a, b], or [] for none"},
		"an empty rule":                  {"nics:\n-\n", "f:2:3: nics[0]: is empty; it must hold keys, such as match and queues: write {} for a rule that says nothing"},
		"no list of settings":            {"reconcile: {settings: }\n", "f:1:22: reconcile.settings: is empty; it must be a list: [a, b], or [] for none"},
		"yes for true":                   {"cloud: {enabled: yes}\n", `f:1:18: cloud.enabled: is the text "yes"; it must be true or false, without quotes`},
		"a number for text":              {"cloud: {region: 1}\n", "f:1:17: cloud.region: is 1; it must be text: put it in quotes"},
		"null for text":                  {"cloud: {region: ~}\n", `f:1:17: cloud.region: has no value; write "" for none, or remove the key`},
		"a time without a unit":          {"cloud: {timeout: 10}\n", "f:1:18: cloud.timeout: is 10, without a unit; it must be a time from 1s to 5m, such as 90s or 2m"},
		"a time too long":                {"cloud: {timeout: 6m}\n", `f:1:18: cloud.timeout: is "6m"; it must be a time from 1s to 5m, such as 90s or 2m`},
		"a refresh too often":            {"cloud: {refresh_interval: 59s}\n", `f:1:27: cloud.refresh_interval: is "59s"; it must be a time from 1m to 720h, such as 90s or 2m`},
		"a quoted number":                {"reconcile: {change_budget: {burst: '4'}}\n", `f:1:36: reconcile.change_budget.burst: is the text "4"; it must be a whole number from 1 to 1000, without quotes`},
		"an octal number":                {"reconcile: {change_budget: {burst: 010}}\n", "f:1:36: reconcile.change_budget.burst: is 010; it must be a whole number from 1 to 1000, without quotes"},
		"an unknown mode":                {"reconcile: {mode: dry-run}\n", `f:1:19: reconcile.mode: is "dry-run"; it must be one of enforce, observe`},
		"an unknown setting":             {"reconcile: {settings: [rings]}\n", `f:1:24: reconcile.settings[0]: is "rings"; it must be one of queues, rx_ring, tx_ring`},
		"a repeated setting":             {"reconcile: {settings: [queues, queues]}\n", `f:1:32: reconcile.settings[1]: is "queues" again; keep it once`},
		"a type in lower case":           {"nics: [{match: {type: primary}}]\n", `f:1:23: nics[0].match.type: is "primary"; write it as Primary`},
		"an unknown type":                {"nics: [{match: {type: Bond}}]\n", `f:1:23: nics[0].match.type: is "Bond"; it must be one of Primary, Secondary, Trunk, Member`},
		"an unfinished pattern":          {"nics: [{match: {device: 'eth[0'}}]\n", `f:1:25: nics[0].match.device: is "eth[0", an unfinished pattern; * stands for any text, ? for one character, [a-c] for one of a range: close the bracket, or remove the last backslash`},
		"a MAC with dashes":              {"nics: [{match: {mac: 00-16-3e-*}}]\n", `f:1:22: nics[0].match.mac: is "00-16-3e-*"; it must be a MAC address with colons, such as 00:16:3e:0c:1f:2a, or a pattern of one, such as 00:16:3e:*`},
		"no queues":                      {"nics: [{queues: 0}]\n", "f:1:17: nics[0].queues: is 0; it must be api, max or a number from 1 to 2048, without quotes"},
		"a ring too long":                {"nics: [{rx_ring: 65537}]\n", "f:1:18: nics[0].rx_ring: is 65537; it must be api, max or a number from 1 to 65536, without quotes"},
		"a block of text":                {"state_dir: |\n  /a\n", `f:1:12: state_dir: is "/a\n", with the character U+000A that does not print; remove it`},
		"a relative folder":              {"state_dir: lib\n", `f:1:12: state_dir: is "lib"; it must be an absolute path: start it with /`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("f", []byte(tt.text))
			if err == nil {
				t.Fatal("accepted")
			}
			if diff := cmp.Diff(tt.want, err.Error()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseReportsEveryProblemInTheOrderOfTheLines(t *testing.T) {
	const text = `reconcile:
  mode: x
  resync_interval: 1
nics:
  - match: {device: "["}
    queues: many
cloud:
  enabled: 1
  endpoint_network: private
wbe: {}
`
	_, err := Parse("/etc/enitune/config.yaml", []byte(text))
	var got []string
	for line := range strings.Lines(err.Error()) {
		place, _, _ := strings.Cut(strings.TrimPrefix(line, "/etc/enitune/config.yaml:"), ": ")
		got = append(got, place)
	}
	want := []string{"2:9", "3:20", "5:21", "6:13", "8:12", "9:21", "10:1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s\n%v", diff, err)
	}
	problem, ok := errors.AsType[*Problem](err)
	if !ok || problem.Key != "reconcile.mode" {
		t.Errorf("errors.As: got %+v, want the first problem", problem)
	}
}

func TestParseRefusesFewLinesThatStandForMillions(t *testing.T) {
	var b strings.Builder
	b.WriteString("nics:\n- &a0 {queues: 1}\n")
	for i := range 40 {
		name := "a" + string(rune('0'+i/10)) + string(rune('0'+i%10))
		previous := "a0"
		if i > 0 {
			previous = "a" + string(rune('0'+(i-1)/10)) + string(rune('0'+(i-1)%10))
		}
		b.WriteString("- &" + name + " {<<: [*" + previous + ", *" + previous + "]}\n")
	}
	_, err := Parse("f", []byte(b.String()))
	if err == nil || !strings.Contains(err.Error(), "repeats anchors more than 1000 times") {
		t.Fatalf("got %v", err)
	}
}

func TestAddressesAreChecked(t *testing.T) {
	tests := []struct {
		check func(string) error
		good  []string
		bad   []string
	}{
		{metadataURL,
			[]string{"http://100.100.100.200", "https://metadata.internal:8443/", "http://[::1]:80"},
			[]string{"", "100.100.100.200", "http://", "ftp://h", "http://u:p@h", "http://h?x=1", "http://h?", "http://h#a", "http://h#", "http://h/latest", "http://h:0", "http://h:99999", "http://h:", "http://h h", "http:h", "://", "http://[::1"}},
		{ecsEndpoint,
			[]string{"", "https://ecs.cn-hangzhou.aliyuncs.com", "http://127.0.0.1:80", "http://[::1]:80", "http://localhost:80"},
			[]string{"http://ecs.aliyuncs.com", "ecs.aliyuncs.com", "http://127.0.0.1.evil.example", "https://h/path", "https://u@h"}},
		{region, []string{"", "cn-hangzhou", "us-east-1"}, []string{"CN", "-a", "a-", "a.b", "a/b", strings.Repeat("a", 64)}},
		{instanceID, []string{"", "i-bp1test"}, []string{"bp1", "i-", "i-a/b", "i-a b", "eni-1", "i-" + strings.Repeat("a", 63)}},
		{listenAddress,
			[]string{":10056", "127.0.0.1:0", "[::1]:10056", "localhost:80", "[fe80::1%eth0]:80"},
			[]string{"", "10056", ":", ":http", ":65536", ":-1", ":+1", "::1:80", "a b:80", "http://h:80", ":080"}},
		{macGlob, []string{"", "*", "00:16:3e:*", "00:16:3E:0c:1f:2a", "00:16:3e:??:[0-9a-f]*"}, []string{"eth0", "00-16", "[", "00:16:3g"}},
		{absolutePathOrNone, []string{"", "/a/b"}, []string{"a", "./a", "/a\x00"}},
	}
	for _, tt := range tests {
		for _, s := range tt.good {
			if err := tt.check(s); err != nil {
				t.Errorf("%q is refused: %v", s, err)
			}
		}
		for _, s := range tt.bad {
			if err := tt.check(s); err == nil {
				t.Errorf("%q is accepted", s)
			} else if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q: the message has several lines: %v", s, err)
			}
		}
	}
}

func TestURLErrorsDoNotRepeatSecrets(t *testing.T) {
	for _, s := range []string{"http://user:hunter2@host", "http://host?Signature=hunter2", "http://user:hunter2@ho st"} {
		if err := metadataURL(s); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Default().YAML())
	for _, s := range []string{
		"nics:\n- &a {queues: 4, match: {device: '*'}}\n- <<: [*a, *a]\n", "cloud: !!map {}\n", "? a\n: b\n", ": : : :\n", "<<: {}\n",
		"&a &b : *a\n", "- - - -\n", "a: |\n  b\n", "%YAML 1.2\n---\n", "nics: [{match: {eni: \"\\u2028\\x00\"}}]\n", "state_dir: \"/a: b\\t\"\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := Parse("f", data)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "f:") {
					t.Fatalf("a message of several lines: %q", err)
				}
			}
			return
		}
		again, err := Parse("again", c.YAML())
		if err != nil {
			t.Fatalf("what is shown does not parse: %v\n%s", err, c.YAML())
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Fatalf("what is shown reads back differently (-first +again):\n%s", diff)
		}
	})
}

func TestParseBoundsWhatItReports(t *testing.T) {
	_, err := Parse("f", []byte(strings.Repeat("a: 1\n", 1000)))
	lines := strings.Split(err.Error(), "\n")
	if want := "f:101:1: 900 more problems follow; cure these first"; len(lines) != maxProblems+1 || lines[maxProblems] != want {
		t.Errorf("got %d lines, the last %q; want %q", len(lines), lines[len(lines)-1], want)
	}
}
