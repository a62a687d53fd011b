package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// writeBOM completes a bill of materials in CycloneDX's JSON form that
// cyclonedx-gomod made of a binary: each component gets the licences that its files
// grant by their own words, and the agent its own. What differs from one building
// machine to the next, the hashes of that tool itself, is taken out. A component
// that is not among the linked modules is an error.
func writeBOM(bom io.Reader, w io.Writer, list []component) error {
	var document map[string]any
	if err := json.NewDecoder(bom).Decode(&document); err != nil {
		return fmt.Errorf("the bill of materials: %w", err)
	}
	metadata, _ := document["metadata"].(map[string]any)
	program, _ := metadata["component"].(map[string]any)
	dropOwn(document)
	components, _ := document["components"].([]any)
	if program == nil || len(components) == 0 {
		return errors.New("the bill of materials names no program, or no component of it")
	}
	apache2.grantTo(program)
	for _, each := range components {
		entry, _ := each.(map[string]any)
		name, _ := entry["name"].(string)
		version, _ := entry["version"].(string)
		if name == "std" {
			name, version = "Go", "" // as linked calls it
		}
		i := slices.IndexFunc(list, func(c component) bool { return c.path == name && (name == "Go" || c.version == version) })
		if i < 0 {
			return fmt.Errorf("the bill of materials: %s %s is not linked in", name, version)
		}
		list[i].grantTo(entry)
	}
	tools, _ := metadata["tools"].([]any)
	for _, each := range tools {
		if tool, ok := each.(map[string]any); ok {
			delete(tool, "hashes")
		}
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document)
}

// dropOwn takes out the modules that are folders of this repository, in the place of
// others: they are the program itself, under its own licence.
func dropOwn(document map[string]any) {
	components, _ := document["components"].([]any)
	own := map[any]bool{}
	document["components"] = slices.DeleteFunc(components, func(each any) bool {
		entry, _ := each.(map[string]any)
		name, _ := entry["name"].(string)
		if !strings.HasPrefix(name, "./") {
			return false
		}
		if ref := entry["bom-ref"]; ref != nil {
			own[ref] = true
		}
		return true
	})
	dependencies, ok := document["dependencies"].([]any)
	if !ok {
		return
	}
	dependencies = slices.DeleteFunc(dependencies, func(each any) bool {
		entry, _ := each.(map[string]any)
		if on, ok := entry["dependsOn"].([]any); ok {
			entry["dependsOn"] = slices.DeleteFunc(on, func(ref any) bool { return own[ref] })
		}
		return own[entry["ref"]]
	})
	document["dependencies"] = dependencies
}

// grantTo writes a component's licences into its entry, each once.
func (c component) grantTo(entry map[string]any) {
	var ids []string
	for _, f := range c.files {
		if !f.notice {
			ids = append(ids, f.license.spdx())
		}
	}
	slices.Sort(ids)
	entry["licenses"] = licenses(slices.Compact(ids))
}

func (l license) grantTo(entry map[string]any) { entry["licenses"] = licenses([]string{l.spdx()}) }

func licenses(ids []string) []any {
	var list []any
	for _, id := range ids {
		list = append(list, map[string]any{"license": map[string]any{"id": id}})
	}
	return list
}
