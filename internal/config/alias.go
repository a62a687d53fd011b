package config

import "github.com/goccy/go-yaml/ast"

// maxAliases bounds how many aliases one file may use, counting those within
// the anchors that they repeat, so that a few lines can't stand for millions.
const maxAliases = 1000

// aliases says which value each alias of a document repeats. An alias whose
// anchor does not stand before it is absent; so no value contains itself.
type aliases map[*ast.AliasNode]ast.Node

// resolveAliases walks a document in its order.
func resolveAliases(root ast.Node) aliases {
	v := &aliasVisitor{resolved: aliases{}, anchors: map[string]ast.Node{}}
	v.walk(root)
	return v.resolved
}

type aliasVisitor struct {
	resolved aliases
	anchors  map[string]ast.Node // by name; a later one replaces an earlier
}

func (v *aliasVisitor) walk(n ast.Node) {
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, pair := range n.Values {
			v.walk(pair)
		}
	case *ast.MappingValueNode:
		v.walk(n.Key)
		v.walk(n.Value)
	case *ast.MappingKeyNode:
		v.walk(n.Value)
	case *ast.SequenceNode:
		for _, item := range n.Values {
			v.walk(item)
		}
	case *ast.TagNode:
		v.walk(n.Value)
	case *ast.AnchorNode:
		v.walk(n.Value)
		v.anchors[n.Name.String()] = n.Value
	case *ast.AliasNode:
		if target, ok := v.anchors[n.Value.String()]; ok {
			v.resolved[n] = target
		}
	}
}
