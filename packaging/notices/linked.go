package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// component is one linked module, or Go's standard library.
type component struct {
	path, version string
	files         []file // the licences first, then the notices; sorted by name
}

// file is a licence or a notice.
type file struct {
	name    string // relative to the module
	text    string
	license license
	notice  bool
}

// source is what `go list` tells of a package.
type source struct {
	Dir      string
	Standard bool
	Module   *struct {
		Path, Version, Dir string
		Main               bool
		Replace            *struct{ Version string } // without a version: a folder of this repository
	}
}

// linked gives what is linked into a program for Linux, on any architecture of
// the packages.
func linked(program string) ([]component, error) {
	names := map[string]map[string]string{} // of each component: the files, with their paths
	versions := map[string]string{}
	goroot, err := goroot()
	if err != nil {
		return nil, err
	}
	for _, arch := range []string{"amd64", "arm64"} {
		packages, err := list(program, arch)
		if err != nil {
			return nil, err
		}
		for _, p := range packages {
			var path, root string
			switch {
			case p.Module != nil && (p.Module.Main || p.Module.Replace != nil && p.Module.Replace.Version == ""):
				continue // under the program's own licence
			case p.Module != nil:
				path, root = p.Module.Path, p.Module.Dir
				versions[path] = p.Module.Version
			case p.Standard:
				path, root = "Go", goroot
			default:
				return nil, fmt.Errorf("%s belongs to no module", p.Dir)
			}
			if names[path] == nil {
				names[path] = map[string]string{}
			}
			if err := collect(names[path], root, p.Dir); err != nil {
				return nil, err
			}
		}
	}
	var all []component
	for _, path := range slices.Sorted(maps.Keys(names)) {
		c := component{path: path, version: versions[path]}
		if err := c.read(names[path]); err != nil {
			return nil, fmt.Errorf("%s %s: %w", c.path, c.version, err)
		}
		all = append(all, c)
	}
	return all, nil
}

func list(program, arch string) ([]source, error) {
	cmd := exec.Command("go", "list", "-deps", "-json=Dir,Standard,Module", program)
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var packages []source
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p source
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return packages, nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		}
		packages = append(packages, p)
	}
}

func goroot() (string, error) {
	out, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("go env GOROOT: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

var legal = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice)([.-].*)?$`)

// collect finds the licences and notices from a package's folder up to its
// module's: copies of other works inside of a module have their own.
func collect(names map[string]string, root, dir string) error {
	for ; ; dir = filepath.Dir(dir) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if !e.Type().IsRegular() || !legal.MatchString(e.Name()) || filepath.Ext(e.Name()) == ".go" {
				continue
			}
			path := filepath.Join(dir, e.Name())
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			// Of this folder the packages hold only Go's own part: the other one
			// takes GOEXPERIMENT=boringcrypto.
			if filepath.Dir(name) != "src/crypto/internal/boring" {
				names[name] = path
			}
		}
		if dir == root || len(dir) <= len(root) {
			return nil
		}
	}
}

// read reads a component's files and tells the licences.
func (c *component) read(names map[string]string) error {
	licensed := false
	for _, name := range slices.Sorted(maps.Keys(names)) {
		text, err := os.ReadFile(names[name])
		if err != nil {
			return err
		}
		f := file{name: name, text: strings.TrimRight(string(text), " \n\t") + "\n"}
		f.text = strings.ReplaceAll(f.text, "\r\n", "\n")
		if strings.HasPrefix(strings.ToLower(filepath.Base(name)), "notice") {
			f.notice = true
		} else {
			if f.license, err = classify(f.text); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			licensed = true
		}
		c.files = append(c.files, f)
	}
	if !licensed {
		return errors.New("it has no licence file")
	}
	slices.SortStableFunc(c.files, func(a, b file) int {
		switch {
		case a.notice == b.notice:
			return 0
		case b.notice:
			return -1
		default:
			return 1
		}
	})
	return nil
}
