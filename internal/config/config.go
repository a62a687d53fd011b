// Package config reads enitune's configuration file.
//
// The file is strict YAML: an unknown or repeated key, a wrong type and a value
// out of range are errors, each with file, line, column and key, and all of
// them are reported at once. Config mirrors the file as read; turning it into
// the values that the other packages work with is the caller's task.
package config

import (
	"time"
)

// DefaultPath is the configuration file of the packaged service. It may be
// missing, which means the defaults.
const DefaultPath = "/etc/enitune/config.yaml"

// MaxSize is the largest configuration file that is read, in bytes.
const MaxSize = 1 << 20

// Config is the whole file. Lists that are empty are nil, so that two
// configurations that say the same are equal.
type Config struct {
	Cloud     Cloud     `yaml:"cloud"`
	Reconcile Reconcile `yaml:"reconcile"`
	// NICs are tried in order; the first rule whose Match fits decides.
	NICs      []Rule    `yaml:"nics"`
	Discovery Discovery `yaml:"discovery"`
	Web       Web       `yaml:"web"`
	// StateDir is the absolute path of the folder that survives a reboot.
	StateDir string `yaml:"state_dir"`
}

// Cloud says where the desired state comes from.
type Cloud struct {
	// Enabled false means no cloud at all: only the nics rules count.
	Enabled bool `yaml:"enabled"`
	// MetadataURL is scheme and host, http or https, without a path.
	MetadataURL string `yaml:"metadata_url"`
	// ECSEndpoint is scheme and host, or "" for the region's own endpoint.
	// It is https, or http with a loopback host.
	ECSEndpoint string `yaml:"ecs_endpoint"`
	// EndpointNetwork is EndpointVPC or EndpointPublic. It chooses between the
	// region's endpoints where ECSEndpoint is "".
	EndpointNetwork string `yaml:"endpoint_network"`
	// Region is a DNS label, or "" to ask the metadata service.
	Region string `yaml:"region"`
	// InstanceID is "i-…", or "" to ask the metadata service.
	InstanceID string `yaml:"instance_id"`
	// Timeout bounds one call to the metadata service or the API, 1s to 5m.
	Timeout Duration `yaml:"timeout"`
	// RefreshInterval is the time between two reads of the API, 1m or more.
	RefreshInterval Duration `yaml:"refresh_interval"`
}

// The values of Cloud.EndpointNetwork.
const (
	EndpointVPC    = "vpc"
	EndpointPublic = "public"
)

// Reconcile says what may be written, and how often.
type Reconcile struct {
	Mode Mode `yaml:"mode"`
	// Settings may be written; the others are only reported. No repeats.
	Settings []string `yaml:"settings"`
	// Shrink also lowers a setting that stands above a desired value that no
	// nics rule asks for.
	Shrink bool `yaml:"shrink"`
	// ResyncInterval is the time between two unprompted reads of the kernel,
	// 1s to 24h.
	ResyncInterval Duration     `yaml:"resync_interval"`
	ChangeBudget   ChangeBudget `yaml:"change_budget"`
}

// The names of the settings, as Reconcile.Settings holds them.
const (
	SettingQueues = "queues"
	SettingRxRing = "rx_ring"
	SettingTxRing = "tx_ring"
)

// ChangeBudget limits the writes to one NIC: at most Burst within Per.
type ChangeBudget struct {
	Burst int      `yaml:"burst"` // 1 to 1000 writes
	Per   Duration `yaml:"per"`   // 1s or more
}

// Rule overrides the defaults for the NICs that it matches.
type Rule struct {
	Match Match `yaml:"match"`
	// Manage false leaves the matching NICs alone.
	Manage bool `yaml:"manage"`
	Queues Want `yaml:"queues"`  // a number is 1 to 2048
	RxRing Want `yaml:"rx_ring"` // a number is 1 to 65536
	TxRing Want `yaml:"tx_ring"` // a number is 1 to 65536
}

// Discovery says which network devices are looked at.
type Discovery struct {
	// VirtualDevices true includes NICs without a parent device, such as veth.
	VirtualDevices bool `yaml:"virtual_devices"`
}

// Web is the daemon's HTTP side.
type Web struct {
	// Listen are TCP addresses, host:port; port 0 takes any free one. Empty
	// means no TCP listener.
	Listen []string `yaml:"listen"`
	// ConfigFile is the absolute path of a Prometheus web configuration (TLS,
	// basic authentication), or "".
	ConfigFile string `yaml:"config_file"`
	// Pprof serves the Go runtime's profiles at /debug/pprof/ on all addresses.
	Pprof bool `yaml:"pprof"`
}

// Default is the configuration of an empty file.
func Default() Config {
	return Config{
		Cloud: Cloud{
			Enabled:         true,
			MetadataURL:     "http://100.100.100.200",
			EndpointNetwork: EndpointVPC,
			Timeout:         Duration(10 * time.Second),
			RefreshInterval: Duration(6 * time.Hour),
		},
		Reconcile: Reconcile{
			Mode:           ModeEnforce,
			Settings:       settingNames(),
			ResyncInterval: Duration(30 * time.Second),
			ChangeBudget:   ChangeBudget{Burst: 4, Per: Duration(10 * time.Minute)},
		},
		Web:      Web{Listen: []string{":10056"}},
		StateDir: "/var/lib/enitune",
	}
}

// DefaultRule is what holds for a NIC that no rule of Config.NICs matches, and
// what a rule leaves out.
func DefaultRule() Rule {
	api := Want{Kind: WantAPI}
	return Rule{Manage: true, Queues: api, RxRing: api, TxRing: api}
}

// settingNames lists the settings in the order in which they are documented.
func settingNames() []string {
	return []string{SettingQueues, SettingRxRing, SettingTxRing}
}
