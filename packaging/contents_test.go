//go:build packages

package packaging

import (
	"debug/buildinfo"
	"debug/elf"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// listing is what a package holds: of each path, its mode and owner.
type listing map[string]string

func debListing(t *testing.T, path string) listing {
	t.Helper()
	list := listing{}
	for line := range strings.Lines(must(t, "/", "dpkg-deb", "-c", path)) {
		f := strings.Fields(line)
		name := strings.TrimPrefix(strings.TrimSuffix(f[5], "/"), ".")
		// nfpm writes numbers for the file that it makes itself.
		list[name] = f[0] + " " + strings.ReplaceAll(f[1], "0/0", "root/root")
	}
	return list
}

func rpmListing(t *testing.T, path string) listing {
	t.Helper()
	list := listing{}
	for line := range strings.Lines(must(t, "/", need(t, "rpm"), "-qp", "--qf", `[%{FILENAMES} %{FILEMODES:perms} %{FILEUSERNAME}/%{FILEGROUPNAME}\n]`, path)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		list[name] = rest
	}
	return list
}

func (l listing) check(t *testing.T, required []string, zsh string) {
	t.Helper()
	required = append(required, "/usr/bin/enitune", "/usr/lib/systemd/system/enitune.service", "/usr/lib/systemd/system/enitune-apply.service",
		"/etc/enitune/config.yaml", "/usr/share/man/man1/enitune.1.gz", "/usr/share/man/man1/enitune-eni-set.1.gz", "/usr/share/man/man5/enitune-config.5.gz",
		"/usr/share/man/man7/enitune-metrics.7.gz", "/usr/share/bash-completion/completions/enitune", "/usr/share/fish/vendor_completions.d/enitune.fish",
		"/usr/share/doc/enitune/README.md", "/usr/share/doc/enitune/docs/install.md", "/usr/share/doc/enitune/docs/ram-policies/read-only-agent.json",
		"/usr/share/doc/enitune/docs/runbooks/EnituneDrift.md", "/usr/share/doc/enitune/examples/prometheus/enitune-alerts.rules.yml",
		"/usr/share/doc/enitune/examples/prometheus/enitune-recording.rules.yml", "/usr/share/doc/enitune/examples/grafana/enitune-fleet.json", zsh)
	for _, name := range required {
		if _, ok := l[name]; !ok {
			t.Errorf("%s is missing", name)
		}
	}
	// Nothing else, and nothing of the sources.
	may := regexp.MustCompile(`^/usr/share/(man/man[1578]/enitune[a-z.-]*\.[1578]\.gz|doc/enitune/(docs|examples)/[a-zA-Z0-9/_.-]+\.(md|json|conf|rules|yaml|yml|service|timer|png)|licenses/enitune/[A-Z-]+|doc/enitune/CHANGELOG\.md)$`)
	known := map[string]bool{}
	for _, name := range required {
		known[name] = true
	}
	for name, has := range l {
		want := "-rw-r--r-- root/root"
		switch {
		case strings.HasPrefix(has, "d"):
			want = "drwxr-xr-x root/root"
		case name == "/usr/bin/enitune":
			want = "-rwxr-xr-x root/root"
		case !known[name] && !may.MatchString(name):
			t.Errorf("%s does not belong there", name)
		}
		if has != want {
			t.Errorf("%s is %s, want %s", name, has, want)
		}
	}
}

func TestThePackagesHoldWhatTheyShould(t *testing.T) {
	dist := built(t)
	for _, arch := range []string{"amd64", "arm64"} {
		debListing(t, one(t, dist, "*_"+arch+".deb")).check(t, []string{"/usr/share/doc/enitune/copyright", "/usr/share/doc/enitune/changelog.gz",
			"/usr/share/doc/enitune/changelog.Debian.gz", "/usr/share/lintian/overrides/enitune"}, "/usr/share/zsh/vendor-completions/_enitune")
	}
	for _, arch := range []string{"x86_64", "aarch64"} {
		rpmListing(t, one(t, dist, "*."+arch+".rpm")).check(t, []string{"/usr/lib/systemd/system-preset/90-enitune.preset",
			"/usr/share/licenses/enitune/LICENSE", "/usr/share/licenses/enitune/THIRD-PARTY-NOTICES", "/usr/share/doc/enitune/CHANGELOG.md"},
			"/usr/share/zsh/site-functions/_enitune")
	}
}

var relative = regexp.MustCompile(`\]\(([^)#:\s]+)(?:#[^)\s]*)?\)`)

// What the sources have is not all in the packages.
func TestTheInstalledDocumentationHasNoDeadLink(t *testing.T) {
	dir := t.TempDir()
	must(t, dir, "dpkg-deb", "-x", one(t, built(t), "*_amd64.deb"), ".")
	pages := strings.Fields(must(t, dir, "find", "usr/share/doc/enitune", "-name", "*.md"))
	links := 0
	for _, page := range pages {
		text, err := os.ReadFile(filepath.Join(dir, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range relative.FindAllStringSubmatch(string(text), -1) {
			links++
			if _, err := os.Stat(filepath.Join(dir, filepath.Dir(page), m[1])); err != nil {
				t.Errorf("%s: link %s: %v", page, m[1], err)
			}
		}
	}
	if len(pages) < 8 || links < 20 {
		t.Errorf("looked at %d links in %d pages; there are more", links, len(pages))
	}
}

func TestTheRPMNamesTheLicencesOfAllThatIsLinked(t *testing.T) {
	got := must(t, "/", need(t, "rpm"), "-qp", "--qf", "%{LICENSE}", one(t, built(t), "*."+rpmArch()+".rpm"))
	want := must(t, "..", "go", "run", "./packaging/notices", "-format", "spdx")
	if got != want || !strings.Contains(got, "Apache-2.0 AND ") || !strings.Contains(got, "BSD-3-Clause") {
		t.Errorf("License: %s, want %s", got, want)
	}
}

func TestTheConfigurationIsTheOnlyConffile(t *testing.T) {
	deb := one(t, built(t), "*_amd64.deb")
	if got := must(t, "/", "dpkg-deb", "-I", deb, "conffiles"); got != "/etc/enitune/config.yaml" {
		t.Errorf("conffiles: %q", got)
	}
}

func TestTheBinariesAreStaticAndForTheOldestMachines(t *testing.T) {
	for arch, machine := range map[string]elf.Machine{"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64} {
		dir := t.TempDir()
		must(t, dir, "dpkg-deb", "-x", one(t, built(t), "*_"+arch+".deb"), ".")
		path := filepath.Join(dir, "usr/bin/enitune")
		f, err := elf.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if f.Machine != machine {
			t.Errorf("%s: the binary is for %v", arch, f.Machine)
		}
		for _, p := range f.Progs {
			if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
				t.Errorf("%s: the binary is linked dynamically", arch)
			}
		}
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		settings := map[string]string{}
		for _, s := range info.Settings {
			settings[s.Key] = s.Value
		}
		if settings["CGO_ENABLED"] != "0" || settings["-trimpath"] != "true" || (arch == "amd64" && settings["GOAMD64"] != "v1") {
			t.Errorf("%s: built with %v", arch, settings)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), scratch) {
			t.Errorf("%s: the binary tells the folder that it was built in", arch)
		}
	}
}

// The version is the same everywhere, but for the tilde of dpkg and rpm.
func TestThePackagesAndTheBinaryAgreeOnTheVersion(t *testing.T) {
	dist := built(t)
	version := must(t, filepath.Dir(dist), "packaging/version.sh")
	spelled := strings.Replace(version, "-", "~", 1) + "-1"
	if got := must(t, "/", "dpkg-deb", "-f", one(t, dist, "*_"+debArch()+".deb"), "Version"); got != spelled {
		t.Errorf("the .deb has %s, want %s", got, spelled)
	}
	if got := must(t, "/", need(t, "rpm"), "-qp", "--qf", "%{VERSION}-%{RELEASE}", one(t, dist, "*."+rpmArch()+".rpm")); got != spelled {
		t.Errorf("the .rpm has %s, want %s", got, spelled)
	}
	dir := t.TempDir()
	tree := filepath.Join(dir, unpack(t, dist, dir))
	if got := must(t, tree, "./enitune", "version"); !strings.HasPrefix(got, "enitune "+version+" (") {
		t.Errorf("the binary has %s, want %s", got, version)
	}
	page, err := os.ReadFile(filepath.Join(tree, "man/enitune.1"))
	if err != nil || !strings.Contains(string(page), `"enitune `+version+`"`) {
		t.Errorf("the manual has another version: %v", err)
	}
}

func TestLintianAndRpmlintHaveNothingToSay(t *testing.T) {
	dist := built(t)
	debs, err := filepath.Glob(filepath.Join(dist, "*.deb"))
	if err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--allow-root", "-I", "--pedantic", "--fail-on", "error,warning,info,pedantic", "--tag-display-limit", "0"}, debs...)
	if out, err := output("..", need(t, "lintian"), args...); err != nil || out != "" {
		t.Errorf("lintian: %v\n%s", err, out)
	}
	rpms, err := filepath.Glob(filepath.Join(dist, "*.rpm"))
	if err != nil {
		t.Fatal(err)
	}
	out, err := output("..", need(t, "rpmlint"), append([]string{"-c", "packaging/rpm/rpmlint.toml"}, rpms...)...)
	if err != nil || !strings.Contains(out, "2 packages and 0 specfiles checked; 0 errors, 0 warnings") {
		t.Errorf("rpmlint: %v\n%s", err, out)
	}
}

func TestTheScriptsArePOSIXShell(t *testing.T) {
	tool := need(t, "shellcheck")
	for _, pattern := range []string{"*.sh", "deb/*inst", "deb/*rm", "rpm/p*"} {
		scripts, err := filepath.Glob(pattern)
		if err != nil || len(scripts) == 0 {
			t.Fatalf("%s: %v, %v", pattern, scripts, err)
		}
		must(t, ".", "sh", append([]string{"-n"}, scripts...)...)
		must(t, ".", tool, append([]string{"--shell", "sh"}, scripts...)...)
	}
}
