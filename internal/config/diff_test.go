package config

import (
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestDiffNamesTheKeysThatDiffer(t *testing.T) {
	a, b := Default(), Default()
	if keys := Diff(a, b); len(keys) != 0 {
		t.Errorf("of equal configurations: %q", keys)
	}
	b.Reconcile.Mode = ModeObserve
	b.Reconcile.ChangeBudget.Burst = 7
	b.NICs = []Rule{DefaultRule()}
	b.Web.Listen = []string{":1"}
	want := []string{"reconcile.mode", "reconcile.change_budget.burst", "nics", "web.listen"}
	if d := cmp.Diff(want, Diff(a, b)); d != "" {
		t.Error(d)
	}
}

func TestDiffSeesEveryKey(t *testing.T) {
	for _, key := range Diff(Config{}, Default()) {
		if key == "" || key[0] == '.' || key[len(key)-1] == '.' {
			t.Errorf("the key %q has no name in the file", key)
		}
	}
	named(t, reflect.TypeFor[Config]())
}

// named fails for a field of the file without a name.
func named(t *testing.T, s reflect.Type) {
	t.Helper()
	for f := range s.Fields() {
		if f.Tag.Get("yaml") == "" {
			t.Errorf("%s.%s has no yaml name", s, f.Name)
		}
		if f.Type.Kind() == reflect.Struct {
			named(t, f.Type)
		}
	}
}
