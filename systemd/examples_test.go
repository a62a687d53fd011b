package systemd

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// exposure is what systemd-analyze security may say of the units, in tenths.
const exposure = 15

// loosened are the drop-ins that may exceed it, with what they have.
func loosened() map[string]int { return map[string]int{"old-systemd.conf": 35} }

// analyze is the path of systemd-analyze; in CI it must be there.
func analyze(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("systemd-analyze is not installed")
	}
	return tool
}

// installed puts a unit with drop-ins into a folder and gives the unit's path.
// This test's binary stands for /usr/bin/enitune, which need not be there.
func installed(t *testing.T, unit string, dropIns ...string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, unit+".d"), 0o700); err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"enitune.service": "enitune.service", "enitune-apply.service": "enitune-apply.service"}
	for _, d := range dropIns {
		files[filepath.Join("examples", d)] = filepath.Join(unit+".d", d)
	}
	for from, to := range files {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, to), []byte(strings.ReplaceAll(string(text), "/usr/bin/enitune", self)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, unit)
}

// score is the overall exposure of a unit, in tenths.
func score(t *testing.T, unit string) int {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), analyze(t), "security", "--offline=true", "--no-pager", unit).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	m := regexp.MustCompile(`Overall exposure level for \S+: (\d+)\.(\d) `).FindSubmatch(out)
	if m == nil {
		t.Fatalf("no exposure level in:\n%s", out)
	}
	tenths, err := strconv.Atoi(string(m[1]) + string(m[2]))
	if err != nil {
		t.Fatal(err)
	}
	return tenths
}

// example is a drop-in with the units that its first lines name.
type example struct {
	name  string
	units []string
}

func examples(t *testing.T) []example {
	t.Helper()
	files, err := filepath.Glob("examples/*.conf")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d examples, %v", len(files), err)
	}
	var list []example
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		heading, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# For "), "\n")
		e := example{name: filepath.Base(file), units: regexp.MustCompile(`enitune(?:-apply)?\.service`).FindAllString(heading, -1)}
		if !strings.HasPrefix(string(text), "# For ") || len(e.units) == 0 {
			t.Errorf("%s does not begin with the units that it is for", file)
		}
		list = append(list, e)
	}
	return list
}

func TestSystemdAcceptsTheUnitsWithEachExample(t *testing.T) {
	tool := analyze(t)
	for _, e := range examples(t) {
		for _, unit := range e.units {
			t.Run(e.name+" "+unit, func(t *testing.T) {
				// It succeeds with warnings, such as for an unknown directive, on stderr.
				out, err := exec.CommandContext(t.Context(), tool, "verify", "--man=no", installed(t, unit, e.name)).CombinedOutput()
				if err != nil || len(out) > 0 {
					t.Errorf("%v\n%s", err, out)
				}
			})
		}
	}
}

func TestTheUnitsStayHardened(t *testing.T) {
	check := func(name, unit string, limit int, dropIns ...string) {
		t.Run(name, func(t *testing.T) {
			got := score(t, installed(t, unit, dropIns...))
			t.Logf("exposure %d.%d", got/10, got%10)
			if got > limit {
				t.Errorf("exposure %d.%d, want at most %d.%d", got/10, got%10, limit/10, limit%10)
			}
		})
	}
	for _, unit := range []string{"enitune.service", "enitune-apply.service"} {
		check(unit, unit, exposure)
	}
	for _, e := range examples(t) {
		for _, unit := range e.units {
			limit := exposure
			if higher, ok := loosened()[e.name]; ok {
				limit = higher
			}
			check(e.name+" "+unit, unit, limit, e.name)
		}
	}
}

func TestExamplesThatReplaceACommandKeepItsPurpose(t *testing.T) {
	// A drop-in that names ExecStart= once more without clearing it is refused by
	// systemd; one that clears it must run the same subcommand.
	for _, e := range examples(t) {
		lines := list(t, filepath.Join("examples", e.name), "ExecStart")
		if len(lines) == 0 {
			continue
		}
		for _, unit := range e.units {
			own := list(t, unit, "ExecStart")
			if len(lines) != 2 || lines[0] != "" || !strings.HasPrefix(lines[1], own[0]) {
				t.Errorf("%s for %s: ExecStart= is %q, want it cleared and then %q with more flags", e.name, unit, lines, own[0])
			}
		}
	}
}

// list gives each value of a directive, in order.
func list(t *testing.T, file, key string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), key+"="); ok {
			values = append(values, value)
		}
	}
	return values
}

func TestTheExamplesAndTheServicesPageAgree(t *testing.T) {
	page, err := os.ReadFile("../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range examples(t) {
		if !strings.Contains(string(page), "`"+e.name+"`") {
			t.Errorf("docs/service.md does not name %s", e.name)
		}
	}
	for _, m := range regexp.MustCompile("`([a-z-]+\\.conf)`").FindAllStringSubmatch(string(page), -1) {
		if !slices.ContainsFunc(examples(t), func(e example) bool { return e.name == m[1] }) {
			t.Errorf("docs/service.md names %s, which is not in examples/", m[1])
		}
	}
}

// The page explains each directive of the sandbox.
func TestEveryDirectiveIsExplained(t *testing.T) {
	page, err := os.ReadFile("../docs/service.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, unit := range []string{"enitune.service", "enitune-apply.service"} {
		for key := range directives(t, unit) {
			if key != "Description" && key != "Documentation" && !strings.Contains(string(page), fmt.Sprintf("`%s=", key)) {
				t.Errorf("docs/service.md does not explain %s=", key)
			}
		}
	}
}
