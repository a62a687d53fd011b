package doctor

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"path"
	"strconv"
	"strings"
)

// ReadListeners lists the TCP sockets that listen in this network namespace,
// from /proc/self/net/tcp and tcp6. A kernel without IPv6 has no tcp6.
func ReadListeners(root fs.FS) ([]Listener, error) {
	var all []Listener
	for _, name := range []string{"proc/self/net/tcp", "proc/self/net/tcp6"} {
		data, err := readFile(root, name)
		if errors.Is(err, fs.ErrNotExist) && strings.HasSuffix(name, "6") {
			continue
		}
		if err != nil {
			return nil, err
		}
		list, err := parseListeners(string(data))
		if err != nil {
			return nil, fmt.Errorf("/%s: %w", name, err)
		}
		all = append(all, list...)
	}
	return all, nil
}

// parseListeners reads the kernel's table of sockets (proc_net(5), "tcp"): after
// a heading one line each, of which fields 1, 3, 7 and 9 (from 0) are the local
// address, the state, the owner and the inode.
func parseListeners(table string) ([]Listener, error) {
	const listening = "0A" // TCP_LISTEN
	var list []Listener
	heading := true
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if heading || len(fields) == 0 {
			heading = false
			continue
		}
		if len(fields) < 10 {
			return nil, fmt.Errorf("a line of %d fields, want at least 10", len(fields))
		}
		if fields[3] != listening {
			continue
		}
		address, err := parseSocketAddress(fields[1])
		if err != nil {
			return nil, err
		}
		uid, err := strconv.ParseUint(fields[7], 10, 32)
		if err != nil {
			return nil, fmt.Errorf("uid: %w", err)
		}
		inode, err := strconv.ParseUint(fields[9], 10, 64)
		if err != nil {
			return nil, fmt.Errorf("inode: %w", err)
		}
		list = append(list, Listener{address, uint32(uid), inode})
	}
	return list, nil
}

// parseSocketAddress reads 0100007F:2748: 32-bit words in the machine's order,
// and the port.
func parseSocketAddress(text string) (netip.AddrPort, error) {
	host, portText, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	if err != nil || len(raw) != 4 && len(raw) != 16 {
		return netip.AddrPort{}, fmt.Errorf("address %q: want 8 or 32 hexadecimal digits", host)
	}
	for word := raw; len(word) > 0; word = word[4:] {
		binary.BigEndian.PutUint32(word, binary.NativeEndian.Uint32(word))
	}
	port, err := strconv.ParseUint(portText, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port: %w", err)
	}
	addr, _ := netip.AddrFromSlice(raw) // of 4 or 16 bytes, see above
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}

// ReadSockets lists the inodes of a process's sockets; nil if this process may
// not see them.
func ReadSockets(root fs.FS, pid int) map[uint64]bool {
	dir := path.Join("proc", strconv.Itoa(pid), "fd")
	entries, err := fs.ReadDir(root, dir)
	if err != nil {
		return nil
	}
	sockets := map[uint64]bool{}
	for _, e := range entries {
		target, err := fs.ReadLink(root, path.Join(dir, e.Name()))
		if err != nil {
			continue // closed meanwhile
		}
		number, ok := strings.CutPrefix(strings.TrimSuffix(target, "]"), "socket:[")
		if inode, err := strconv.ParseUint(number, 10, 64); ok && err == nil {
			sockets[inode] = true
		}
	}
	return sockets
}

func checkListen(f Facts) []Finding {
	a := f.Agent
	if a.ListeningErr != nil {
		return one(CheckListen, Note, "not tested: "+a.ListeningErr.Error(), "")
	}
	var found []Finding
	for _, address := range a.Listen {
		found = append(found, listenFinding(a, address))
	}
	return found
}

func listenFinding(a Agent, address string) Finding {
	at := Finding{Check: CheckListen, Object: address}
	holder, taken := holderOf(a.Listening, address)
	switch {
	case !taken && a.Daemon != nil:
		at.Status, at.Message = Warn, "the daemon runs and does not listen here"
		at.Remedy = "if web.listen was changed: systemctl restart enitune; a socket unit of systemd takes the place of web.listen"
	case !taken:
		at.Status, at.Message = OK, "free"
	case a.Daemon == nil:
		at.Status, at.Message = Fail, fmt.Sprintf("another process (uid %d) listens on %s, so the daemon could not start", holder.UID, holder.Address)
		at.Remedy = "stop that one (ss -ltnp shows it), or choose another web.listen"
	case a.Daemon.Sockets[holder.Inode]:
		at.Status, at.Message = OK, "the daemon listens here"
	case a.Daemon.Sockets == nil && holder.UID == a.Daemon.UID:
		at.Status, at.Message = Note, "in use, it seems by the daemon; this user may not look closer"
		at.Remedy = "run `sudo enitune doctor` to be sure"
	default:
		at.Status, at.Message = Warn, fmt.Sprintf("a process (uid %d) that is not the daemon listens on %s", holder.UID, holder.Address)
		at.Remedy = "stop that one (ss -ltnp shows it), or choose another web.listen, before the daemon is started again"
	}
	return at
}

// holderOf finds the socket that keeps others from listening on host:port.
// Port 0 is never taken.
func holderOf(sockets []Listener, address string) (Listener, bool) {
	host, portText, err := net.SplitHostPort(address)
	port, portErr := strconv.ParseUint(portText, 10, 16)
	if err != nil || portErr != nil || port == 0 {
		return Listener{}, false
	}
	wanted, err := netip.ParseAddr(host)
	for _, s := range sockets {
		if uint64(s.Address.Port()) != port {
			continue
		}
		// A name or no host at all stands for any address.
		if err != nil || wanted.IsUnspecified() || s.Address.Addr().IsUnspecified() || s.Address.Addr() == wanted.Unmap() {
			return s, true
		}
	}
	return Listener{}, false
}
