package eni

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	redacted = "[redacted]"
	// maxText bounds every text that comes from outside into an error or a log.
	maxText = 400
	// maxSnippet bounds the quotation of a reply that was not understood.
	maxSnippet = 80
)

var (
	// signedPair matches name=value of a signed request, plain, percent-encoded
	// and percent-encoded twice (as in a quoted string to sign), and JSON's form.
	signedPair = lazily(`(?i)(AccessKeySecret|SecurityToken|Signature|StsToken|BearerToken)("?\s*(?:=|:|%3D|%253D)\s*"?)[^&\s"]+`)
	// userinfo matches user:password@ in a URL.
	userinfo = lazily(`//[^/@\s"]*@`)
	// queryString matches what follows the question mark of a URL.
	queryString = lazily(`(https?://[^\s"?]*)\?[^\s"]*`)
	// toSign matches the string to sign, which the cloud quotes back when a
	// signature is wrong and which holds the security token.
	toSign = lazily(`(?is)(string to sign is)\s*:?.*`)
)

// secrets are the values that must not leave the package in any text.
type secrets []string

// scrub returns text as one bounded line without the secrets, in any of the
// encodings in which a signed URL carries them, and without the query strings,
// signature parameters and passwords that it recognises by their form.
func (s secrets) scrub(text string) string {
	for _, value := range s {
		if value == "" {
			continue
		}
		once := url.QueryEscape(value)
		for _, form := range []string{url.QueryEscape(once), once, url.PathEscape(value), value} {
			text = strings.ReplaceAll(text, form, redacted)
		}
	}
	text = toSign().ReplaceAllString(text, "${1} "+redacted)
	text = queryString().ReplaceAllString(text, "${1}?"+redacted)
	text = signedPair().ReplaceAllString(text, "${1}${2}"+redacted)
	text = userinfo().ReplaceAllString(text, "//"+redacted+"@")
	return oneLine(text)
}

// link returns a link of the API's with its query, in which it carries all; ""
// if a secret was in it.
func (s secrets) link(text string) string {
	for _, value := range s {
		if value != "" && (strings.Contains(text, value) || strings.Contains(text, url.QueryEscape(value))) {
			return ""
		}
	}
	if signedPair().MatchString(text) || userinfo().MatchString(text) {
		return s.scrub(text)
	}
	return oneLine(text)
}

// snippet quotes the beginning of a reply that was not understood. The secrets
// go before the cut, so that no half of one remains.
func (s secrets) snippet(body []byte) string {
	if len(body) == 0 {
		return "an empty body"
	}
	const enough = 64 << 10
	text := s.scrub(string(body[:min(len(body), enough)]))
	return `"` + strings.ReplaceAll(shorten(text, maxSnippet), `"`, "'") + `"`
}

// oneLine replaces control characters, collapses white space and bounds the length.
func oneLine(text string) string {
	text = strings.ToValidUTF8(text, "\uFFFD")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, text)
	return shorten(strings.Join(strings.Fields(text), " "), maxText)
}

// shorten cuts text after at most limit bytes, at a rune's boundary.
func shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit] + "…"
}
