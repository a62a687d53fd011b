package plain

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestJSONEscapesWhatDoesNotPrint(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":"eth1 é 日本"}`:   `{"a":"eth1 é 日本"}`,
		"{\n\t\"a\": 1\r\n}":  "{\n\t\"a\": 1\r\n}",
		"\"\u009b31m\u007f\"": `"\u009b31m\u007f"`,
		"\"\u202e\ufeff\"":    `"\u202e\ufeff"`,
		"\"\U000e0001\"":      `"\udb40\udc01"`,
		"\"a\\u001b\\\\\"":    `"a\u001b\\"`,
	} {
		if d := cmp.Diff(want, string(JSON([]byte(text)))); d != "" {
			t.Errorf("%q (-want +got):\n%s", text, d)
		}
	}
	var b strings.Builder
	if n, err := Writer(&b).Write([]byte("\"\u009b\"\n")); n != 5 || err != nil || b.String() != `"\u009b"`+"\n" {
		t.Errorf("%d, %v, %q", n, err, b.String())
	}
}

// FuzzJSON: the meaning stays, and all that is left prints.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{"", "eth1", "\x1b[31m", "\u009b\u202e\u2028\U000e0001", "\xff", `\`, `\u009b`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text, err := json.MarshalIndent(map[string]any{"a": []string{s}, s: 1}, "", "\t")
		if err != nil {
			t.Fatal(err)
		}
		got := JSON(text)
		for _, r := range string(got) {
			if !unicode.IsPrint(r) && r != '\n' && r != '\t' {
				t.Fatalf("%U is left in %q", r, got)
			}
		}
		var before, after any
		if err := json.Unmarshal(text, &before); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(got, &after); err != nil {
			t.Fatalf("%v: %q", err, got)
		}
		if d := cmp.Diff(before, after); d != "" {
			t.Errorf("(-before +after):\n%s", d)
		}
	})
}
