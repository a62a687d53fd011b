// Package plain makes JSON that can steer no terminal. encoding/json escapes the
// control characters of ASCII; those of Latin-1, which terminals obey as well, and
// those that turn the direction of writing it writes as they are.
package plain

import (
	"bytes"
	"io"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// JSON gives valid JSON the same meaning without characters that do not print:
// they can only be in strings, and become \u escapes. It may return its argument.
func JSON(text []byte) []byte {
	if bytes.IndexFunc(text, odd) < 0 {
		return text
	}
	out := make([]byte, 0, len(text)+64)
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if odd(r) {
			out = appendEscape(out, r)
		} else {
			out = append(out, text[:size]...)
		}
		text = text[size:]
	}
	return out
}

// odd tells the characters that do not print, and are not the white space between
// JSON's elements.
func odd(r rune) bool { return !unicode.IsPrint(r) && r != '\n' && r != '\t' && r != '\r' }

func appendEscape(out []byte, r rune) []byte {
	if first, second := utf16.EncodeRune(r); first != unicode.ReplacementChar {
		return appendUnit(appendUnit(out, first), second)
	}
	return appendUnit(out, r)
}

// appendUnit appends \u and the four hexadecimal digits of a UTF-16 unit.
func appendUnit(out []byte, unit rune) []byte {
	const digits = "0123456789abcdef"
	return append(out, '\\', 'u', digits[unit>>12&15], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
}

// Writer passes JSON on as JSON makes it. Each write must be whole: no character
// may be divided between two.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ to io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if _, err := w.to.Write(JSON(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
