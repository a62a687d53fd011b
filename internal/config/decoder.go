package config

import (
	"fmt"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// decoder reads one document and collects what is wrong with it. It walks the
// syntax tree rather than decode into structs, because it goes on after a
// problem and knows the place of each value.
type decoder struct {
	file     string
	problems []*Problem
	aliases  aliases
	repeats  int // aliases followed so far, up to maxAliases
}

// value is a node together with the path of its key.
type value struct {
	node ast.Node
	path string
}

// field is a key that a mapping may have, with what reads its value.
type field struct {
	key  string
	read func(value)
}

func (d *decoder) problem(line, column int, path, format string, args ...any) {
	d.problems = append(d.problems, &Problem{
		File: d.file, Line: line, Column: column,
		Key: oneLine(path), Message: oneLine(fmt.Sprintf(format, args...)),
	})
}

// oneLine replaces what does not print, such as the line ends of a key that the
// file writes over several lines.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '\ufffd'
	}, s)
}

func (d *decoder) problemAt(n ast.Node, path, format string, args ...any) {
	line, column := 0, 0
	if t := firstToken(n); t != nil && t.Position != nil {
		line, column = t.Position.Line, t.Position.Column
	}
	d.problem(line, column, path, format, args...)
}

// firstToken is where a node starts. A mapping without braces has the token of
// its first colon; it starts with its first key.
func firstToken(n ast.Node) *token.Token {
	if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
		return m.Values[0].Key.GetToken()
	}
	return n.GetToken()
}

// mapping reads a mapping with the given keys. A key without a value (null)
// gives none of them, as when all lines below it are commented out.
func (d *decoder) mapping(v value, fields ...field) {
	node := d.resolve(v)
	if node == nil || node.Type() == ast.NullType {
		return
	}
	entries, ok := d.entries(node, v.path)
	if !ok {
		d.problemAt(node, v.path, "is %s; it must hold keys: %s", kindOf(node), keyList(fields))
		return
	}
	for _, e := range entries {
		at := value{node: e.node, path: joinPath(v.path, e.key)}
		if f, ok := find(fields, e.key); ok {
			f.read(at)
			continue
		}
		d.problemAt(e.keyNode, at.path, "unknown key; %s", hint(e.key, fields))
	}
}

// list reads a list, item by item. The item's path has its index from 0.
func (d *decoder) list(v value, item func(i int, v value)) {
	node := d.resolve(v)
	if node == nil {
		return
	}
	seq, ok := node.(*ast.SequenceNode)
	if !ok {
		d.problemAt(node, v.path, "is %s; it must be a list: [a, b], or [] for none", kindOf(node))
		return
	}
	for i, n := range seq.Values {
		item(i, value{node: n, path: fmt.Sprintf("%s[%d]", v.path, i)})
	}
}

// isNull reports whether a key has no value.
func (d *decoder) isNull(v value) bool {
	return v.node == nil || v.node.Type() == ast.NullType
}

// entry is one key of a mapping with its value.
type entry struct {
	key     string
	keyNode ast.Node
	node    ast.Node
}

// entries lists a mapping's keys, each once: its own first, then those that it
// merges (<<) and does not have. It reports repeated keys, and is false for a
// node that is no mapping.
func (d *decoder) entries(node ast.Node, path string) ([]entry, bool) {
	var own []*ast.MappingValueNode
	switch node := node.(type) {
	case *ast.MappingNode:
		own = node.Values
	case *ast.MappingValueNode:
		own = []*ast.MappingValueNode{node}
	default:
		return nil, false
	}
	var all []entry
	first := map[string]int{} // line of each key
	for _, pair := range own {
		if pair.Key.Type() == ast.MergeKeyType {
			continue
		}
		key := keyText(pair.Key)
		line, repeated := first[key]
		if repeated {
			d.problemAt(pair.Key, joinPath(path, key), "is given twice, first in line %d; keep one", line)
			continue
		}
		first[key] = pair.Key.GetToken().Position.Line
		all = append(all, entry{key: key, keyNode: pair.Key, node: pair.Value})
	}
	for _, pair := range own {
		if pair.Key.Type() != ast.MergeKeyType {
			continue
		}
		for _, e := range d.merged(value{node: pair.Value, path: joinPath(path, "<<")}) {
			if _, have := first[e.key]; !have {
				first[e.key] = e.keyNode.GetToken().Position.Line
				all = append(all, e)
			}
		}
	}
	return all, true
}

// merged lists the keys that a merge key (<<) brings in: those of a mapping, or
// of a list of mappings of which the first that has a key decides.
func (d *decoder) merged(v value) []entry {
	node := d.resolve(v)
	if node == nil {
		return nil
	}
	if seq, ok := node.(*ast.SequenceNode); ok {
		var all []entry
		for _, n := range seq.Values {
			all = append(all, d.merged(value{node: n, path: v.path})...)
		}
		return all
	}
	all, ok := d.entries(node, v.path)
	if !ok {
		d.problemAt(node, v.path, "is %s; << takes an alias of a mapping (*name)", kindOf(node))
	}
	return all
}

// resolve follows anchors and aliases to the value itself. It is nil, with the
// problem reported, where there is none.
func (d *decoder) resolve(v value) ast.Node {
	node := v.node
	for {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			target, ok := d.aliases[n]
			if !ok {
				d.problemAt(n, v.path, "no anchor &%s stands before this alias; define it first, or quote a text that starts with *", n.Value)
				return nil
			}
			if d.repeats++; d.repeats > maxAliases {
				if d.repeats == maxAliases+1 {
					d.problemAt(n, v.path, "the file repeats anchors more than %d times; write the values out", maxAliases)
				}
				return nil
			}
			node = target
		case *ast.TagNode:
			d.problemAt(n, v.path, "has the tag %s; tags are not allowed: remove it", n.GetToken().Value)
			return nil
		case nil:
			return nil
		default:
			return node
		}
	}
}

// keyText is a key as written, without quotes.
func keyText(key ast.MapKeyNode) string {
	if s, ok := key.(*ast.StringNode); ok {
		return s.Value
	}
	return strings.TrimSpace(key.String())
}

func joinPath(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

func find(fields []field, key string) (field, bool) {
	for _, f := range fields {
		if f.key == key {
			return f, true
		}
	}
	return field{}, false
}

// kindOf says in the reader's words what a node is.
func kindOf(n ast.Node) string {
	switch n := n.(type) {
	case *ast.NullNode:
		return "empty"
	case *ast.StringNode:
		return fmt.Sprintf("the text %.80q", n.Value)
	case *ast.LiteralNode:
		return "a block of text"
	case *ast.BoolNode, *ast.IntegerNode:
		return n.GetToken().Value
	case *ast.SequenceNode:
		return "a list"
	case *ast.MappingNode, *ast.MappingValueNode:
		return "a mapping"
	default:
		return fmt.Sprintf("%.80q", n.GetToken().Value)
	}
}
