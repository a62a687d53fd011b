package doctor

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/agent"
	"github.com/enitune/enitune/eni"
)

var now = time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)

// bits is a virtio device's features.
func bits(set ...int) string {
	b := []byte(strings.Repeat("0", 64))
	for _, bit := range set {
		b[bit] = '1'
	}
	return string(b)
}

// healthy is a machine on which nothing is wrong and the daemon runs.
func healthy() Facts {
	f := Facts{
		Guest: Guest{Root: true, Capabilities: 1 << capNetAdmin, Release: "6.6.30-1.al4",
			NICs: []NIC{{Name: "eth0", Driver: "virtio_net", Features: bits(featureMultiqueue, featureRingReset)}}},
		Agent: Agent{
			ConfigPath: "/etc/enitune/config.yaml", ConfigFound: true, StateDir: "/var/lib/enitune",
			Cached: &agent.Desired{InstanceID: "i-1", FetchedAt: now}, Listen: []string{":10056"},
			Listening: []Listener{{Address: netip.MustParseAddrPort("[::]:10056"), Inode: 7}},
			Daemon:    &Daemon{PID: 42, Sockets: map[uint64]bool{7: true}, Report: &agent.Report{Version: 1, Determined: true}},
		},
		Cloud: Cloud{
			Enabled: true, Identity: eni.Identity{InstanceID: "i-1", RegionID: "cn-hangzhou", InstanceType: "ecs.g7.xlarge"},
			Role: "Enitune", Endpoint: "https://ecs-vpc.cn-hangzhou.aliyuncs.com", APIClock: Clock{Asked: true},
			Source: eni.CredentialSource{Source: eni.SourceRAMRole, Provider: "default/ecs_ram_role", AccessKeyID: "****abcd", Temporary: true},
		},
	}
	for _, p := range Permissions() {
		if p.Read {
			f.Cloud.Probes = append(f.Cloud.Probes, Probe{Action: p.Action})
		}
	}
	return f
}

func denied(action string) error {
	return &eni.Error{Action: action, Code: "Forbidden.RAM", Class: eni.ClassDenied, HTTPStatus: 403}
}

func TestNothingIsWrongOnAHealthyMachine(t *testing.T) {
	r := Examine(healthy(), now)
	for _, f := range r.Findings {
		if f.Status != OK && !strings.Contains(f.Message, "no DryRun") {
			t.Errorf("%+v", f)
		}
	}
	if r.ExitCode() != ExitHealthy || r.Counts.Fail+r.Counts.Warn != 0 || r.Counts.Note != 2 {
		t.Errorf("exit %d, %+v", r.ExitCode(), r.Counts)
	}
}

