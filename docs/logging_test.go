package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logMethods are those of slog.Logger that take attributes, with the place of
// the first one.
func logMethods() map[string]int {
	return map[string]int{
		"Debug": 1, "Info": 1, "Warn": 1, "Error": 1, "With": 0,
		"DebugContext": 2, "InfoContext": 2, "WarnContext": 2, "ErrorContext": 2, "Log": 3, "LogAttrs": 3,
	}
}

// logCalls collects the keys of the attributes in the log calls of a program.
type logCalls struct {
	t     *testing.T
	files *token.FileSet
	keys  map[string]token.Position
	calls int
}

// function looks at the log calls of one function.
func (l *logCalls) function(f *ast.FuncDecl) {
	spread := false
	ast.Inspect(f, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isLogCall(call) {
			return true
		}
		l.calls++
		first := logMethods()[call.Fun.(*ast.SelectorExpr).Sel.Name]
		if call.Ellipsis.IsValid() {
			spread = true
			return true
		}
		l.pairs(call.Args[min(first, len(call.Args)):])
		return true
	})
	if !spread {
		return
	}
	// The attributes come from a slice that the function makes.
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CompositeLit:
			if isAnySlice(n.Type) {
				l.pairs(n.Elts)
			}
		case *ast.CallExpr:
			if name, ok := n.Fun.(*ast.Ident); ok && name.Name == "append" && strings.HasPrefix(identifier(n.Args[0]), "attrs") && !n.Ellipsis.IsValid() {
				l.pairs(n.Args[1:])
			}
		}
		return true
	})
}

// pairs takes keys and values in turn.
func (l *logCalls) pairs(args []ast.Expr) {
	for i := 0; i < len(args); i += 2 {
		at := l.files.Position(args[i].Pos())
		literal, ok := args[i].(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			l.t.Errorf("%s: the key of an attribute is no literal, so that this test cannot read it", at)
			return
		}
		key, err := strconv.Unquote(literal.Value)
		if err != nil {
			l.t.Fatal(err)
		}
		l.keys[key] = at
	}
}

// isLogCall tells whether a call is one of a logger, by the names: loggers are
// called log or Log everywhere in the program.
func isLogCall(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	_, known := logMethods()[method.Sel.Name]
	return known && strings.EqualFold(identifier(method.X), "log")
}

// identifier is the last name of an expression such as d.o.Log.
func identifier(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

func isAnySlice(e ast.Expr) bool {
	slice, ok := e.(*ast.ArrayType)
	return ok && slice.Len == nil && identifier(slice.Elt) == "any"
}

func TestEveryFieldOfTheLogIsDocumentedAndNoOther(t *testing.T) {
	l := logCalls{t: t, files: token.NewFileSet(), keys: map[string]token.Position{}}
	for _, folder := range []string{"agent", "cmd", "eni", "internal", "metrics", "nic", "plan"} {
		err := filepath.WalkDir(filepath.Join(root, folder), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(l.files, path, nil, 0)
			if err != nil {
				return err
			}
			for _, decl := range file.Decls {
				if f, ok := decl.(*ast.FuncDecl); ok {
					l.function(f)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if l.calls < 20 {
		t.Fatalf("found %d log calls, want at least 20", l.calls)
	}
	var code []string
	for key := range l.keys {
		code = append(code, strings.ToUpper(key))
	}
	documented := firsts(rows(read(t, "logging.md").text, "field", "of", "meaning"))
	slices.Sort(code)
	slices.Sort(documented)
	if d := cmp.Diff(slices.Compact(code), documented); d != "" {
		t.Errorf("fields (-code +docs):\n%s", d)
	}
}
