package docs

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/internal/doctor"
)

// functions are the functions and methods of a package of ours.
func functions(t *testing.T, dir string) []*ast.FuncDecl {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	var list []*ast.FuncDecl
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				list = append(list, f)
			}
		}
	}
	return list
}

// actionsOfCode are the ECS actions that functions of package eni call: their
// constants named action. Without names it is those of all functions.
func actionsOfCode(t *testing.T, names ...string) []string {
	t.Helper()
	var actions []string
	for _, f := range functions(t, "../eni") {
		if len(names) > 0 && !slices.Contains(names, f.Name.Name) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Names) != 1 || spec.Names[0].Name != "action" || len(spec.Values) != 1 {
				return true
			}
			if lit, ok := spec.Values[0].(*ast.BasicLit); ok {
				name, err := strconv.Unquote(lit.Value)
				if err != nil {
					t.Fatal(err)
				}
				actions = append(actions, "ecs:"+name)
			}
			return true
		})
	}
	slices.Sort(actions)
	return slices.Compact(actions)
}

// actionsOfRole are the actions that the doctor holds a role to need.
func actionsOfRole(role doctor.Role) []string {
	var actions []string
	for _, p := range doctor.Permissions() {
		if p.Role <= role {
			actions = append(actions, "ecs:"+p.Action)
		}
	}
	slices.Sort(actions)
	return actions
}

// statement is one of a RAM policy.
type statement struct {
	Effect           string
	Action, Resource []string
}

func policy(t *testing.T, name string) []statement {
	t.Helper()
	data, err := os.ReadFile("ram-policies/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var p struct {
		Version   string
		Statement []statement
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&p); err != nil {
		t.Fatal(err)
	}
	if p.Version != "1" {
		t.Errorf("%s: version %q, want 1", name, p.Version)
	}
	return p.Statement
}

func TestEachPolicyAllowsWhatItsRoleNeedsAndNothingElse(t *testing.T) {
	for _, role := range doctor.Roles() {
		t.Run(role.String(), func(t *testing.T) {
			var allowed []string
			for _, s := range policy(t, role.String()) {
				if s.Effect != "Allow" {
					t.Errorf("effect %q, want Allow", s.Effect)
				}
				allowed = append(allowed, s.Action...)
				writes := slices.ContainsFunc(s.Action, func(a string) bool { return !strings.HasPrefix(a, "ecs:Describe") })
				if writes && slices.Contains(s.Resource, "*") {
					t.Errorf("%v is allowed on everything", s.Action)
				}
			}
			slices.Sort(allowed)
			if diff := cmp.Diff(actionsOfRole(role), allowed); diff != "" {
				t.Errorf("actions (-role +policy):\n%s", diff)
			}
		})
	}
}

func TestTheRolesNeedWhatTheCodeCalls(t *testing.T) {
	if diff := cmp.Diff(actionsOfCode(t), actionsOfRole(doctor.RoleOperator)); diff != "" {
		t.Errorf("all actions (-code +roles):\n%s", diff)
	}
	// The agent's interface to the API names what it calls.
	if diff := cmp.Diff(actionsOfCode(t, methods(t, "../agent/cloud.go", "API")...), actionsOfRole(doctor.RoleAgent)); diff != "" {
		t.Errorf("the agent's actions (-code +roles):\n%s", diff)
	}
	for _, action := range actionsOfRole(doctor.RoleReader) {
		if !strings.HasPrefix(action, "ecs:Describe") {
			t.Errorf("a reader needs %s", action)
		}
	}
}

// methods are those of an interface in a Go file.
func methods(t *testing.T, file, name string) []string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != name {
			return true
		}
		for _, m := range spec.Type.(*ast.InterfaceType).Methods.List {
			list = append(list, m.Names[0].Name)
		}
		return false
	})
	if len(list) == 0 {
		t.Fatalf("%s has no interface %s", file, name)
	}
	return list
}

func TestTheActionsAreDocumentedUnderTheirPolicies(t *testing.T) {
	var want, documented [][]string
	for _, p := range doctor.Permissions() {
		want = append(want, []string{"ecs:" + p.Action, p.Role.String()})
	}
	for _, cells := range rows(read(t, "ram-policies/README.md").section(t, "Actions"), "action", "policy", "for") {
		documented = append(documented, []string{strings.Trim(cells[0], "`"), strings.Trim(cells[1], "`")})
	}
	if diff := cmp.Diff(want, documented); diff != "" {
		t.Errorf("(-code +README):\n%s", diff)
	}
}
