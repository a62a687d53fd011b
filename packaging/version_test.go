package packaging

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// repository is a throw-away git repository that holds version.sh.
type repository struct {
	t   *testing.T
	dir string
	env []string
}

func newRepository(t *testing.T) repository {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Fatal(err)
	}
	r := unpacked(t, t.TempDir())
	r.git("init", "-q")
	r.write("CHANGELOG.md", "# Changelog\n\n## Unreleased: 0.3.0\n\nMore.\n\n## 0.2.0\n")
	r.git("add", ".")
	r.git("commit", "-q", "-m", "one")
	return r
}

// unpacked is a copy without git.
func unpacked(t *testing.T, dir string) repository {
	t.Helper()
	r := repository{t: t, dir: dir, env: append(os.Environ(), "VERSION=", "SOURCE_DATE_EPOCH=", "TZ=UTC",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir),
		"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE=2026-01-02T03:04:05+08:00",
		"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE=2026-01-02T03:04:05+08:00")}
	script, err := os.ReadFile("version.sh")
	if err != nil {
		t.Fatal(err)
	}
	r.write("packaging/version.sh", string(script))
	return r
}

func (r repository) write(name, text string) {
	r.t.Helper()
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		r.t.Fatal(err)
	}
}

func (r repository) git(args ...string) string {
	r.t.Helper()
	return r.run("git", args...)
}

func (r repository) commit(message string) { r.git("commit", "-q", "--allow-empty", "-m", message) }

func (r repository) version(args ...string) string {
	r.t.Helper()
	return r.run("sh", append([]string{"packaging/version.sh"}, args...)...)
}

func (r repository) run(name string, args ...string) string {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), name, args...)
	cmd.Dir, cmd.Env = r.dir, r.env
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// hash is the commit as it stands in a version.
func (r repository) hash() string { return r.git("rev-parse", "--short=12", "HEAD") }

func (r repository) want(what, want string) {
	r.t.Helper()
	if got := r.version(); got != want {
		r.t.Errorf("%s: version %s, want %s", what, got, want)
	}
}

func TestATaggedCommitHasTheTagsVersion(t *testing.T) {
	r := newRepository(t)
	r.git("tag", "v0.2.0")
	r.want("a lightweight tag", "0.2.0")
	r.commit("two")
	r.git("tag", "-a", "-m", "release", "v0.3.0-rc.1")
	r.want("an annotated tag of a pre-release", "0.3.0-rc.1")
	r.git("tag", "other")
	r.want("a tag that is no version beside it", "0.3.0-rc.1")
}

func TestCommitsAfterATagAreCounted(t *testing.T) {
	r := newRepository(t)
	r.git("tag", "v0.2.0")
	r.commit("two")
	r.commit("three")
	r.want("two commits later", "0.2.0+2.g"+r.hash())
	r.git("config", "core.abbrev", "7")
	r.want("where hashes are short", "0.2.0+2.g"+r.hash())
}

func TestBeforeTheFirstTagItIsAPreReleaseOfTheNextVersion(t *testing.T) {
	r := newRepository(t)
	r.want("one commit", "0.3.0-dev.1+g"+r.hash())
	r.commit("two")
	r.want("two commits", "0.3.0-dev.2+g"+r.hash())
	r.write("CHANGELOG.md", "# Changelog\n")
	r.git("commit", "-q", "-a", "-m", "three")
	r.want("no next version", "0.0.0-dev.3+g"+r.hash())
}

func TestUncommittedChangesShow(t *testing.T) {
	r := newRepository(t)
	r.write("untracked", "")
	r.want("a file that git does not know", "0.3.0-dev.1+g"+r.hash())
	r.write("CHANGELOG.md", "## Unreleased: 0.3.0\n")
	r.want("before the first tag", "0.3.0-dev.1+g"+r.hash()+".dirty")
	r.git("tag", "v0.3.0")
	r.want("at a tag", "0.3.0+dirty")
}

func TestVersionInTheEnvironmentWins(t *testing.T) {
	r := newRepository(t)
	for _, given := range []string{"v1.2.3", "1.2.3"} {
		r.env = append(r.env, "VERSION="+given)
		r.want(given, "1.2.3")
	}
}

func TestOutsideOfGitItIsDev(t *testing.T) {
	r := unpacked(t, t.TempDir())
	r.write("CHANGELOG.md", "## Unreleased: 0.3.0\n")
	r.want("no repository", "dev")
	if got := r.version("commit"); got != "" {
		t.Errorf("commit %q, want none", got)
	}
	r.run("touch", "-d", "2026-02-03T04:05:06Z", "CHANGELOG.md")
	if got := r.version("date"); got != "2026-02-03T04:05:06Z" {
		t.Errorf("date %s, want that of the changelog", got)
	}
}

func TestAnotherRepositoryAroundIsNotAsked(t *testing.T) {
	outer := newRepository(t)
	outer.git("tag", "v9.9.9")
	inner := unpacked(t, filepath.Join(outer.dir, "enitune"))
	inner.want("a copy within", "dev")
}

func TestTheDateIsTheCommits(t *testing.T) {
	r := newRepository(t)
	if got := r.version("date"); got != "2026-01-01T19:04:05Z" {
		t.Errorf("date %s, want the commit's in UTC", got)
	}
	if got := r.version("epoch"); got != "1767294245" {
		t.Errorf("epoch %s", got)
	}
	r.env = append(r.env, "SOURCE_DATE_EPOCH=1700000000")
	if got := r.version("date"); got != "2023-11-14T22:13:20Z" {
		t.Errorf("date %s, want SOURCE_DATE_EPOCH's", got)
	}
}