func TestEachFaultIsFoundWithItsRemedy(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(*Facts)
		check  Check
		object string
		status Status
		words  []string // in "message -> remedy"
	}{
		// the guest
		{"root without the capability", func(f *Facts) { f.Guest.Capabilities = 0 }, CheckCapabilities, "", Fail, []string{"--cap-add NET_ADMIN"}},
		{"a user, the daemon runs", func(f *Facts) { f.Guest.Root, f.Guest.Capabilities = false, 0 }, CheckCapabilities, "", Note, []string{"sudo enitune doctor"}},
		{"a user, no daemon runs", func(f *Facts) {
			f.Guest.Root, f.Guest.Capabilities, f.Agent.Daemon, f.Agent.DaemonErr = false, 0, nil, errors.New("none")
		}, CheckCapabilities, "", Warn, []string{"could write no setting", "sudo"}},
		{"no /proc", func(f *Facts) { f.Guest.CapErr = fs.ErrNotExist }, CheckCapabilities, "", Fail, []string{"mount /proc"}},
		{"no kernel version", func(f *Facts) { f.Guest.ReleaseErr = fs.ErrNotExist }, CheckKernel, "", Fail, []string{"mount /proc"}},
		{"a strange kernel version", func(f *Facts) { f.Guest.Release = "next" }, CheckKernel, "", Note, []string{`"next"`}},
		{"an ancient kernel", func(f *Facts) { f.Guest.Release = "3.10.0-1160.el7" }, CheckKernel, "", Warn, []string{"4.19"}},
		{"a kernel before events", func(f *Facts) { f.Guest.Release, f.Guest.EthtoolFamily = "4.19.91-27.al7", fs.ErrNotExist }, CheckEthtoolEvents, "", Note, []string{"5.6", "resync_interval"}},
		{"a kernel built without events", func(f *Facts) { f.Guest.EthtoolFamily = fs.ErrNotExist }, CheckEthtoolEvents, "", Warn, []string{"CONFIG_ETHTOOL_NETLINK"}},
		{"no /sys", func(f *Facts) { f.Guest.SysfsErr = fs.ErrNotExist }, CheckSysfs, "", Fail, []string{"mount /sys"}},
		{"no NIC", func(f *Facts) { f.Guest.NICs = nil }, CheckSysfs, "", Note, []string{"host's network"}},
		{"a kernel before ring changes", func(f *Facts) { f.Guest.Release = "5.10.134-16.al8" }, CheckRings, "eth0", Note, []string{"6.1"}},
		{"a device without queue reset", func(f *Facts) { f.Guest.NICs[0].Features = bits(featureMultiqueue) }, CheckRings, "eth0", Note, []string{"VIRTIO_F_RING_RESET"}},
		{"a device with one queue", func(f *Facts) { f.Guest.NICs[0].Features = bits(featureRingReset) }, CheckMultiqueue, "eth0", Note, []string{"eni set --queues", "stop and start"}},
		// enitune's own
		{"a faulty configuration", func(f *Facts) { f.Agent.ConfigErrs = []error{errors.New("a.yaml:1:1: x\na.yaml:2:1: y")} }, CheckConfig, "/etc/enitune/config.yaml", Fail, []string{"a.yaml:1:1", "config check"}},
		{"no configuration", func(f *Facts) { f.Agent.ConfigFound = false }, CheckConfig, "/etc/enitune/config.yaml", OK, []string{"defaults"}},
		{"a read-only state folder", func(f *Facts) { f.Agent.StateDirErr = fs.ErrPermission }, CheckStateDir, "/var/lib/enitune", Fail, []string{"state_dir"}},
		{"a state folder of root's", func(f *Facts) { f.Agent.StateDirErr, f.Guest.Root = fs.ErrPermission, false }, CheckStateDir, "/var/lib/enitune", Note, []string{"sudo"}},
		{"a state folder to come", func(f *Facts) { f.Agent.StateDirNew = true }, CheckStateDir, "/var/lib/enitune", OK, []string{"made when it is needed"}},
		{"a damaged state", func(f *Facts) { f.Agent.CacheErr = errors.New("damaged") }, CheckState, "", Warn, []string{"damaged"}},
		{"no state", func(f *Facts) { f.Agent.Cached = nil }, CheckState, "", Note, []string{"enitune apply"}},
		{"an address in use", func(f *Facts) { f.Agent.Daemon, f.Agent.DaemonErr = nil, errors.New("none") }, CheckListen, ":10056", Fail, []string{"ss -ltnp"}},
		{"an address that another process has", func(f *Facts) { f.Agent.Daemon.Sockets = map[uint64]bool{8: true} }, CheckListen, ":10056", Warn, []string{"not the daemon"}},
		{"an address that looks like the daemon's", func(f *Facts) { f.Agent.Daemon.Sockets = nil }, CheckListen, ":10056", Note, []string{"sudo"}},
		{"an address of another user's process", func(f *Facts) { f.Agent.Daemon.Sockets, f.Agent.Listening[0].UID = nil, 33 }, CheckListen, ":10056", Warn, []string{"uid 33"}},
		{"an address that the daemon should have", func(f *Facts) { f.Agent.Listening = nil }, CheckListen, ":10056", Warn, []string{"systemctl restart"}},
		{"a free address", func(f *Facts) { f.Agent.Listening, f.Agent.Daemon = nil, nil }, CheckListen, ":10056", OK, []string{"free"}},
		{"no table of sockets", func(f *Facts) { f.Agent.ListeningErr = fs.ErrPermission }, CheckListen, "", Note, []string{"not tested"}},
		{"no daemon", func(f *Facts) { f.Agent.Daemon, f.Agent.DaemonErr = nil, errors.New("no daemon answers") }, CheckDaemon, "", Note, []string{"systemctl enable --now"}},
		{"no daemon where there should be one", func(f *Facts) {
			f.Agent.Daemon, f.Agent.DaemonErr, f.Agent.UnitEnabled = nil, errors.New("no daemon answers"), true
		}, CheckDaemon, "", Warn, []string{"journalctl -u enitune"}},
		{"a daemon without a report", func(f *Facts) { f.Agent.Daemon.Report, f.Agent.Daemon.ReportErr = nil, errors.New("no report yet") }, CheckDaemon, "", Warn, []string{"pid 42"}},
		{"a daemon in the dark", func(f *Facts) {
			f.Agent.Daemon.Report.Determined = false
			f.Agent.Daemon.Report.Errors = []agent.Problem{{Component: agent.ComponentAPI, Message: "no credentials"}}
		}, CheckDaemon, "", Fail, []string{"api: no credentials"}},
		{"a daemon with an old desired state", func(f *Facts) { f.Agent.Daemon.Report.Desired = agent.Origin{Stale: true, FetchedAt: now} }, CheckDaemon, "", Warn, []string{"could not renew"}},
		// the cloud
		{"no cloud wanted", func(f *Facts) { f.Cloud = Cloud{} }, CheckMetadata, "", Note, []string{"cloud.enabled is false"}},
		{"no metadata", func(f *Facts) { f.Cloud = Cloud{Enabled: true, MetadataErr: errors.New("no route")} }, CheckMetadata, "", Fail, []string{"no route", "latest/api/token"}},
		{"no metadata, the instance is known", func(f *Facts) { f.Cloud.MetadataErr = errors.New("no route") }, CheckMetadata, "", Warn, []string{"stands in"}},
		{"no metadata, so no identity", func(f *Facts) { f.Cloud = Cloud{Enabled: true, MetadataErr: errors.New("no route")} }, CheckIdentity, "", Note, []string{"metadata"}},
		{"no identity", func(f *Facts) { f.Cloud.Identity = eni.Identity{} }, CheckIdentity, "", Fail, []string{"cloud.region"}},
		{"no instance type", func(f *Facts) { f.Cloud.Identity.InstanceType = "" }, CheckIdentity, "", Warn, []string{"cloud.instance_id"}},
		{"a bad region", func(f *Facts) { f.Cloud.EndpointErr = errors.New(`region "X"`) }, CheckEndpoint, "", Fail, []string{"cloud.region"}},
		{"an endpoint out of reach", func(f *Facts) { f.Cloud.APIClock.Err = errors.New("refused") }, CheckEndpoint, "", Fail, []string{"does not answer", "endpoint_network: public"}},
		{"an endpoint that does not tell the time", func(f *Facts) { f.Cloud.APIClock.Err = &eni.Error{Class: eni.ClassMalformed} }, CheckEndpoint, "", OK, nil},
		{"no clock to compare with", func(f *Facts) { f.Cloud.APIClock.Err = &eni.Error{Class: eni.ClassMalformed} }, CheckClock, "", Note, []string{"not tested"}},
		{"a clock 2 minutes slow", func(f *Facts) { f.Cloud.APIClock.Ahead = -2 * time.Minute }, CheckClock, "", Warn, []string{"2m0s behind the ECS API's", "chronyc"}},
		{"a clock 15 minutes fast", func(f *Facts) { f.Cloud.APIClock.Ahead = 15 * time.Minute }, CheckClock, "", Fail, []string{"15m0s ahead", "refuses"}},
		{"a clock that only metadata tells", func(f *Facts) {
			f.Cloud.APIClock = Clock{}
			f.Cloud.MetadataTime = Clock{Asked: true, Ahead: 20 * time.Minute}
		}, CheckClock, "", Fail, []string{"metadata service's"}},
		{"an API proxy", func(f *Facts) { f.Cloud.APIProxied = "proxy:3128" }, CheckProxy, "", Note, []string{"HTTPS_PROXY"}},
		{"no credentials", func(f *Facts) {
			f.Cloud.SourceErr, f.Cloud.RoleErr = errors.New("no credentials"), &eni.Error{Class: eni.ClassNotFound}
		}, CheckCredentials, "", Fail, []string{"AttachInstanceRamRole"}},
		{"credentials not looked for", func(f *Facts) { f.Cloud.SourceUnasked = "the region is not known" }, CheckCredentials, "", Note, []string{"not tested"}},
		{"credentials that expired", func(f *Facts) {
			f.Cloud.Probes[0].Err = &eni.Error{Class: eni.ClassCredentials, Code: "InvalidSecurityToken.Expired"}
		}, CheckCredentials, "", Fail, []string{"not accepted", "****abcd", "Expired"}},
		{"a key of this shell", func(f *Facts) {
			f.Cloud.Source = eni.CredentialSource{Source: "environment", Provider: "default/env", AccessKeyID: "****abcd"}
		}, CheckCredentials, "", Note, []string{"another environment"}},
		{"the agent's first permission", func(f *Facts) { f.Cloud.Probes[0].Err = denied("DescribeNetworkInterfaces") }, CheckPermission, "ecs:DescribeNetworkInterfaces", Fail, []string{`"ecs:DescribeNetworkInterfaces"`, "the RAM role Enitune", "read-only-agent.json"}},
		{"the agent's second permission", func(f *Facts) { f.Cloud.Probes[1].Err = denied("DescribeInstanceTypes") }, CheckPermission, "ecs:DescribeInstanceTypes", Warn, []string{"read-only-agent.json"}},
		{"a reader's permission", func(f *Facts) { f.Cloud.Probes[3].Err = denied("DescribeInstances") }, CheckPermission, "ecs:DescribeInstances", Note, []string{"reader.json"}},
		{"a permission of nobody known", func(f *Facts) { f.Cloud.Role = ""; f.Cloud.Probes[3].Err = denied("DescribeInstances") }, CheckPermission, "ecs:DescribeInstances", Note, []string{"the RAM user or role"}},
		{"a call that is throttled", func(f *Facts) { f.Cloud.Probes[3].Err = &eni.Error{Class: eni.ClassThrottled} }, CheckPermission, "ecs:DescribeInstances", Warn, []string{"not known"}},
		{"a permission not tested", func(f *Facts) { f.Cloud.Probes[3].Unasked = "there are no credentials" }, CheckPermission, "ecs:DescribeInstances", Note, []string{"there are no credentials"}},
		{"a permission to write", func(*Facts) {}, CheckPermission, "ecs:ModifyNetworkInterfaceAttribute", Note, []string{"without writing"}},
		// rivals
		{"ecs_mq that wants the same", func(f *Facts) { f.Rivals = []Rival{{Check: CheckECSMQ, File: "/a", Says: "sets"}} }, CheckECSMQ, "/a", Note, nil},
		{"ecs_mq that fights", func(f *Facts) {
			f.Rivals, f.Agent.MayLower = []Rival{{Check: CheckECSMQ, File: "/a", Says: "sets"}}, true
		}, CheckECSMQ, "/a", Warn, []string{"systemctl disable --now ecs_mq"}},
		{"ecs_mq switched off", func(f *Facts) { f.Rivals = []Rival{{Check: CheckECSMQ, File: "/a", Idle: notEnabled}} }, CheckECSMQ, "/a", OK, []string{"not enabled"}},
		{"irqbalance", func(f *Facts) { f.Rivals = []Rival{{Check: CheckIrqbalance, File: "/a"}} }, CheckIrqbalance, "/a", Note, nil},
		{"TuneD", func(f *Facts) { f.Rivals = []Rival{{Check: CheckTuneD, File: "/a", Says: "ring=rx 1"}} }, CheckTuneD, "/a", Warn, []string{"ring=rx 1", "tuned-adm"}},
		{"NetworkManager", func(f *Facts) { f.Rivals = []Rival{{Check: CheckNetworkManager, File: "/a", Says: "ring-rx=1"}} }, CheckNetworkManager, "/a", Warn, []string{"nmcli"}},
		{"a .link file", func(f *Facts) { f.Rivals = []Rival{{Check: CheckLinkFiles, File: "/a", Says: "RxChannels=1"}} }, CheckLinkFiles, "/a", Warn, []string{"udev"}},
		{"an ifcfg file", func(f *Facts) { f.Rivals = []Rival{{Check: CheckIfcfg, File: "/a", Says: "ETHTOOL_OPTS=-G"}} }, CheckIfcfg, "/a", Warn, []string{"ETHTOOL_OPTS"}},
		{"a NetworkManager connection with a name", func(f *Facts) {
			f.Rivals = []Rival{{Check: CheckNetworkManager, File: "/a", Says: "ring-rx=1", Undo: "nmcli connection modify 'my eth0' ethtool.ring-rx ''"}}
		}, CheckNetworkManager, "/a", Warn, []string{"'my eth0'"}},
		{"an interfaces file", func(f *Facts) { f.Rivals = []Rival{{Check: CheckIfupdown, File: "/a", Says: "hardware-dma-ring-rx 1"}} }, CheckIfupdown, "/a", Warn, []string{"line out"}},
		{"a script", func(f *Facts) { f.Rivals = []Rival{{Check: CheckScripts, File: "/a", Says: "ethtool -L"}} }, CheckScripts, "/a", Warn, []string{"ethtool command"}},
		{"a script that nothing runs", func(f *Facts) { f.Rivals = []Rival{{Check: CheckScripts, File: "/a", Idle: "not executable"}} }, CheckScripts, "/a", OK, []string{"not executable"}},
		{"a file of root's", func(f *Facts) { f.Rivals = []Rival{{Check: CheckNetworkManager, File: "/a", Hidden: true}} }, CheckNetworkManager, "/a", Note, []string{"sudo"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f := healthy()
			tt.spoil(&f)
			var got []Finding
			for _, found := range Examine(f, now).Findings {
				if found.Check != tt.check || found.Object != tt.object {
					continue
				}
				got = append(got, found)
				if found.Status == tt.status && containsAll(found.Message+" -> "+found.Remedy, tt.words) {
					if found.Status > Note && found.Remedy == "" && tt.check != CheckState && tt.check != CheckPermission {
						t.Errorf("no remedy: %+v", found)
					}
					return
				}
			}
			t.Errorf("want %s with %q, got %+v", tt.status, tt.words, got)
		})
	}
}

func containsAll(text string, words []string) bool {
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}

func TestTheWorstFindingsComeFirstAndDecideTheExitCode(t *testing.T) {
	f := healthy()
	f.Cloud.APIClock.Ahead = time.Hour
	f.Agent.CacheErr = errors.New("damaged")
	r := Examine(f, now)
	if r.Findings[0].Check != CheckClock || r.Findings[1].Check != CheckState || r.ExitCode() != ExitFailing {
		t.Errorf("exit %d, %+v", r.ExitCode(), r.Findings[:2])
	}
	f.Cloud.APIClock.Ahead = 0
	if r = Examine(f, now); r.ExitCode() != ExitWarnings || r.Counts.Warn != 1 {
		t.Errorf("exit %d, %+v", r.ExitCode(), r.Counts)
	}
}

func TestAReportSurvivesJSON(t *testing.T) {
	r := Examine(healthy(), now)
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var again Report
	if err := json.Unmarshal(data, &again); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(r, again); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := new(Status).UnmarshalText([]byte("fine")); err == nil {
		t.Error("a status that does not exist is accepted")
	}
}
