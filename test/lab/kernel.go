package lab

import (
	"bytes"
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// kernel is an unpacked kernel package.
type kernel struct {
	image   string            // the bootable file
	release string            // "6.1.0-56-cloud-amd64"
	modules map[string]string // module name to file, which may be compressed
	builtin map[string]bool   // names of what is not a module in this kernel
}

// findKernel finds the kernel of the given series below dir, where setup.sh or the user has unpacked its package.
func findKernel(dir, series string) (*kernel, error) {
	images, err := filepath.Glob(filepath.Join(dir, series, "boot", "vmlinuz-*"))
	if err != nil {
		return nil, err
	}
	if len(images) == 0 {
		return nil, &missingError{
			what:   fmt.Sprintf("no kernel %s in %s", series, filepath.Join(dir, series, "boot")),
			remedy: setupRemedy + ", or unpack a kernel package there (dpkg -x)",
		}
	}
	k := &kernel{image: images[len(images)-1], modules: make(map[string]string), builtin: make(map[string]bool)}
	k.release = strings.TrimPrefix(filepath.Base(k.image), "vmlinuz-")
	for _, lib := range []string{"lib", "usr/lib"} {
		tree := filepath.Join(dir, series, lib, "modules", k.release)
		if err := k.index(tree); err == nil {
			return k, nil
		} else if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, fmt.Errorf("kernel %s in %s has no modules: lib/modules/%s/modules.builtin is not there", series, dir, k.release)
}

// index fills in what modules there are.
func (k *kernel) index(tree string) error {
	list, err := os.ReadFile(filepath.Join(tree, "modules.builtin"))
	if err != nil {
		return err
	}
	for _, file := range strings.Fields(string(list)) {
		k.builtin[moduleName(file)] = true
	}
	return filepath.WalkDir(tree, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".ko") {
			k.modules[moduleName(path)] = path
		}
		return err
	})
}

// moduleName is the name of the module in a file: "/x/virtio-rng.ko.xz" is "virtio_rng".
func moduleName(path string) string {
	name, _, _ := strings.Cut(filepath.Base(path), ".")
	return strings.ReplaceAll(name, "-", "_")
}

// module is a loadable, uncompressed kernel module.
type module struct {
	name    string
	content []byte
}

// load reads the modules with the given names and what they depend on, in an order in which they can be loaded.
// What is built into the kernel is left out.
func (k *kernel) load(ctx context.Context, names ...string) ([]module, error) {
	var loaded []module
	seen := make(map[string]bool)
	var visit func(name string) error
	visit = func(name string) error {
		name = strings.ReplaceAll(name, "-", "_")
		if seen[name] || k.builtin[name] {
			return nil
		}
		seen[name] = true
		file, ok := k.modules[name]
		if !ok {
			return fmt.Errorf("kernel %s has no module %s", k.release, name)
		}
		content, err := readModule(ctx, file)
		if err != nil {
			return err
		}
		dependencies, err := moduleDependencies(content)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		for _, d := range dependencies {
			if err := visit(d); err != nil {
				return err
			}
		}
		loaded = append(loaded, module{name, content})
		return nil
	}
	for _, name := range names {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return loaded, nil
}

// readModule returns the module in file, decompressed.
func readModule(ctx context.Context, file string) ([]byte, error) {
	decompressor := map[string]string{".xz": "xz", ".zst": "zstd", ".gz": "gzip"}[filepath.Ext(file)]
	if decompressor == "" {
		return os.ReadFile(file)
	}
	var out, stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, decompressor, "-dc", file)
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("decompress %s: %w: %s", file, err, stderr.Bytes())
	}
	return out.Bytes(), nil
}

// moduleDependencies returns the names of the modules that must be loaded before the given one.
func moduleDependencies(content []byte) ([]string, error) {
	f, err := elf.NewFile(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	section := f.Section(".modinfo")
	if section == nil {
		return nil, errors.New("no .modinfo section: not a kernel module")
	}
	info, err := section.Data()
	if err != nil {
		return nil, err
	}
	for _, field := range strings.Split(string(info), "\x00") {
		if list, ok := strings.CutPrefix(field, "depends="); ok && list != "" {
			return strings.Split(list, ","), nil
		}
	}
	return nil, nil
}
