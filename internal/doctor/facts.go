package doctor

import (
	"net/netip"
	"time"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
)

// Facts are what the checks judge. An error beside a fact tells why the fact is
// not known.
type Facts struct {
	Guest  Guest
	Agent  Agent
	Cloud  Cloud
	Rivals []Rival
}

// Guest is the machine and what this process may do on it.
type Guest struct {
	Root         bool   // this process runs as root
	Capabilities uint64 // effective, bit by bit (capabilities(7))
	CapErr       error
	Release      string // of the kernel, such as 5.10.134-16.al8.x86_64
	ReleaseErr   error
	// EthtoolFamily is nil where the kernel announces changes of channels and
	// rings by netlink.
	EthtoolFamily error
	NICs          []NIC // those with hardware behind them
	SysfsErr      error
}

// NIC is a network device with hardware behind it.
type NIC struct {
	Name     string
	Driver   string // "" if not known
	Features string // of a virtio device: '0' or '1' for each bit, bit 0 first; "" if not known
}

// Agent is what enitune has on this machine.
type Agent struct {
	ConfigPath   string
	ConfigFound  bool // false: the defaults hold
	ConfigErrs   []error
	StateDir     string
	StateDirErr  error // why it is not writable
	StateDirNew  bool  // it does not exist yet
	Cached       *agent.Desired
	CacheErr     error
	Listen       []string // web.listen
	Listening    []Listener
	ListeningErr error
	UnitEnabled  bool // systemd starts enitune.service at boot
	// MayLower: the configuration can ask for fewer queues than a NIC offers.
	MayLower  bool
	Daemon    *Daemon
	DaemonErr error // why there is none
}

// Listener is a TCP socket that listens.
type Listener struct {
	Address netip.AddrPort
	UID     uint32
	Inode   uint64
}

// Daemon is the running daemon.
type Daemon struct {
	PID       int
	UID       uint32
	Sockets   map[uint64]bool // inodes of its sockets; nil if this process may not see them
	Report    *agent.Report
	ReportErr error
}

// Cloud is what the cloud answered.
type Cloud struct {
	Enabled     bool
	MetadataErr error
	Identity    eni.Identity // as the configuration and the metadata service have it
	IdentityErr error
	Role        string // RAM role of the instance
	RoleErr     error

	Endpoint     string // URL of the ECS API; "" if not known
	EndpointErr  error  // why there is no client for it
	APIClock     Clock
	MetadataTime Clock

	APIProxied    string // the proxy (host only) through which the ECS API is called; "" for none
	Source        eni.CredentialSource
	SourceErr     error
	SourceUnasked string // why nobody looked; "" if somebody did
	Probes        []Probe
}

// Clock is a comparison with a clock of the cloud.
type Clock struct {
	Asked bool
	Ahead time.Duration // of this machine's clock
	Err   error
}

// Probe is a harmless call that needs one RAM permission.
type Probe struct {
	Action  string // such as DescribeInstances
	Unasked string // why it was not made; "" if it was
	Err     error
}
