//go:build netns

package cloud

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/net/dns/dnsmessage"
	"golang.org/x/sys/unix"

	"github.com/enitune/enitune/test/netns"
)

// names is the name server of an instance. It knows the address of every name.
type names struct {
	conn net.PacketConn

	mu     sync.Mutex
	answer func(*dnsmessage.Message, dnsmessage.Question) bool // false: no answer
}

// resolverFile is where a program finds its name server.
const resolverFile = "/etc/resolv.conf"

// useNames has all programs in this mount namespace ask the name server of the
// network namespace that they run in.
func useNames() error {
	dir, err := os.MkdirTemp("", "names-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) // the file stays as long as it is mounted
	file := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(file, []byte("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"), 0o644); err != nil {
		return err
	}
	if err := unix.Mount(file, resolverFile, "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("mount over %s: %w", resolverFile, err)
	}
	return nil
}

// newNames starts a name server that answers with address.
func newNames(t *testing.T, ns *netns.Namespace, address string) *names {
	t.Helper()
	n := &names{}
	var err error
	ns.Do(func() { n.conn, err = net.ListenPacket("udp", "127.0.0.1:53") })
	if err != nil {
		t.Fatal(err)
	}
	n.tell(answersA(address))
	var wg sync.WaitGroup
	wg.Go(n.serve)
	t.Cleanup(func() {
		_ = n.conn.Close()
		wg.Wait()
	})
	return n
}

// tell has all questions answered by f.
func (n *names) tell(f func(*dnsmessage.Message, dnsmessage.Question) bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answer = f
}

func (n *names) serve() {
	buf := make([]byte, 1500)
	for {
		size, from, err := n.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var m dnsmessage.Message
		if m.Unpack(buf[:size]) != nil || len(m.Questions) != 1 {
			continue
		}
		m.Response, m.Additionals = true, nil
		n.mu.Lock()
		answer := n.answer
		n.mu.Unlock()
		if !answer(&m, m.Questions[0]) {
			continue
		}
		if out, err := m.Pack(); err == nil {
			_, _ = n.conn.WriteTo(out, from)
		}
	}
}

// Ways to answer a question.

func answersA(address string) func(*dnsmessage.Message, dnsmessage.Question) bool {
	ip := [4]byte(net.ParseIP(address).To4())
	return func(m *dnsmessage.Message, q dnsmessage.Question) bool {
		if q.Type == dnsmessage.TypeA {
			head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0}
			m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AResource{A: ip}}}
		}
		return true
	}
}

func answersAAAA(address string) func(*dnsmessage.Message, dnsmessage.Question) bool {
	ip := [16]byte(net.ParseIP(address).To16())
	return func(m *dnsmessage.Message, q dnsmessage.Question) bool {
		if q.Type == dnsmessage.TypeAAAA {
			head := dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 0}
			m.Answers = []dnsmessage.Resource{{Header: head, Body: &dnsmessage.AAAAResource{AAAA: ip}}}
		}
		return true
	}
}

func refuses(code dnsmessage.RCode) func(*dnsmessage.Message, dnsmessage.Question) bool {
	return func(m *dnsmessage.Message, _ dnsmessage.Question) bool {
		m.RCode = code
		return true
	}
}

func ignores(*dnsmessage.Message, dnsmessage.Question) bool { return false }
