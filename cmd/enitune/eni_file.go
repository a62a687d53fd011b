package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/enitune/enitune/eni"
)

// maxChangeFile bounds the file of `eni set --file`, in bytes. With every
// parameter given it has less than 2 KiB.
const maxChangeFile = 16 << 10

// readChangeFile reads the modification in a file, or with "-" on standard
// input. Its errors name file, line, column and key.
func readChangeFile(ctx context.Context, path string, stdin *os.File) (eni.Modification, error) {
	var in io.Reader = pollReader{ctx, stdin}
	name := "standard input"
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return eni.Modification{}, fmt.Errorf("--file: %w; name a YAML file, or - for standard input", err)
		}
		defer f.Close()
		in, name = f, path
	}
	data, err := io.ReadAll(io.LimitReader(in, maxChangeFile+1))
	if err != nil {
		return eni.Modification{}, fmt.Errorf("--file %s: %w", name, err)
	}
	return parseChange(name, data)
}

// parseChange reads a modification written as YAML. It is strict: an unknown or
// repeated key, a wrong type and an empty value are errors, all told at once. A
// byte order mark in front, which some editors write, is no part of the text.
// Values are plain: no anchors, aliases, tags or second document.
func parseChange(name string, data []byte) (eni.Modification, error) {
	d := &changeDecoder{file: name}
	switch {
	case len(data) > maxChangeFile:
		return eni.Modification{}, fmt.Errorf("%s: is larger than %d KiB; is this the right file?", name, maxChangeFile>>10)
	case !utf8.Valid(data):
		return eni.Modification{}, fmt.Errorf("%s: is not UTF-8 text; save the file as UTF-8", name)
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	file, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		return eni.Modification{}, d.syntax(err)
	}
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil:
		case body != nil:
			d.problem(doc.Body, "", "a second document starts; the file holds one: remove the line ---")
		default:
			body = doc.Body
		}
	}
	if body == nil {
		return eni.Modification{}, fmt.Errorf("%s: holds no parameter; write at least one, such as queue_number: 8", name)
	}
	d.mapping(body, "")
	if len(d.problems) > 0 {
		return eni.Modification{}, d.join()
	}
	return d.m, nil
}

// changeDecoder walks the syntax tree, because it goes on after a problem and
// knows the place of each value.
type changeDecoder struct {
	file     string
	m        eni.Modification
	problems []placed
}

// placed is a problem with its place.
type placed struct {
	line, column int
	text         string
}

func (d *changeDecoder) problem(n ast.Node, key, format string, args ...any) {
	p := placed{text: fmt.Sprintf(format, args...)}
	if key != "" {
		p.text = key + ": " + p.text
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		p.line, p.column = t.Position.Line, t.Position.Column
	}
	d.problems = append(d.problems, p)
}

func (d *changeDecoder) join() error {
	slices.SortStableFunc(d.problems, func(a, b placed) int {
		return cmp.Or(cmp.Compare(a.line, b.line), cmp.Compare(a.column, b.column))
	})
	var errs []error
	for _, p := range d.problems {
		errs = append(errs, fmt.Errorf("%s:%d:%d: %s", d.file, p.line, p.column, p.text))
	}
	return errors.Join(errs...)
}

// syntax tells what the YAML parser refused, in one line.
func (d *changeDecoder) syntax(err error) error {
	var yamlErr yaml.Error
	if !errors.As(err, &yamlErr) || yamlErr.GetToken() == nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return fmt.Errorf("%s: is not YAML: %s", d.file, first)
	}
	pos, message := yamlErr.GetToken().Position, yamlErr.GetMessage()
	if strings.ContainsRune(message, '\t') || strings.Contains(message, "tab character") {
		message = "a tab indents this line; YAML takes spaces only"
	}
	return fmt.Errorf("%s:%d:%d: not YAML: %s", d.file, pos.Line, pos.Column, strings.Join(strings.Fields(message), " "))
}

