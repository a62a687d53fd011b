package main

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
	"github.com/enitune/enitune/internal/config"
	"github.com/enitune/enitune/metrics"
	"github.com/enitune/enitune/nic"
	"github.com/enitune/enitune/plan"
)

// parts is the agent put together from a configuration, for one run of plan or
// apply, or for the daemon.
type parts struct {
	handle     *nic.Handle
	inventory  *nic.Inventory
	store      *agent.Store
	cloud      *agent.Cloud // nil where the cloud is switched off
	reconciler *agent.Reconciler
	sinceFile  agent.SinceFile
	since      agent.Since // what it said
}

// guest is the agent's view of the NICs: the inventory finds them, the handle
// reads and writes them.
type guest struct {
	*nic.Inventory
	*nic.Handle
}

// assemble puts the agent together. profile is the CLI profile whose credentials
// to use, or ""; attempts is how often a read of the cloud is tried before it
// counts as failed. cloud is the one to go on with; nil makes one.
func assemble(cfg config.Config, profile string, cloud *agent.Cloud, m *metrics.Metrics, log *slog.Logger, attempts int) (*parts, error) {
	handle, err := nic.Open()
	if err != nil {
		return nil, err
	}
	p := &parts{
		handle:    handle,
		inventory: nic.NewInventory(handle, cfg.Discovery.VirtualDevices),
		store: agent.NewStore(agent.StoreOptions{
			File:            agent.StateFile{Path: filepath.Join(cfg.StateDir, "state.json"), Machine: machineID()},
			Enabled:         cfg.Cloud.Enabled,
			InstanceID:      cfg.Cloud.InstanceID,
			RefreshInterval: time.Duration(cfg.Cloud.RefreshInterval),
			Clock:           time.Now,
		}),
	}
	p.sinceFile = agent.SinceFile{Path: filepath.Join(cfg.StateDir, "drift.json")}
	p.since = p.sinceFile.Load(time.Now())
	p.reconciler = agent.NewReconciler(agent.ReconcilerOptions{
		Guest:    guest{p.inventory, handle},
		Rules:    rules(cfg.NICs),
		Policy:   policy(cfg.Reconcile),
		Budget:   agent.Budget{Burst: cfg.Reconcile.ChangeBudget.Burst, Per: time.Duration(cfg.Reconcile.ChangeBudget.Per)},
		Cloud:    cfg.Cloud.Enabled,
		Recorder: m,
		Clock:    time.Now,
		Since:    p.since,
	})
	if p.cloud = cloud; cfg.Cloud.Enabled && cloud == nil {
		p.cloud, err = newCloud(cfg.Cloud, profile, m, log, attempts)
		if err != nil {
			handle.Close()
			return nil, err
		}
	}
	p.store.LoadCache()
	return p, nil
}

func newCloud(cfg config.Cloud, profile string, m *metrics.Metrics, log *slog.Logger, attempts int) (*agent.Cloud, error) {
	timeout := time.Duration(cfg.Timeout)
	metadata, err := eni.NewMetadata(eni.MetadataOptions{BaseURL: cfg.MetadataURL, Timeout: timeout, Attempts: attempts})
	if err != nil {
		return nil, err
	}
	return &agent.Cloud{
		Metadata: metadata,
		Connect: func(region string) (agent.API, error) {
			o := clientOptions(cfg, profile, region)
			o.Attempts, o.OnRequest, o.Log = attempts, m.APIRequest, log
			return eni.NewClient(o)
		},
		InstanceID: cfg.InstanceID, Region: cfg.Region,
		Boot: bootID(), Clock: time.Now, Addresses: nic.Addresses,
	}, nil
}

// clientOptions are what every client of the ECS API has in common.
func clientOptions(cfg config.Cloud, profile, region string) eni.ClientOptions {
	return eni.ClientOptions{
		Region: region, Endpoint: cfg.ECSEndpoint, Network: cfg.EndpointNetwork, MetadataURL: cfg.MetadataURL, Profile: profile,
		Timeout: time.Duration(cfg.Timeout), UserAgent: "enitune/" + build().Version,
	}
}

func policy(cfg config.Reconcile) plan.Policy {
	p := plan.Policy{Observe: cfg.Mode == config.ModeObserve, Shrink: cfg.Shrink}
	for _, name := range cfg.Settings {
		if s, err := nic.ParseSetting(name); err == nil { // the configuration was checked
			p.Writable = append(p.Writable, s)
		}
	}
	return p
}

func rules(list []config.Rule) []agent.Rule {
	var out []agent.Rule
	for _, r := range list {
		out = append(out, agent.Rule{
			Device: r.Match.Device, ENI: r.Match.ENI, MAC: strings.ToLower(r.Match.MAC), Type: r.Match.Type,
			Manage: r.Manage,
			Wants: map[nic.Setting]agent.Want{
				nic.Queues: want(r.Queues), nic.RxRing: want(r.RxRing), nic.TxRing: want(r.TxRing),
			},
		})
	}
	return out
}

func want(w config.Want) agent.Want {
	switch w.Kind {
	case config.WantMax:
		return agent.Want{Kind: agent.WantMax}
	case config.WantNumber:
		return agent.Want{Kind: agent.WantNumber, N: w.N}
	case config.WantAPI:
	}
	return agent.Want{Kind: agent.WantAPI}
}

// machineID identifies the virtual machine by its SMBIOS serial number, which
// ECS makes unique for each instance (DescribeInstances, SerialNumber). Only
// root can read it, so the unit hands it over, and a hash is kept; "" if it
// cannot be read or says nothing.
func machineID() string {
	serial := strings.TrimSpace(credential("machine-serial"))
	if serial == "" {
		if data, err := os.ReadFile("/sys/class/dmi/id/product_serial"); err == nil {
			serial = strings.TrimSpace(string(data))
		}
	}
	if len(serial) < 8 || strings.EqualFold(serial, "Not Specified") {
		return ""
	}
	sum := sha256.Sum256([]byte("enitune " + serial))
	return hex.EncodeToString(sum[:16])
}

// bootID tells this boot from others; "" if it cannot be read.
func bootID() string {
	data, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// runtimeDir is where the daemon's socket stands; systemd's RuntimeDirectory=
// tells it in the environment.
func runtimeDir() string {
	if dir, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":"); dir != "" {
		return dir
	}
	return "/run/enitune"
}

func socketPath() string { return filepath.Join(runtimeDir(), "enitune.sock") }
