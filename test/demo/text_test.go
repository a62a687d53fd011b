package main

import (
	"errors"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWrapBreaksAtSpacesAndCountsNoColours(t *testing.T) {
	for _, tt := range []struct {
		name, line string
		limit      int
		want       []string
	}{
		{"short", "one two", 7, []string{"one two"}},
		{"empty", "", 5, []string{""}},
		{"at the last space that fits", "one two three", 8, []string{"one two", "> three"}},
		{"again and again", "aa bb cc dd", 5, []string{"aa bb", "> cc", "> dd"}},
		{"a long word stays whole", "abcdefgh ij", 4, []string{"abcdefgh", "> ij"}},
		{"a long word alone", "abcdefgh", 4, []string{"abcdefgh"}},
		{"its indent is no place to break", "    abcdefgh ij", 6, []string{"    abcdefgh", "> ij"}},
		{"colours take no column", "\x1b[31mone\x1b[0m two", 7, []string{"\x1b[31mone\x1b[0m two"}},
		{"columns are characters", "ÄÖÜ äöü", 7, []string{"ÄÖÜ äöü"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, wrap(tt.line, "> ", tt.limit)); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzWrapLosesNoWord(f *testing.F) {
	f.Add("level=INFO msg=\"eth1 queues: 1 -> 4\" device=eth1", 20)
	f.Add("\x1b[31mdrift\x1b[0m eth0", 3)
	f.Fuzz(func(t *testing.T, line string, limit int) {
		if strings.ContainsAny(line, "\n\r") {
			t.Skip("not one line")
		}
		got := strings.Fields(strings.Join(wrap(line, "    ", limit), " "))
		if diff := cmp.Diff(strings.Fields(line), got); diff != "" {
			t.Errorf("words (-want +got):\n%s", diff)
		}
	})
}

func TestHeadSaysWhatItLeavesOut(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{
		{"a\nb\n", 2, "a\nb\n"},
		{"a\nb\nc\n", 1, "a\n... (2 more lines)"},
	} {
		if got := head(tt.text, tt.n); got != tt.want {
			t.Errorf("head(%q, %d) = %q, want %q", tt.text, tt.n, got, tt.want)
		}
	}
}

func TestSamplesAreFoundByMetricAndLabels(t *testing.T) {
	s := newSamples("# HELP enitune_drift Drift.\n# TYPE enitune_drift gauge\n" +
		"enitune_drift{device=\"eth0\",setting=\"queues\"} 1\nenitune_drift{device=\"eth1\",setting=\"queues\"} 0\n" +
		"enitune_drift_since_timestamp_seconds{device=\"eth0\",setting=\"queues\"} 1.5e+09\nenitune_desired_stale 0\n")
	for _, tt := range []struct {
		metric string
		labels []string
		want   string
	}{
		{"enitune_drift", []string{`device="eth0"`}, "1"},
		{"enitune_drift", []string{`device="eth1"`, `setting="queues"`}, "0"},
		{"enitune_drift", nil, ""}, // two
		{"enitune_drift", []string{`device="eth2"`}, ""},
		{"enitune_desired_stale", nil, "0"},
	} {
		if got := s.of(tt.metric, tt.labels...).value(); got != tt.want {
			t.Errorf("%s %v: got %q, want %q", tt.metric, tt.labels, got, tt.want)
		}
	}
	if got := len(s.naming(`device="eth0"`)); got != 2 {
		t.Errorf("%d samples of eth0, want 2", got)
	}
}

func TestTheJournalFindsLinesThatCameInPieces(t *testing.T) {
	j := newJournal()
	write := func(text string) {
		if n, err := j.Write([]byte(text)); n != len(text) || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	write("one\ntwo a")
	_, ok, more := j.find(0, []string{"two"})
	if ok {
		t.Error("a line was found before it was complete")
	}
	mark := j.mark()
	write(" b\n")
	select {
	case <-more:
	default:
		t.Error("nobody was told of the second line")
	}
	if line, ok, _ := j.find(mark, []string{"two", "b"}); !ok || line != "two a b" {
		t.Errorf("got %q, %v", line, ok)
	}
	if _, ok, _ := j.find(mark, []string{"one"}); ok {
		t.Error("a line before the mark was found")
	}
	if diff := cmp.Diff([]string{"two a b"}, j.tail(1)); diff != "" {
		t.Errorf("tail (-want +got):\n%s", diff)
	}
}

func TestARefusalNamesItsCauseAndWhatToType(t *testing.T) {
	for _, tt := range []struct {
		name  string
		cause error
		root  bool
		files map[string]string
		want  []string
	}{
		{"the limit is 0", syscall.ENOSPC, false, map[string]string{"user/max_user_namespaces": "0\n"},
			[]string{"user.max_user_namespaces = 0", "sudo make demo", "sysctl -w user.max_user_namespaces=10000"}},
		{"Debian's switch", syscall.EPERM, false, map[string]string{"user/max_user_namespaces": "9000\n", "kernel/unprivileged_userns_clone": "0\n"},
			[]string{"kernel.unprivileged_userns_clone = 0", "sudo make demo", "sysctl -w kernel.unprivileged_userns_clone=1"}},
		{"Ubuntu's AppArmor", syscall.EACCES, false, map[string]string{"kernel/unprivileged_userns_clone": "1\n", "kernel/apparmor_restrict_unprivileged_userns": "1\n"},
			[]string{"kernel.apparmor_restrict_unprivileged_userns = 1", "sudo make demo"}},
		{"something else", syscall.EPERM, false, nil, []string{"refuses private user and network namespaces", "seccomp", "sudo make demo"}},
		{"root in a container", syscall.EPERM, true, nil, []string{"even to root", "--privileged"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !refused(tt.cause) {
				t.Errorf("%v is not taken for a refusal", tt.cause)
			}
			err := explain(tt.cause, tt.root, func(path string) ([]byte, error) {
				text, ok := tt.files[strings.TrimPrefix(path, "/proc/sys/")]
				if !ok {
					return nil, fs.ErrNotExist
				}
				return []byte(text), nil
			})
			if !errors.Is(err, tt.cause) {
				t.Errorf("%v does not wrap %v", err, tt.cause)
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %q\nwant %q in it", err, want)
				}
			}
		})
	}
}

func TestWhatIsHandedOverArrives(t *testing.T) {
	for _, want := range []handed{
		{network: "net:[1]", folder: "/tmp/a b", userNamespace: true, url: "http://127.0.0.1:1"},
		{network: "net:[1]", folder: "/tmp/x"},
	} {
		env := map[string]string{}
		for _, assignment := range want.environ() {
			name, value, _ := strings.Cut(assignment, "=")
			env[name] = value
		}
		got, ok := handedOver(func(key string) (string, bool) { v, ok := env[key]; return v, ok })
		if !ok || got != want {
			t.Errorf("got %+v, %v; want %+v", got, ok, want)
		}
	}
	if _, ok := handedOver(func(string) (string, bool) { return "", false }); ok {
		t.Error("the process that the user starts is taken for the inside")
	}
}

func TestQuotedTextIsOneWordOfTheShell(t *testing.T) {
	if got, want := quote(`it's $HOME`), `'it'\''s $HOME'`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
