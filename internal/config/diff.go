package config

import (
	"reflect"
	"strings"
)

// Diff lists the keys whose values differ between two configurations, in the
// order of the file: reconcile.mode, web.listen. Lists count as one value.
func Diff(a, b Config) []string {
	return diff("", reflect.ValueOf(a), reflect.ValueOf(b))
}

func diff(key string, a, b reflect.Value) []string {
	if a.Kind() != reflect.Struct {
		if reflect.DeepEqual(a.Interface(), b.Interface()) {
			return nil
		}
		return []string{key}
	}
	var keys []string
	for i := range a.NumField() {
		name, _, _ := strings.Cut(a.Type().Field(i).Tag.Get("yaml"), ",")
		if key != "" {
			name = key + "." + name
		}
		keys = append(keys, diff(name, a.Field(i), b.Field(i))...)
	}
	return keys
}
