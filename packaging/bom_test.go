//go:build packages

package packaging

import (
	"debug/buildinfo"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// allowed are the licences, as SPDX names them, whose works may be linked into the
// binary.
func allowed() []string {
	return []string{"Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"}
}

type bomComponent struct {
	Name, Version string
	Licenses      []struct{ License struct{ ID string } }
}

func TestTheBillOfMaterialsHasAllThatIsLinkedAndItsLicences(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64"} {
		t.Run(arch, func(t *testing.T) {
			data, err := os.ReadFile(one(t, built(t), "enitune-*-linux-"+arch+".cdx.json"))
			if err != nil {
				t.Fatal(err)
			}
			var bom struct {
				BOMFormat    string
				SerialNumber *string
				Metadata     struct {
					Timestamp *string
					Component bomComponent
				}
				Components []bomComponent
			}
			if err := json.Unmarshal(data, &bom); err != nil {
				t.Fatal(err)
			}
			if bom.BOMFormat != "CycloneDX" || bom.SerialNumber != nil || bom.Metadata.Timestamp != nil {
				t.Errorf("format %q, serial number %v, time %v", bom.BOMFormat, bom.SerialNumber, bom.Metadata.Timestamp)
			}
			var listed []string
			for _, c := range append(bom.Components, bom.Metadata.Component) {
				if len(c.Licenses) == 0 {
					t.Errorf("%s has no licence", c.Name)
				}
				for _, l := range c.Licenses {
					if !slices.Contains(allowed(), l.License.ID) {
						t.Errorf("%s has the licence %q, allowed are %v", c.Name, l.License.ID, allowed())
					}
				}
			}
			for _, c := range bom.Components {
				listed = append(listed, c.Name+" "+c.Version)
			}
			linked := linkedModules(t, arch)
			slices.Sort(listed)
			slices.Sort(linked)
			if d := cmp.Diff(linked, listed); d != "" {
				t.Errorf("modules (-binary +bill):\n%s", d)
			}
		})
	}
}

// linkedModules are those that the binary of the package itself names, and Go's
// standard library.
func linkedModules(t *testing.T, arch string) []string {
	t.Helper()
	dir := t.TempDir()
	must(t, dir, "dpkg-deb", "-x", one(t, built(t), "*_"+arch+".deb"), ".")
	info, err := buildinfo.ReadFile(filepath.Join(dir, "usr/bin/enitune"))
	if err != nil {
		t.Fatal(err)
	}
	list := []string{"std " + info.GoVersion}
	for _, m := range info.Deps {
		if m.Replace != nil && strings.HasPrefix(m.Replace.Path, "./") {
			continue // a folder of this repository
		}
		if m.Replace != nil {
			m = m.Replace
		}
		list = append(list, m.Path+" "+m.Version)
	}
	return list
}