// mapping reads the keys below a prefix: "" or "traffic_config." and the like.
func (d *changeDecoder) mapping(node ast.Node, prefix string) {
	pairs, ok := pairsOf(node)
	if !ok {
		d.problem(node, strings.TrimSuffix(prefix, "."), "is %s; want keys: %s", kindOf(node), strings.Join(keysBelow(prefix), ", "))
		return
	}
	if len(pairs) == 0 {
		d.problem(node, strings.TrimSuffix(prefix, "."), "is empty; want keys: %s", strings.Join(keysBelow(prefix), ", "))
	}
	first := map[string]int{}
	for _, pair := range pairs {
		key := prefix + keyText(pair.Key)
		if line, again := first[key]; again {
			d.problem(pair.Key, key, "is given twice, first in line %d; keep one", line)
			continue
		}
		first[key] = pair.Key.GetToken().Position.Line
		d.entry(pair, key, prefix)
	}
}

func (d *changeDecoder) entry(pair *ast.MappingValueNode, key, prefix string) {
	all := parameters()
	if i := slices.IndexFunc(all, func(p parameter) bool { return p.key == key }); i >= 0 {
		d.value(pair.Value, all[i])
		return
	}
	if slices.ContainsFunc(all, func(p parameter) bool { return strings.HasPrefix(p.key, key+".") }) {
		d.mapping(pair.Value, key+".")
		return
	}
	d.problem(pair.Key, key, "unknown key; allowed here: %s", strings.Join(keysBelow(prefix), ", "))
}

// value reads one parameter. Quoted numbers and unquoted texts that look like
// another type are refused, as a reader of the file may see either.
func (d *changeDecoder) value(node ast.Node, p parameter) {
	switch {
	case p.number != nil:
		if n, ok := node.(*ast.IntegerNode); ok {
			if v, ok := decimal(n.GetToken().Value); ok {
				*p.number(&d.m) = &v
				return
			}
		}
		d.problem(node, p.key, "is %s; want a whole number in decimal digits, without quotes", kindOf(node))
	case p.boolean != nil:
		if b, ok := node.(*ast.BoolNode); ok && (b.GetToken().Value == "true" || b.GetToken().Value == "false") {
			v := b.Value
			*p.boolean(&d.m) = &v
			return
		}
		d.problem(node, p.key, "is %s; want true or false, without quotes", kindOf(node))
	case p.list != nil:
		d.texts(node, p)
	default:
		if s, ok := d.text(node, p.key); ok {
			*p.text(&d.m) = &s
		}
	}
}

func (d *changeDecoder) texts(node ast.Node, p parameter) {
	seq, ok := node.(*ast.SequenceNode)
	if !ok || len(seq.Values) == 0 {
		d.problem(node, p.key, "is %s; want a list of at least one: [a, b]", kindOf(node))
		return
	}
	for i, item := range seq.Values {
		if s, ok := d.text(item, fmt.Sprintf("%s[%d]", p.key, i)); ok {
			*p.list(&d.m) = append(*p.list(&d.m), s)
		}
	}
}

func (d *changeDecoder) text(node ast.Node, key string) (string, bool) {
	s, ok := node.(*ast.StringNode)
	if !ok {
		d.problem(node, key, "is %s; want text: put it in quotes", kindOf(node))
		return "", false
	}
	if err := checkPrintable(s.Value); err != nil {
		d.problem(node, key, "%v", err)
		return "", false
	}
	return s.Value, true
}

func pairsOf(node ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := node.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	default:
		return nil, false
	}
}

func keyText(k ast.MapKeyNode) string {
	if s, ok := k.(*ast.StringNode); ok {
		return s.Value
	}
	return k.String()
}

// keysBelow lists the keys that may stand in the mapping of a prefix.
func keysBelow(prefix string) []string {
	var keys []string
	for _, p := range parameters() {
		rest, ok := strings.CutPrefix(p.key, prefix)
		if !ok {
			continue
		}
		if key, _, _ := strings.Cut(rest, "."); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// kindOf names what stands where something else should.
func kindOf(node ast.Node) string {
	switch n := node.(type) {
	case *ast.NullNode:
		return "empty"
	case *ast.StringNode:
		return fmt.Sprintf("the text %.80q", n.Value)
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	case *ast.SequenceNode:
		return "a list"
	case *ast.AnchorNode, *ast.AliasNode, *ast.TagNode, *ast.MergeKeyNode:
		return "an anchor, alias or tag"
	case *ast.LiteralNode:
		return "a text of several lines"
	default:
		return fmt.Sprintf("%.80q", strings.TrimSpace(node.String()))
	}
}
