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
)

// actionsOfCode are the actions that package eni calls: its constants named
// action.
func actionsOfCode(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../eni/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
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

func TestTheReadOnlyPolicyAllowsWhatTheCodeCallsAndNothingElse(t *testing.T) {
	data, err := os.ReadFile("ram-policies/read-only-agent.json")
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Version   string
		Statement []struct {
			Effect, Resource string
			Action           []string
		}
	}
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&policy); err != nil {
		t.Fatal(err)
	}
	if policy.Version != "1" || len(policy.Statement) != 1 || policy.Statement[0].Effect != "Allow" {
		t.Fatalf("want version 1 and one statement that allows, got %+v", policy)
	}
	var reading []string
	for _, action := range actionsOfCode(t) {
		if strings.HasPrefix(action, "ecs:Describe") {
			reading = append(reading, action)
		}
	}
	allowed := slices.Sorted(slices.Values(policy.Statement[0].Action))
	if diff := cmp.Diff(reading, allowed); diff != "" {
		t.Errorf("reading actions (-code +policy):\n%s", diff)
	}
	documented := firsts(rows(read(t, "ram-policies/README.md").text, "action", "called by", "for"))
	slices.Sort(documented)
	if diff := cmp.Diff(allowed, documented); diff != "" {
		t.Errorf("actions (-policy +its README):\n%s", diff)
	}
}
