package logging

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// field is one attribute of a record. Groups are part of the key: group.key.
type field struct{ key, value string }

// sink writes one record with all its fields, in order.
type sink func(ctx context.Context, r slog.Record, fields []field) error

// lineHandler is a slog.Handler that flattens a record for a sink.
type lineHandler struct {
	level  slog.Level
	sink   sink
	fields []field // of WithAttrs
	prefix string  // of WithGroup; ends with a dot, or is ""
}

func newLineHandler(level slog.Level, s sink) *lineHandler {
	return &lineHandler{level: level, sink: s}
}

// Enabled implements slog.Handler.
func (h *lineHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements slog.Handler.
func (h *lineHandler) Handle(ctx context.Context, r slog.Record) error {
	fields := slices.Clone(h.fields)
	r.Attrs(func(a slog.Attr) bool {
		fields = appendAttr(fields, h.prefix, a)
		return true
	})
	return h.sink(ctx, r, fields)
}

// WithAttrs implements slog.Handler.
func (h *lineHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.fields = slices.Clone(h.fields)
	for _, a := range attrs {
		next.fields = appendAttr(next.fields, h.prefix, a)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *lineHandler) WithGroup(name string) slog.Handler {
	next := *h
	if name != "" {
		next.prefix += name + "."
	}
	return &next
}

// appendAttr flattens an attribute, following the rules of slog.Handler: values
// are resolved, empty attributes are dropped, groups without a key are inlined.
func appendAttr(fields []field, prefix string, a slog.Attr) []field {
	a.Value = a.Value.Resolve()
	if a.Equal(slog.Attr{}) {
		return fields
	}
	if a.Value.Kind() != slog.KindGroup {
		return append(fields, field{key: prefix + a.Key, value: a.Value.String()})
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range a.Value.Group() {
		fields = appendAttr(fields, prefix, member)
	}
	return fields
}

// line is the message and its fields: message key=value key="two words".
func line(message string, fields []field) string {
	var b strings.Builder
	b.WriteString(printable(message))
	for _, f := range fields {
		b.WriteByte(' ')
		b.WriteString(quoted(f.key))
		b.WriteByte('=')
		b.WriteString(quoted(f.value))
	}
	return b.String()
}

// quoted quotes a text that would not be seen as one word.
func quoted(s string) string {
	odd := func(r rune) bool { return r == ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) }
	if s == "" || strings.ContainsFunc(s, odd) {
		return strconv.Quote(s)
	}
	return s
}

// printable escapes what could steer a terminal or break the line: names and
// error texts come from outside.
func printable(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return s
	}
	q := strconv.Quote(s)
	return q[1 : len(q)-1]
}
