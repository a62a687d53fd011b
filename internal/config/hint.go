package config

import (
	"reflect"
	"slices"
	"strings"
)

// hint says what an unknown key may have been meant to be: a sibling spelled
// nearly like it, the same key elsewhere in the file, or what is allowed here.
func hint(key string, fields []field) string {
	best, distance := "", 3 // one or two slips
	for _, f := range fields {
		if got := editDistance(plain(key), plain(f.key)); got < distance && got < len(f.key)/2 {
			best, distance = f.key, got
		}
	}
	if best != "" {
		return "did you mean " + best + "?"
	}
	for _, path := range Keys() {
		if path == key || strings.HasSuffix(path, "."+key) {
			return "it belongs at " + path + ": check the indentation; allowed here: " + keyList(fields)
		}
	}
	return "allowed here: " + keyList(fields)
}

// plain drops what tells refresh_interval from refreshInterval.
func plain(key string) string {
	return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(key))
}

// editDistance counts the characters to insert, remove or replace to turn a
// into b (Levenshtein). Keys are short; one longer than 64 bytes is far from all.
func editDistance(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

func keyList(fields []field) string {
	keys := make([]string, len(fields))
	for i, f := range fields {
		keys[i] = f.key
	}
	return strings.Join(keys, ", ")
}

// Keys lists the path of every key of the file, in the order of Config. Those
// of a rule start with "nics[].".
func Keys() []string {
	return slices.Clip(keysOf(reflect.TypeFor[Config](), ""))
}

func keysOf(t reflect.Type, path string) []string {
	var keys []string
	for f := range t.Fields() {
		at := joinPath(path, f.Tag.Get("yaml"))
		keys = append(keys, at)
		elem := f.Type
		if elem.Kind() == reflect.Slice {
			elem, at = elem.Elem(), at+"[]"
		}
		if _, scalar := reflect.Zero(elem).Interface().(interface{ MarshalYAML() (any, error) }); elem.Kind() == reflect.Struct && !scalar {
			keys = append(keys, keysOf(elem, at)...)
		}
	}
	return keys
}
