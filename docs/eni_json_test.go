package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/enireport"
)

func TestEveryFieldOfTheENIDocumentsIsDocumentedAndNoOther(t *testing.T) {
	for _, tt := range []struct {
		heading string
		of      reflect.Type
		below   string // fields documented under a heading of their own
	}{
		{"Fields of eni list", reflect.TypeFor[enireport.List](), "enis[]."},
		{"Fields of eni show", reflect.TypeFor[enireport.One](), "eni."},
		{"Fields of an ENI", reflect.TypeFor[enireport.ENI](), "none"},
		{"Fields of eni limits", reflect.TypeFor[enireport.Limits](), "none"},
		{"Fields of eni set", reflect.TypeFor[enireport.Change](), "none"},
	} {
		t.Run(tt.heading, func(t *testing.T) {
			want := slices.DeleteFunc(fields(tt.of, ""), func(f field) bool { return strings.HasPrefix(f.Path, tt.below) })
			var documented []field
			for _, cells := range rows(read(t, "json.md").section(t, tt.heading), "field", "type", "meaning") {
				documented = append(documented, field{strings.Trim(cells[0], "`"), strings.Contains(cells[2], "*Optional*")})
			}
			if diff := cmp.Diff(want, documented); diff != "" {
				t.Errorf("fields and which are optional (-code +docs):\n%s", diff)
			}
		})
	}
}

func TestEveryValueOfTheENIDocumentsIsDocumentedAndNoOther(t *testing.T) {
	for _, tt := range []struct {
		heading string
		header  []string
		values  []string
	}{
		{"Limits", []string{"value", "meaning"}, constants(t, "../internal/enireport/limits.go", "LimitName")},
		{"Results", []string{"value", "meaning"}, constants(t, "../internal/enireport/change.go", "Result")},
		{"Exit codes of eni set", []string{"code", "meaning"}, exitCodes(t)},
	} {
		documented := firsts(rows(read(t, "json.md").section(t, tt.heading), tt.header...))
		if diff := cmp.Diff(tt.values, documented); diff != "" {
			t.Errorf("%s (-code +docs):\n%s", tt.heading, diff)
		}
	}
}

// exitCodes are the constants named Exit… of package enireport.
func exitCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../internal/enireport/change.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "Exit") {
			list = append(list, spec.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	return list
}
