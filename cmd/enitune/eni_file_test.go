package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/eni"
)

func TestAFileHoldsEveryKindOfValue(t *testing.T) {
	m, err := parseChange("change.yaml", []byte(`# what the gateway's ENI is to be
name: "gateway-1"
security_group_ids:
  - sg-bp1
  - sg-bp2
delete_on_release: true
queue_number: 8
traffic_config:
  mode: HighPerformance
  queue_pair_number: 4
connection_tracking: {udp_timeout: 60}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := eni.Modification{
		Name: new("gateway-1"), SecurityGroupIDs: []string{"sg-bp1", "sg-bp2"}, DeleteOnRelease: new(true), QueueNumber: new(8),
		TrafficConfig:      &eni.TrafficConfigChange{Mode: new("HighPerformance"), QueuePairNumber: new(4)},
		ConnectionTracking: &eni.ConnectionTrackingChange{UDPTimeout: new(60)},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAByteOrderMarkIsNoPartOfTheFile(t *testing.T) {
	m, err := parseChange("change.yaml", []byte("\ufeffqueue_number: 8\n"))
	if diff := cmp.Diff(eni.Modification{QueueNumber: new(8)}, m); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := parseChange("change.yaml", []byte("\ufeffqueues: 8\n")); err == nil || !strings.Contains(err.Error(), "change.yaml:1:1: queues: unknown key") {
		t.Errorf("error %v", err)
	}
}

func TestAFileIsStrict(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"unknown key", "queues: 8", `change.yaml:1:1: queues: unknown key; allowed here: name, description, security_group_ids, delete_on_release, source_dest_check, queue_number, rx_queue_size, tx_queue_size, traffic_config, connection_tracking, enhanced_network`},
		{"unknown nested key", "traffic_config:\n  queues: 8", `change.yaml:2:3: traffic_config.queues: unknown key; allowed here: mode, queue_number, queue_pair_number, rx_queue_size, tx_queue_size`},
		{"repeated key", "queue_number: 8\nqueue_number: 4", `change.yaml:2:1: queue_number: is given twice, first in line 1; keep one`},
		{"quoted number", `queue_number: "8"`, `change.yaml:1:15: queue_number: is the text "8"; want a whole number in decimal digits, without quotes`},
		{"fraction", "queue_number: 8.5", `change.yaml:1:15: queue_number: is "8.5"; want a whole number in decimal digits, without quotes`},
		{"octal", "queue_number: 010", `change.yaml:1:15: queue_number: is "010"; want a whole number in decimal digits, without quotes`},
		{"huge", "queue_number: 99999999999999999999", `want a whole number`},
		{"no value", "queue_number:", `queue_number: is empty; want a whole number in decimal digits, without quotes`},
		{"null", "name: ~", `name: is empty; want text: put it in quotes`},
		{"a word for a switch", "delete_on_release: yes", `change.yaml:1:20: delete_on_release: is the text "yes"; want true or false, without quotes`},
		{"a number for a text", "name: 5", `change.yaml:1:7: name: is "5"; want text: put it in quotes`},
		{"a text for a list", "security_group_ids: sg-1", `is the text "sg-1"; want a list of at least one: [a, b]`},
		{"an empty list", "security_group_ids: []", `is a list; want a list of at least one`},
		{"a list in a list", "security_group_ids: [[sg-1]]", `security_group_ids[0]: is a list; want text: put it in quotes`},
		{"a list for a number", "queue_number: [8]", `is a list; want a whole number`},
		{"a number for a section", "traffic_config: 8", `traffic_config: is "8"; want keys: mode,`},
		{"an empty section", "traffic_config:", `traffic_config: is empty; want keys: mode,`},
		{"a list at the top", "- queue_number: 8", `change.yaml:1:1: is a list; want keys: name,`},
		{"an alias", "name: &n a\ndescription: *n", `change.yaml:1:7: name: is an anchor, alias or tag`},
		{"a merge", "<<: {name: a}", `unknown key`},
		{"a control character", "name: \"a\\tb\"", `the character U+0009 does not print; remove it`},
		{"two documents", "name: a1\n---\nname: b1", `a second document starts; the file holds one`},
		{"no document", "# nothing\n", `change.yaml: holds no parameter; write at least one, such as queue_number: 8`},
		{"a tab", "traffic_config:\n\tmode: Standard", `a tab indents this line; YAML takes spaces only`},
		{"not YAML", "{name: a", `not YAML`},
		{"not text", "\xff\xfe", `is not UTF-8 text`},
		{"too large", "#" + strings.Repeat("x", maxChangeFile), `is larger than 16 KiB; is this the right file?`},
		{"several faults", "queue_number: many\nname: 5", "change.yaml:1:15: queue_number: is the text \"many\"; want a whole number in decimal digits, without quotes\nchange.yaml:2:7: name: is \"5\"; want text: put it in quotes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := parseChange("change.yaml", []byte(tt.text))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
		})
	}
}

func TestAMissingFileIsNamed(t *testing.T) {
	_, err := readChangeFile(t.Context(), filepath.Join(t.TempDir(), "none.yaml"), os.Stdin)
	if err == nil || !strings.Contains(err.Error(), "none.yaml") || !strings.Contains(err.Error(), "- for standard input") {
		t.Errorf("got %v", err)
	}
}

func TestAChangeIsReadFromStandardInputUntilItsEndOrAnInterrupt(t *testing.T) {
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	if _, err := out.WriteString("queue_number: 8\n"); err != nil {
		t.Fatal(err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := readChangeFile(canceled, "-", in); err == nil {
		t.Error("an interrupted read gave a change")
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
	m, err := readChangeFile(t.Context(), "-", in)
	if err != nil || m.QueueNumber == nil || *m.QueueNumber != 8 {
		t.Errorf("got %+v, %v", m, err)
	}
}

func FuzzParseChange(f *testing.F) {
	for _, seed := range []string{"queue_number: 8", "traffic_config: {mode: Standard}", "security_group_ids: [a, b]", "a: &x {b: *x}", "- - -", "{[", "? a\n: b", "name: |\n  a\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parseChange("f", data)
		if err != nil {
			for line := range strings.Lines(err.Error()) {
				if !strings.HasPrefix(line, "f:") {
					t.Errorf("a line without the file's name: %q", line)
				}
			}
			return
		}
		if m.Empty() {
			t.Error("accepted, and holds nothing")
		}
	})
}
