package main

import (
	"bufio"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

const header = `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: enitune
Source: https://github.com/enitune/enitune
Comment:
 The binary is linked statically. What it holds of other projects is listed by
 the path of its Go module.

Files: *
Copyright: The enitune authors
License: Apache-2.0
`

const apacheBody = `License: Apache-2.0
 Licensed under the Apache License, Version 2.0 (the "License"); you may not use
 these files except in compliance with the License. You may obtain a copy of the
 License at
 .
     http://www.apache.org/licenses/LICENSE-2.0
 .
 Unless required by applicable law or agreed to in writing, software distributed
 under the License is distributed on an "AS IS" BASIS, WITHOUT WARRANTIES OR
 CONDITIONS OF ANY KIND, either express or implied. See the License for the
 specific language governing permissions and limitations under the License.
 .
 On Debian systems, the complete text of the Apache License, Version 2.0 can be
 found in /usr/share/common-licenses/Apache-2.0.
`

// writeDEP5 writes Debian's copyright file. Licences that name their authors
// within the text are given in full for each component, because they differ.
func writeDEP5(w io.Writer, list []component) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, header)
	for _, c := range list {
		notices, who := c.notices(), c.holders()
		for _, f := range c.files {
			if f.notice {
				continue
			}
			fmt.Fprintf(b, "\nFiles: %s\n", c.glob(f))
			own := holders(f.text)
			if len(own) == 0 {
				own = who
			}
			fmt.Fprintf(b, "Copyright: %s\n", strings.Join(own, "\n           "))
			if f.license == apache2 {
				fmt.Fprintf(b, "License: %s\n", f.license)
			} else {
				fmt.Fprintf(b, "License: %s\n%s", f.license, indent(f.text))
			}
			if notices != "" {
				fmt.Fprintf(b, "Comment:\n%s", indent(notices))
			}
		}
	}
	fmt.Fprintf(b, "\n%s", apacheBody)
	return b.Flush()
}

// glob is the files of a component that a licence is for.
func (c component) glob(f file) string {
	dir := ""
	if i := strings.LastIndex(f.name, "/"); i >= 0 {
		dir = f.name[:i+1]
	}
	name := c.path + "/" + dir + "*"
	// A second licence in the same folder is for a part that its name tells.
	for _, other := range c.files {
		if !other.notice && other.name != f.name && strings.HasPrefix(f.name, dir) && other.name == dir+"LICENSE" {
			if ext := strings.TrimPrefix(f.name, dir+"LICENSE"); ext != f.name && ext != "" {
				return c.path + "/" + dir + strings.TrimPrefix(ext, ".") + "/*"
			}
		}
	}
	return name
}

func (c component) notices() string {
	var texts []string
	for _, f := range c.files {
		if f.notice {
			texts = append(texts, f.text)
		}
	}
	return strings.Join(texts, "\n")
}

// holders of a component whose licence names nobody.
func (c component) holders() []string {
	if list := holders(c.notices()); len(list) > 0 {
		return list
	}
	return []string{"The authors of " + c.path}
}

// indent makes a text the continuation of a field.
func indent(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\n")
		if line == "" {
			line = "."
		}
		fmt.Fprintf(&b, " %s\n", line)
	}
	return b.String()
}

// writeSPDX writes the licences of the agent and of all that is linked in. Each
// of them applies to a part, so that they are joined by AND.
func writeSPDX(w io.Writer, list []component) error {
	ids := map[string]bool{apache2.spdx(): true}
	for _, c := range list {
		for _, f := range c.files {
			if !f.notice {
				ids[f.license.spdx()] = true
			}
		}
	}
	_, err := fmt.Fprintln(w, strings.Join(slices.Sorted(maps.Keys(ids)), " AND "))
	return err
}

// writeText writes every licence and notice in full.
func writeText(w io.Writer, list []component) error {
	b := bufio.NewWriter(w)
	fmt.Fprint(b, "enitune is licensed under the Apache License, Version 2.0, see LICENSE.\n",
		"Its binary holds the following works of others.\n")
	for _, c := range list {
		for _, f := range c.files {
			title := strings.TrimSpace(c.path+" "+c.version) + ": " + f.name
			fmt.Fprintf(b, "\n%s\n%s\n\n%s", title, strings.Repeat("=", len(title)), f.text)
		}
	}
	return b.Flush()
}
