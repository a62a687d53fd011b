//go:build netns

package soak

import (
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"github.com/enitune/enitune/internal/ecssim"
	"github.com/enitune/enitune/test/world"
)

// trouble is something that happens. It gives what ends it, or nil if it is over.
type trouble struct {
	name   string
	weight int
	begin  func(*soak) (end func())
	// once: not while it has not ended.
	once bool
}

func troubles() []trouble {
	return append(append(nicTroubles(), cloudTroubles()...), agentTroubles()...)
}

// nicTroubles are what happens to NICs.
func nicTroubles() []trouble {
	return []trouble{
		{name: "foreign change", weight: 30, begin: foreignChange},
		{name: "rival", weight: 4, begin: rival},
		{name: "unplug", weight: 4, begin: unplug},
		{name: "rename", weight: 6, begin: func(s *soak) func() {
			if c := s.present(); c != nil {
				names := c.names()
				s.try(c.rename(names[s.rng.IntN(len(names))]))
			}
			return nil
		}},
		{name: "down", weight: 6, begin: func(s *soak) func() {
			c := s.present()
			if c == nil {
				return nil
			}
			s.try(c.setUp(false))
			return func() { s.ifPresent(c, func() error { return c.setUp(true) }) }
		}},
		{name: "MAC change", weight: 4, begin: changeMAC},
		{name: "another namespace", weight: 3, begin: moveAway},
		{name: "pods", weight: 2, begin: func(s *soak) func() {
			n := 20 + s.rng.IntN(200)
			s.try(pods(s.pods, n))
			s.pods += n
			return nil
		}},
	}
}

func foreignChange(s *soak) func() {
	if c := s.present(); c != nil {
		s.try(setChannels(c.name, 1+s.rng.IntN(offered)))
	}
	return nil
}

// rival changes a NIC back and forth as fast as it can.
func rival(s *soak) func() {
	c := s.present()
	if c == nil {
		return nil
	}
	for i := range 20 + s.rng.IntN(400) {
		s.try(setChannels(c.name, 1+i%2))
	}
	return nil
}

// unplug takes a NIC away, and plugs it in again under whatever name. In half of the
// cases its ENI is detached as well.
func unplug(s *soak) func() {
	c := s.present()
	if c == nil {
		return nil
	}
	s.try(c.unplug())
	detach := s.rng.IntN(2) == 0
	if detach {
		s.try(s.cloud.RemoveENI(c.eni()))
	}
	name := c.names()[s.rng.IntN(len(c.names()))]
	return func() {
		s.try(c.plug(name))
		if detach {
			s.give(c)
		}
	}
}

// changeMAC gives a NIC an address of no ENI for a while, or that of another one, so
// that two have it.
func changeMAC(s *soak) func() {
	c := s.present()
	if c == nil {
		return nil
	}
	mac := fmt.Sprintf("00:16:3e:ff:00:%02x", c.number)
	if s.rng.IntN(3) == 0 {
		mac = s.cards[s.rng.IntN(len(s.cards))].mac()
	}
	s.try(c.setMAC(mac))
	return func() { s.ifPresent(c, func() error { return c.setMAC(c.mac()) }) }
}

func moveAway(s *soak) func() {
	c := s.present()
	if c == nil {
		return nil
	}
	s.try(c.move(s.there))
	return func() { s.try(c.back(s.here, s.there)) }
}

// cloudTroubles are what happens in the cloud.
func cloudTroubles() []trouble {
	return []trouble{
		{name: "cloud fault", weight: 12, begin: cloudFault},
		{name: "denied", weight: 2, once: true, begin: func(s *soak) func() {
			s.cloud.Deny([]string{"DescribeNetworkInterfaces", "DescribeInstanceTypes"}[s.rng.IntN(2)])
			return func() { s.cloud.Deny() }
		}},
		{name: "throttled", weight: 2, once: true, begin: func(s *soak) func() {
			s.cloud.Throttle(1)
			return func() { s.cloud.Throttle(0) }
		}},
		{name: "credentials rotated", weight: 3, begin: func(s *soak) func() { s.cloud.RotateCredentials(); return nil }},
		{name: "tokens revoked", weight: 3, begin: func(s *soak) func() { s.cloud.RevokeTokens(); return nil }},
		{name: "no RAM role", weight: 2, once: true, begin: func(s *soak) func() {
			s.cloud.SetRole("")
			return func() { s.cloud.SetRole(world.Role) }
		}},
		{name: "another instance's metadata", weight: 1, once: true, begin: func(s *soak) func() {
			mine, _ := s.cloud.CurrentInstance()
			other := mine
			other.ID = "i-bp1other00000000001"
			s.cloud.SetInstance(other)
			return func() { s.cloud.SetInstance(mine) }
		}},
		{name: "queue number", weight: 8, begin: func(s *soak) func() {
			s.give(s.cards[s.rng.IntN(len(s.cards))])
			return nil
		}},
		{name: "tags", weight: 3, begin: func(s *soak) func() {
			value := []string{"8192", "many", "", "-1", strings.Repeat("9", 128)}[s.rng.IntN(5)]
			_ = s.cloud.UpdateENI(s.cards[s.rng.IntN(len(s.cards))].eni(), func(e *ecssim.ENI) { // it may be detached
				e.Tags = map[string]string{"enitune:rx-queue-size": value, "owner": "soak"}
			})
			return nil
		}},
	}
}

