package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/google/go-cmp/cmp"
)

const packaged = "../../packaging/config.yaml"

func TestPackagedFileEqualsTheDefaults(t *testing.T) {
	got, err := Load(packaged, true)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(Default(), got); diff != "" {
		t.Errorf("(-default +packaged):\n%s", diff)
	}
}

func TestPackagedFileHoldsEveryKey(t *testing.T) {
	data, err := os.ReadFile(packaged)
	if err != nil {
		t.Fatal(err)
	}
	// The keys of a rule stand in the commented example: bring it to life.
	text := strings.Replace(string(data), "nics: []", "", 1)
	for _, line := range []string{"nics:", "  - match:", "    manage:", "    queues:", "    rx_ring:", "    tx_ring:"} {
		text = strings.Replace(text, "# "+line, line, 1)
	}
	if _, err := Parse("example", []byte(text)); err != nil {
		t.Fatalf("the commented example does not parse: %v", err)
	}
	file, err := parser.ParseBytes([]byte(text), 0)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	collectKeys(file.Docs[0].Body, "", have)
	for _, key := range Keys() {
		if !have[key] {
			t.Errorf("%s lacks %s", packaged, key)
		}
	}
}

func collectKeys(n ast.Node, path string, have map[string]bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			at := joinPath(path, keyText(pair.Key))
			have[at] = true
			collectKeys(pair.Value, at, have)
		}
	case *ast.SequenceNode:
		for _, item := range n.Values {
			collectKeys(item, path+"[]", have)
		}
	}
}

func TestSchemaAndStructHaveTheSameKeys(t *testing.T) {
	rule := DefaultRule()
	c := Default()
	c.NICs = []Rule{rule}
	d := &decoder{}
	got := c
	file, err := parser.ParseBytes(c.YAML(), 0)
	if err != nil {
		t.Fatal(err)
	}
	got.NICs = nil
	d.config(value{node: file.Docs[0].Body}, &got)
	if len(d.problems) > 0 {
		t.Fatalf("the schema does not know every key of Config: %v", join(d.problems))
	}
	if diff := cmp.Diff(c, got); diff != "" {
		t.Errorf("(-written +read):\n%s", diff)
	}
}

func TestYAMLReadsBackToTheSameConfig(t *testing.T) {
	full := Default()
	full.Cloud.Region = "cn-hangzhou"
	full.Cloud.InstanceID = "i-bp1test"
	full.Cloud.ECSEndpoint = "http://127.0.0.1:8080"
	full.Reconcile.Mode = ModeObserve
	full.Reconcile.Settings = nil
	full.Reconcile.ResyncInterval = Duration(90 * time.Second)
	full.Web.Listen = nil
	full.NICs = []Rule{
		{Match: Match{Device: "*", MAC: "00:16:3e:*"}, Queues: Want{Kind: WantMax}, RxRing: Want{Kind: WantNumber, N: 512}, TxRing: Want{Kind: WantAPI}},
		{Match: Match{Device: "&[a-c]?", ENI: "- x: 'y' \"z\" #", Type: "Member"}, Manage: true, Queues: Want{Kind: WantNumber, N: 1}, RxRing: Want{Kind: WantMax}, TxRing: Want{Kind: WantMax}},
		{Match: Match{Device: "true", ENI: "1e3"}, Manage: true, Queues: Want{Kind: WantAPI}, RxRing: Want{Kind: WantAPI}, TxRing: Want{Kind: WantAPI}},
	}
	for name, want := range map[string]Config{"defaults": Default(), "everything set": full} {
		t.Run(name, func(t *testing.T) {
			text := want.YAML()
			got, err := Parse("shown", text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s\n%s", diff, text)
			}
		})
	}
}

func TestYAMLShowsDurationsAndListsAsAPersonWritesThem(t *testing.T) {
	text := string(Default().YAML())
	for _, line := range []string{"  timeout: 10s\n", "  refresh_interval: 6h\n", "    per: 10m\n", "nics: []\n", "  mode: enforce\n", "    - queues\n"} {
		if !strings.Contains(text, line) {
			t.Errorf("no line %q in:\n%s", line, text)
		}
	}
}

func TestDurationPrintsWithoutZeroParts(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", time.Second: "1s", 10 * time.Minute: "10m", 6 * time.Hour: "6h", 100 * time.Hour: "100h",
		time.Hour + 5*time.Second: "1h0m5s", 90 * time.Minute: "1h30m", 1500 * time.Millisecond: "1.5s", 20*time.Minute + 10*time.Second: "20m10s",
	} {
		if got := Duration(d).String(); got != want {
			t.Errorf("%d: got %s, want %s", d, got, want)
		}
	}
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.yaml")
	if got, err := Load(missing, false); err != nil || !cmp.Equal(got, Default()) {
		t.Errorf("a missing default file: got %v, %v; want the defaults", got, err)
	}
	_, err := Load(missing, true)
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("a missing named file: got %v; want not-exist with a remedy", err)
	}
	if _, err := Load(dir, true); err == nil || !strings.HasPrefix(err.Error(), dir+": ") {
		t.Errorf("a folder: got %v; want an error that names it", err)
	}
	fifo := filepath.Join(dir, "fifo.yaml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{fifo, "/dev/zero"} {
		if _, err := Load(path, true); err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), "not a regular file") {
			t.Errorf("%s: got %v", path, err)
		}
	}
	large := filepath.Join(dir, "large.yaml")
	if err := os.WriteFile(large, []byte(strings.Repeat("#", MaxSize+1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(large, true); err == nil || !strings.Contains(err.Error(), "larger than 1 MiB") {
		t.Errorf("a large file: got %v", err)
	}
}

func TestCheckNamesFilesThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no_such_key: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := Default()
	good.StateDir = filepath.Join(dir, "made-later")
	if errs := Check(good); len(errs) > 0 {
		t.Errorf("a good configuration: %v", errs)
	}
	bad := Default()
	bad.StateDir, bad.Web.ConfigFile = file, file
	errs := Check(bad)
	if len(errs) != 2 || !strings.HasPrefix(errs[0].Error(), "web.config_file: "+file) || !strings.HasPrefix(errs[1].Error(), "state_dir: "+file) {
		t.Errorf("got %v, want one error for each of the two files", errs)
	}
}
