package netns_test

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/safchain/ethtool"
	"github.com/vishvananda/netlink"

	"github.com/enitune/enitune/test/netns"
)

func TestMain(m *testing.M) { netns.Main(m) }

func TestTheNamespaceHoldsOnlyLoopback(t *testing.T) {
	if got := os.Getuid(); got != 0 {
		t.Errorf("uid %d inside the namespace, want 0", got)
	}
	links, err := netlink.LinkList()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, l := range links {
		// The kernel adds fallback tunnel devices to a new namespace where their modules are loaded.
		if l.Type() == "device" || l.Type() == "veth" {
			got = append(got, l.Attrs().Name)
		}
	}
	if diff := cmp.Diff([]string{"lo"}, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		t.Fatal(err)
	}
	if lo.Flags&net.FlagUp == 0 {
		t.Error("lo is down")
	}
}

func TestAddrServesTheMetadataAddressUntilTheTestEnds(t *testing.T) {
	t.Run("inside", func(t *testing.T) {
		netns.Addr(t, "lo", "100.100.100.200/32")
		l, err := net.Listen("tcp", "100.100.100.200:80")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		c.Close()
	})
	if l, err := net.Listen("tcp", "100.100.100.200:80"); err == nil {
		l.Close()
		t.Error("the address outlived its test")
	}
}

func TestVethHasTheQueuesChannelsAndAddressesAskedFor(t *testing.T) {
	const mac, peerMAC = "00:16:3e:00:00:01", "00:16:3e:00:00:02"
	for _, tt := range []struct {
		name     string
		pair     netns.VethPair
		channels ethtool.Channels
	}{
		{
			name:     "all queues are in use by default",
			pair:     netns.VethPair{Name: "eth1", Peer: "peer1", Queues: 8, MAC: mac, PeerMAC: peerMAC},
			channels: ethtool.Channels{MaxRx: 8, MaxTx: 8, RxCount: 8, TxCount: 8},
		},
		{
			name:     "fewer channels on request",
			pair:     netns.VethPair{Name: "eth1", Peer: "peer1", Queues: 8, Channels: 2, MAC: mac, PeerMAC: peerMAC},
			channels: ethtool.Channels{MaxRx: 8, MaxTx: 8, RxCount: 2, TxCount: 2},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			netns.Veth(t, tt.pair)
			et, err := ethtool.NewEthtool()
			if err != nil {
				t.Fatal(err)
			}
			defer et.Close()
			for name, wantMAC := range map[string]string{"eth1": mac, "peer1": peerMAC} {
				got, err := et.GetChannels(name)
				if err != nil {
					t.Fatal(err)
				}
				got.Cmd = 0
				if diff := cmp.Diff(tt.channels, got); diff != "" {
					t.Errorf("channels of %s (-want +got):\n%s", name, diff)
				}
				ifi, err := net.InterfaceByName(name)
				if err != nil {
					t.Fatal(err)
				}
				if ifi.HardwareAddr.String() != wantMAC {
					t.Errorf("%s has MAC %s, want %s", name, ifi.HardwareAddr, wantMAC)
				}
				if ifi.Flags&net.FlagUp == 0 {
					t.Errorf("%s is down", name)
				}
			}
		})
		if _, err := net.InterfaceByName("eth1"); err == nil {
			t.Error("the pair outlived its test")
		}
	}
}

func TestBindHostsRedirectsANameUntilTheTestEnds(t *testing.T) {
	const name = "ecs-vpc.cn-hangzhou.aliyuncs.com"
	before, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("inside", func(t *testing.T) {
		netns.BindHosts(t, map[string]string{name: "127.0.0.9"})
		addrs, err := net.DefaultResolver.LookupHost(t.Context(), name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"127.0.0.9"}, addrs); diff != "" {
			t.Errorf("addresses (-want +got):\n%s", diff)
		}
		out, err := exec.CommandContext(t.Context(), "getent", "hosts", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(out), "127.0.0.9 ") {
			t.Errorf("a process of this namespace resolves it to %q", out)
		}
	})
	after, err := os.ReadFile("/etc/hosts")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("/etc/hosts after the test (-before +after):\n%s", diff)
	}
}

func TestRefusedNamespacesFailOnlyInCI(t *testing.T) {
	const limit = "/proc/sys/user/max_user_namespaces" // per user namespace: this one belongs to the test
	before, err := os.ReadFile(limit)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(limit, []byte("0"), 0); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := os.WriteFile(limit, before, 0); err != nil {
			t.Error(err)
		}
	}()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name, ci string
		code     int
		message  string
	}{
		{name: "in CI", ci: "CI=true", code: 1, message: "netns: FAIL: start the tests in a private user, network"},
		{name: "elsewhere", ci: "CI=", code: 0, message: "netns: SKIPPED, no test of this package ran: start the tests"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// A new process, of which the namespaces are asked for again.
			cmd := exec.CommandContext(t.Context(), self, "-test.run=^$")
			cmd.Env = append(os.Environ(), tt.ci, "ENITUNE_TEST_NETNS_OUTSIDE=")
			out, _ := cmd.CombinedOutput()
			if got := cmd.ProcessState.ExitCode(); got != tt.code {
				t.Errorf("exit code %d, want %d", got, tt.code)
			}
			if !strings.HasPrefix(string(out), tt.message) {
				t.Errorf("got %q, want %q at its start", out, tt.message)
			}
		})
	}
}
