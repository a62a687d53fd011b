package eni

import (
	"regexp"
	"strings"
	"sync"
)

// lazily compiles a regular expression when it is first used: most runs use none, and
// all of them together take a millisecond.
func lazily(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

const (
	lower        = "abcdefghijklmnopqrstuvwxyz"
	alphanumeric = lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
)

// The most bytes of what isWord, isDNSLabel and isToken accept.
const (
	mostWord     = 128
	mostDNSLabel = 63
	mostToken    = 1000
)

// isWord tells the shape of ids, codes, regions and types: letters, digits, and then
// also dots, underscores and hyphens. Anything else in their place is not one of them.
func isWord(s string) bool {
	return len(s) <= mostWord && hasForm(s, alphanumeric, alphanumeric+"._-")
}

// isDNSLabel tells RFC 1123's label, lower case.
func isDNSLabel(s string) bool {
	const ends = lower + "0123456789"
	return len(s) <= mostDNSLabel && hasForm(s, ends, ends+"-") && s[len(s)-1] != '-'
}

// isToken tells what can be sent in a header; the service gives base64.
func isToken(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= mostToken
}

// hasForm tells whether a text begins with one of the first bytes and goes on with
// others alone.
func hasForm(s, first, others string) bool {
	return s != "" && strings.IndexByte(first, s[0]) >= 0 && strings.Trim(s, others) == ""
}