// cloudFault makes a part of the cloud go wrong in one of many ways.
func cloudFault(s *soak) func() {
	kinds := []ecssim.Fault{
		{Drop: true}, {Hang: true}, {DropAfter: 40}, {DropAfter: 1}, {HTTPStatus: 500}, {HTTPStatus: 503}, {HTTPStatus: 429},
		{HTTPStatus: 403}, {HTTPStatus: 404}, {Code: "Throttling", HTTPStatus: 400}, {Code: "Throttling.User", HTTPStatus: 400},
		{Code: "InvalidAccessKeyId.NotFound", HTTPStatus: 404}, {Code: "SignatureDoesNotMatch", HTTPStatus: 400},
		{Code: "InvalidSecurityToken.Expired", HTTPStatus: 400}, {Code: "InternalError", HTTPStatus: 500},
		{RawBody: "<html><body>captive portal</body></html>"}, {RawBody: "{"}, {RawBody: `{"Code":7}`, HTTPStatus: 400}, {RawBody: "null"},
		{RawBody: `{"NetworkInterfaceSets":{"NetworkInterfaceSet":[{"NetworkInterfaceId":7,"QueueNumber":"many"}]}}`},
		{RawBody: strings.Repeat(" ", 1<<20) + "{}"},
	}
	f := kinds[s.rng.IntN(len(kinds))]
	f.Target = []ecssim.Target{ecssim.TargetECS, ecssim.TargetECS, ecssim.TargetMetadata, ecssim.TargetToken}[s.rng.IntN(4)]
	if f.Target != ecssim.TargetECS {
		f.Code = ""
	}
	f.Remaining = s.rng.IntN(4)
	s.cloud.SetFaults(append(s.cloud.Faults(), f)...)
	return s.cloud.ClearFaults
}

// agentTroubles are what happens to the daemons themselves. Only the second of them is
// killed: the first is to live through it all.
func agentTroubles() []trouble {
	return []trouble{
		{name: "reload", weight: 6, begin: reload},
		{name: "SIGHUP", weight: 4, begin: func(s *soak) func() { s.either().signal(syscall.SIGHUP); return nil }},
		{name: "killed", weight: 3, begin: func(s *soak) func() { s.restart(syscall.SIGKILL); return nil }},
		{name: "terminated", weight: 2, begin: func(s *soak) func() { s.restart(syscall.SIGTERM); return nil }},
		{name: "stopped", weight: 3, once: true, begin: func(s *soak) func() {
			d := s.either()
			d.signal(syscall.SIGSTOP)
			return func() { d.signal(syscall.SIGCONT) }
		}},
		{name: "command", weight: 4, begin: func(s *soak) func() {
			args := [][]string{{"apply"}, {"plan", "--offline"}, {"status"}, {"refresh"}, {"doctor", "--rivals"}, {"apply", "--offline"}}
			return s.command(s.second, args[s.rng.IntN(len(args))]...)
		}},
		{name: "scrapes", weight: 8, begin: scrapes},
		{name: "slow clients", weight: 3, begin: slowClients},
		{name: "state folder", weight: 3, once: true, begin: func(s *soak) func() {
			d := s.either()
			d.breakState(s.rng.IntN(2) == 0)
			return d.mendState
		}},
	}
}

// reload gives both daemons another configuration, which may be broken.
func reload(s *soak) func() {
	texts := []string{
		baseline, baseline,
		strings.Replace(baseline, "resync_interval: 5s", "resync_interval: 1s", 1),
		strings.Replace(baseline, "mode: enforce", "mode: observe", 1),
		strings.Replace(baseline, "burst: 20, per: 2s", "burst: 2, per: 1s", 1),
		baseline + "nics: [{match: {device: \"eth1\"}, queues: 3}, {match: {device: \"ens*\"}, queues: max}]\n",
		baseline + "nics: [{match: {eni: eni-soak2}, manage: false}]\n",
		strings.Replace(baseline, "timeout: 2s", "timeout: 1s", 1),
		"reconcile: {mode: maybe}\n", "nonsense", "web: {}\n", "nics: [",
	}
	text := texts[s.rng.IntN(len(texts))]
	for _, d := range []*daemon{s.first, s.second} {
		d.configure(text)
		d.signal(syscall.SIGHUP)
	}
	return func() {
		for _, d := range []*daemon{s.first, s.second} {
			d.configure(baseline)
			d.signal(syscall.SIGHUP)
		}
	}
}

// scrapes asks for pages; a daemon that is stopped or has just been killed answers none.
func scrapes(s *soak) func() {
	if s.ongoing["stopped"] {
		return nil
	}
	accepts := []string{"", "application/openmetrics-text;version=1.0.0", "text/html",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"}
	for range 1 + s.rng.IntN(10) {
		path := []string{"/metrics", "/metrics", "/", "/status", "/healthz", "/nowhere"}[s.rng.IntN(6)]
		_, _, _ = s.either().get(path, accepts[s.rng.IntN(len(accepts))])
	}
	return nil
}

// slowClients connect, ask by half or wholly, and read nothing.
func slowClients(s *soak) func() {
	var clients []net.Conn
	text := []string{"", "GET /met", "GET /metrics HTTP/1.1\r\nHost: x\r\n", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"}[s.rng.IntN(4)]
	address := fmt.Sprintf("127.0.0.1:%d", s.either().port)
	for range 1 + s.rng.IntN(30) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			continue // it may be starting
		}
		_, _ = c.Write([]byte(text))
		clients = append(clients, c)
	}
	return func() {
		for _, c := range clients {
			_ = c.Close()
		}
	}
}

// logTail is the end of a daemon's log.
func logTail(d *daemon) string {
	text, err := os.ReadFile(d.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-16<<10):])
}
