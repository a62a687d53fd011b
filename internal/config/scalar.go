package config

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// The readers below leave dst as it is when they report a problem. What they
// report reads "is <what>; <what is allowed>".

// boolean reads true or false.
func (d *decoder) boolean(v value, dst *bool) {
	switch n := d.resolve(v).(type) {
	case nil:
	case *ast.BoolNode:
		*dst = n.Value
	default:
		d.problemAt(n, v.path, "is %s; it must be true or false, without quotes", kindOf(n))
	}
}

// text reads a string of printable characters for which check has no error.
func (d *decoder) text(v value, dst *string, check func(string) error) {
	var s string
	switch n := d.resolve(v).(type) {
	case nil:
		return
	case *ast.StringNode:
		s = n.Value
	case *ast.LiteralNode:
		s = n.Value.Value
	case *ast.NullNode:
		d.problemAt(n, v.path, `has no value; write "" for none, or remove the key`)
		return
	case *ast.SequenceNode, *ast.MappingNode:
		d.problemAt(n, v.path, "is %s; it must be one text", kindOf(n))
		return
	default:
		d.problemAt(n, v.path, "is %s; it must be text: put it in quotes", kindOf(n))
		return
	}
	err := printable(s)
	if err == nil {
		err = check(s)
	}
	if err != nil {
		d.problemAt(v.node, v.path, "%v", err)
		return
	}
	*dst = s
}

// printable refuses line ends and control characters, which no value needs and
// which would change what a terminal shows.
func printable(s string) error {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return fmt.Errorf("is %.80q, with the character %U that does not print; remove it", s, r)
		}
	}
	return nil
}

// integer reads a whole number from low to high.
func (d *decoder) integer(v value, dst *int, low, high int) {
	node := d.resolve(v)
	if node == nil {
		return
	}
	n, ok := decimal(node)
	if !ok || n < low || n > high {
		d.problemAt(node, v.path, "is %s; it must be a whole number from %d to %d, without quotes", kindOf(node), low, high)
		return
	}
	*dst = n
}

// decimal is the number of a node. Hexadecimal, octal and grouped forms are
// refused: 010 is 8 to one reader and 10 to another.
func decimal(node ast.Node) (int, bool) {
	integer, ok := node.(*ast.IntegerNode)
	if !ok {
		return 0, false
	}
	s := integer.GetToken().Value
	n, err := strconv.Atoi(s)
	return n, err == nil && strconv.Itoa(n) == s
}

// duration reads a length of time from low to high.
func (d *decoder) duration(v value, dst *Duration, low, high time.Duration) {
	allowed := fmt.Sprintf("it must be a time from %s to %s, such as 90s or 2m", Duration(low), Duration(high))
	node := d.resolve(v)
	if node == nil {
		return
	}
	if n, ok := node.(*ast.IntegerNode); ok {
		d.problemAt(n, v.path, "is %s, without a unit; %s", n.GetToken().Value, allowed)
		return
	}
	s, ok := node.(*ast.StringNode)
	if !ok {
		d.problemAt(node, v.path, "is %s; %s", kindOf(node), allowed)
		return
	}
	got, err := time.ParseDuration(s.Value)
	if err != nil || got < low || got > high {
		d.problemAt(node, v.path, "is %.80q; %s", s.Value, allowed)
		return
	}
	*dst = Duration(got)
}

// oneOf reads one of the given words. An empty word stands for "none".
func (d *decoder) oneOf(v value, dst *string, words ...string) {
	d.text(v, dst, func(s string) error {
		for _, w := range words {
			if s == w {
				return nil
			}
		}
		for _, w := range words {
			if strings.EqualFold(s, w) {
				return fmt.Errorf("is %.80q; write it as %s", s, w)
			}
		}
		return fmt.Errorf("is %.80q; it must be one of %s", s, wordList(words))
	})
}

// wordList joins words for a message, without an empty one at the end.
func wordList(words []string) string {
	return strings.TrimSuffix(strings.Join(words, ", "), ", ")
}

// want reads api, max or a number from 1 to high.
func (d *decoder) want(v value, dst *Want, high int) {
	node := d.resolve(v)
	if node == nil {
		return
	}
	if s, ok := node.(*ast.StringNode); ok {
		for _, kind := range []WantKind{WantAPI, WantMax} {
			if s.Value == kind.String() {
				*dst = Want{Kind: kind}
				return
			}
		}
	}
	n, ok := decimal(node)
	if !ok || n < 1 || n > high {
		d.problemAt(node, v.path, "is %s; it must be api, max or a number from 1 to %d, without quotes", kindOf(node), high)
		return
	}
	*dst = Want{Kind: WantNumber, N: n}
}
