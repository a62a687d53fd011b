package web

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Peer is the process at the other end of a Unix socket, as the kernel noted it
// when the connection was made (SO_PEERCRED, unix(7)): for a server the one that
// connected, for a client the one that listens.
type Peer struct {
	PID int32  // in the reader's PID namespace; 0 for a process outside of it
	UID uint32 // effective, in the reader's user namespace
}

// PeerOf asks the kernel who is at the other end of a Unix socket.
func PeerOf(conn *net.UnixConn) (Peer, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return Peer{}, fmt.Errorf("peer of the socket: %w", err)
	}
	var cred *unix.Ucred
	var failure error
	if err := raw.Control(func(fd uintptr) {
		cred, failure = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
	}); err != nil {
		failure = err
	}
	if failure != nil {
		return Peer{}, fmt.Errorf("peer of the socket: %w", failure)
	}
	return Peer{PID: cred.Pid, UID: cred.Uid}, nil
}

// peerListener gives its connections the peer as their remote address: that of
// a client of a Unix socket has no name, and what wraps the connection further
// on passes the address through.
type peerListener struct{ net.Listener }

func (l peerListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	local, ok := conn.(*net.UnixConn)
	if !ok {
		return conn, nil
	}
	peer, err := PeerOf(local)
	if err != nil {
		return conn, nil // served as one who is nobody
	}
	return peerConn{conn, peer}, nil
}

type peerConn struct {
	net.Conn
	peer Peer
}

func (c peerConn) RemoteAddr() net.Addr { return peerAddr{c.peer} }

// peerAddr is a net.Addr.
type peerAddr struct{ Peer }

func (peerAddr) Network() string  { return "unix" }
func (a peerAddr) String() string { return fmt.Sprintf("pid %d uid %d", a.PID, a.UID) }

type peerKey struct{}

// withPeer is an http.Server's ConnContext.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	if addr, ok := conn.RemoteAddr().(peerAddr); ok {
		return context.WithValue(ctx, peerKey{}, addr.Peer)
	}
	return ctx
}

// peerOf is the peer of a request; ok is false over TCP.
func peerOf(ctx context.Context) (peer Peer, ok bool) {
	peer, ok = ctx.Value(peerKey{}).(Peer)
	return peer, ok
}
