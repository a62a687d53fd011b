//go:build observe

package observe

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/enitune/enitune/test/world"
)

// textfileDir is the folder that node_exporter reads.
func (i *instance) textfileDir() string { return filepath.Join(i.dir, "textfile") }

func (i *instance) textfile() string { return filepath.Join(i.textfileDir(), "enitune.prom") }

// startNodeExporter runs the real node_exporter in the instance, with what the
// tests need of it.
func (i *instance) startNodeExporter() {
	i.t.Helper()
	if err := os.MkdirAll(i.textfileDir(), 0o755); err != nil {
		i.t.Fatal(err)
	}
	cmd := exec.Command(tool(i.t, "prometheus-node-exporter"), "--web.listen-address=:"+nodePort, "--collector.disable-defaults",
		"--collector.textfile", "--collector.textfile.directory="+i.textfileDir(), "--collector.netdev", "--log.level=warn")
	i.ns.Do(func() { startProgram(i.t, cmd) })
}

// textfileUnit is the unit among the examples that writes the file.
const textfileUnit = "../../systemd/examples/enitune-textfile.service"

// unitCommands are the commands of the unit, with the instance's folders and binary
// in the place of the system's.
func (i *instance) unitCommands() ([]*exec.Cmd, error) {
	text, err := os.ReadFile(textfileUnit)
	if err != nil {
		return nil, err
	}
	runDir := filepath.Join(i.dir, "run")
	if err := os.MkdirAll(runDir, 0o755); err != nil {
		return nil, err
	}
	var list []*exec.Cmd
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		if key != "ExecStart" && key != "ExecStartPost" {
			continue
		}
		value = strings.NewReplacer("/usr/bin/enitune", os.Getenv(world.BinaryKey)+" --config "+i.configFile(),
			"/run/enitune-textfile", runDir, "/var/lib/prometheus/node-exporter", i.textfileDir()).Replace(strings.TrimPrefix(value, "+"))
		words := strings.Fields(value)
		cmd := exec.Command(words[0], words[1:]...)
		cmd.Env = i.env
		list = append(list, cmd)
	}
	return list, nil
}

// applyOnce does what enitune-textfile.service does: SuccessExitStatus=1 2.
func (i *instance) applyOnce() error {
	commands, err := i.unitCommands()
	if err != nil {
		return err
	}
	for n, cmd := range commands {
		var out []byte
		i.ns.Do(func() { out, err = cmd.CombinedOutput() })
		var exit *exec.ExitError
		if n == 0 && errors.As(err, &exit) && (exit.ExitCode() == 1 || exit.ExitCode() == 2) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd, err, out)
		}
	}
	return nil
}

// applyToTextfile runs it once.
func (i *instance) applyToTextfile() {
	i.t.Helper()
	if err := i.applyOnce(); err != nil {
		i.t.Fatal(err)
	}
}

// startTextfileTimer runs that regularly, until stopTextfile or the end of the
// test.
func (i *instance) startTextfileTimer() {
	tick := time.NewTicker(time.Second)
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			if err := i.applyOnce(); err != nil {
				i.t.Error(err)
			}
			select {
			case <-stop:
				return
			case <-tick.C:
			}
		}
	}()
	i.stopTimer = sync.OnceFunc(func() { tick.Stop(); close(stop); <-ended })
	i.t.Cleanup(i.stopTimer)
}

// stopTextfile ends the timer and removes the file, as uninstalling does.
func (i *instance) stopTextfile() {
	i.t.Helper()
	i.stopTimer()
	if err := os.Remove(i.textfile()); err != nil {
		i.t.Fatal(err)
	}
}
