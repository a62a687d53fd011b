package eni

import (
	"regexp"
	"strings"
	"testing"
)

// FuzzForms holds the forms that are tested by hand to regular expressions.
func FuzzForms(f *testing.F) {
	word := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	label := regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)
	token := regexp.MustCompile(`^[!-~]{1,1000}$`)
	for _, s := range []string{"", "a", "-", "a-", "-a", "a-b", "A.b_c-", "é", "a\n", "a b", "~", "\x7f", "a\x80",
		strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 128), strings.Repeat("a", 129),
		strings.Repeat("!", 1000), strings.Repeat("!", 1001)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := isWord(s), word.MatchString(s); got != want {
			t.Errorf("isWord(%q) is %v", s, got)
		}
		if got, want := isDNSLabel(s), label.MatchString(s); got != want {
			t.Errorf("isDNSLabel(%q) is %v", s, got)
		}
		if got, want := isToken(s), token.MatchString(s); got != want {
			t.Errorf("isToken(%q) is %v", s, got)
		}
	})
}

func TestThePatternsAreRight(*testing.T) {
	for _, pattern := range []func() *regexp.Regexp{stsCode, nameForm, securityGroupForm, generationForm, signedPair, userinfo, queryString, toSign} {
		pattern() // which panics otherwise, at its first use
	}
}
