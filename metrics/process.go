package metrics

import (
	"fmt"

	"github.com/prometheus/procfs"
)

// process adds what client_golang's collector of the same metrics adds, but for
// the traffic of the network namespace, which is not the process's. It reads what
// does not change once: the time of the start stands in /proc/stat, which takes
// longer than all the rest of a scrape on a machine with many processors.
type process struct {
	proc                       procfs.Proc
	started, maxFDs, maxMemory float64

	cpu, fds, fdsMax, memory, memoryMax, resident, start *Description
}

func newProcess() (*process, error) {
	proc, err := procfs.Self()
	if err != nil {
		return nil, fmt.Errorf("metrics of the process: %w", err)
	}
	stat, err := proc.Stat()
	if err != nil {
		return nil, fmt.Errorf("metrics of the process: %w", err)
	}
	started, err := stat.StartTime()
	if err != nil {
		return nil, fmt.Errorf("metrics of the process: %w", err)
	}
	limits, err := proc.Limits()
	if err != nil {
		return nil, fmt.Errorf("metrics of the process: %w", err)
	}
	describe := func(k Kind, name, help string) *Description {
		return &Description{Name: "process_" + name, Help: help, Kind: k}
	}
	return &process{
		proc: proc, started: started, maxFDs: float64(limits.OpenFiles), maxMemory: float64(limits.AddressSpace),
		cpu:       describe(Counter, "cpu_seconds_total", "Total user and system CPU time spent in seconds."),
		fds:       describe(Gauge, "open_fds", "Number of open file descriptors."),
		fdsMax:    describe(Gauge, "max_fds", "Maximum number of open file descriptors."),
		memory:    describe(Gauge, "virtual_memory_bytes", "Virtual memory size in bytes."),
		memoryMax: describe(Gauge, "virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes."),
		resident:  describe(Gauge, "resident_memory_bytes", "Resident memory size in bytes."),
		start:     describe(Gauge, "start_time_seconds", "Start time of the process since unix epoch in seconds."),
	}, nil
}

// add adds the samples, as far as they can be read.
func (p *process) add(f *families) error {
	f.add(p.start, p.started)
	f.add(p.fdsMax, p.maxFDs)
	f.add(p.memoryMax, p.maxMemory)
	stat, err := p.proc.Stat()
	if err != nil {
		return fmt.Errorf("metrics of the process: %w", err)
	}
	f.add(p.cpu, stat.CPUTime())
	f.add(p.memory, float64(stat.VirtualMemory()))
	f.add(p.resident, float64(stat.ResidentMemory()))
	fds, err := p.proc.FileDescriptorsLen()
	if err != nil {
		return fmt.Errorf("metrics of the process: %w", err)
	}
	f.add(p.fds, float64(fds))
	return nil
}
