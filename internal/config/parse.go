package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxDepth bounds how deep a file may nest without indentation. The YAML parser
// is recursive and slows down with the square of the depth; the schema needs
// five levels.
const maxDepth = 64

// maxKeys bounds how many keys may stand between two items of lists, since the
// YAML parser slows down with the square of a mapping's length.
const maxKeys = 2000

// Parse reads a configuration. The name stands for the file in messages. Keys
// that the data leaves out have Default's values. On failure the error joins a
// *Problem for everything that is wrong, in the order of the lines; of errors
// in the YAML itself only the first can be told.
func Parse(name string, data []byte) (Config, error) {
	d := &decoder{file: name}
	c := Default()
	if body := d.document(data); body != nil {
		d.aliases = resolveAliases(body)
		d.config(value{node: body}, &c)
	}
	if err := join(d.problems); err != nil {
		return Config{}, err
	}
	return c, nil
}

// YAML is the configuration as a file that Parse reads back to the same value.
func (c Config) YAML() []byte {
	out, err := yaml.MarshalWithOptions(c, yaml.IndentSequence(true))
	if err != nil {
		// Config holds only strings, numbers, booleans and types whose
		// MarshalYAML returns one: there is nothing that could not be written.
		panic(fmt.Sprintf("config: %v", err))
	}
	return out
}

// document returns the one document's content, nil if there is none or it could
// not be parsed.
func (d *decoder) document(data []byte) ast.Node {
	if len(data) > MaxSize {
		d.problem(0, 0, "", "is larger than 1 MiB; a configuration has a few kilobytes: is this the right file?")
		return nil
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if line, column, ok := firstBadByte(data); ok {
		d.problem(line, column, "", "is not UTF-8 text; save the file as UTF-8 without control characters")
		return nil
	}
	tokens := lexer.Tokenize(string(data))
	if pos, why := beyondBounds(tokens); pos != nil {
		d.problem(pos.Line, pos.Column, "", "%s; is this the right file?", why)
		return nil
	}
	file, err := parser.Parse(tokens, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		d.syntax(err)
		return nil
	}
	return d.single(file)
}

// single returns the content of a file that has one document.
func (d *decoder) single(file *ast.File) ast.Node {
	var body ast.Node
	for _, doc := range file.Docs {
		switch {
		case doc.Body == nil || doc.Body.Type() == ast.DirectiveType:
		case body != nil:
			d.problemAt(doc.Body, "", "a second document starts; the file holds one: join them, and remove the line ---")
			return nil
		default:
			body = doc.Body
		}
	}
	return body
}

// syntax reports what the YAML parser refused.
func (d *decoder) syntax(err error) {
	var yamlErr yaml.Error
	if !errors.As(err, &yamlErr) || yamlErr.GetToken() == nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		d.problem(0, 0, "", "is not YAML: %s", first)
		return
	}
	message, pos := yamlErr.GetMessage(), yamlErr.GetToken().Position
	switch {
	case strings.ContainsRune(message, '\t') || strings.Contains(message, "tab character"):
		message = "a tab indents this line; YAML takes spaces only"
	case strings.Contains(message, "alias name"):
		message = "* starts an alias and no such anchor (&name) stands before it; quote a pattern that starts with *"
	default:
		message = fmt.Sprintf("not YAML: %s; check the indentation, brackets and quotes here", message)
	}
	d.problem(pos.Line, pos.Column, "", "%s", message)
}

// firstBadByte finds the first byte that YAML text can't hold: broken UTF-8,
// and control characters other than tab and line ends (YAML 1.2.2, section 5.1).
func firstBadByte(data []byte) (line, column int, found bool) {
	line, column = 1, 1
	for len(data) > 0 {
		r, size := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && size == 1, r < ' ' && r != '\t' && r != '\n' && r != '\r', r == 0x7f:
			return line, column, true
		case r == '\n':
			line, column = line+1, 1
		default:
			column++
		}
		data = data[size:]
	}
	return 0, 0, false
}

// beyondBounds finds the first token that nests deeper than maxDepth without a
// new level of indentation (brackets, and openers that follow each other: - - -)
// or is beyond maxKeys in a row, and says which. Deeper indentation needs no
// bound of its own: its cost is in the file's size.
func beyondBounds(tokens token.Tokens) (pos *token.Position, why string) {
	brackets, openers, keys := 0, 0, 0
	for _, t := range tokens {
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType, token.SequenceEntryType:
			keys = 0
		case token.MappingValueType, token.MappingKeyType:
			keys++
		}
		switch t.Type {
		case token.MappingStartType, token.SequenceStartType:
			brackets++
		case token.MappingEndType, token.SequenceEndType:
			brackets--
		case token.SequenceEntryType, token.MappingKeyType, token.MappingValueType, token.AnchorType, token.TagType:
			openers++
		default:
			if t.Prev == nil || t.Prev.Type != token.AnchorType { // else t is the anchor's name
				openers = 0
			}
		}
		if brackets > maxDepth || openers > maxDepth {
			return t.Position, fmt.Sprintf("brackets, dashes, anchors or tags nest deeper than %d, where the configuration needs five levels", maxDepth)
		}
		if keys > maxKeys {
			return t.Position, fmt.Sprintf("more than %d keys follow each other, where the configuration has some thirty", maxKeys)
		}
	}
	return nil, ""
}
