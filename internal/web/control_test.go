package web

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

func TestARefreshIsAskedForOverTheSocketOnly(t *testing.T) {
	asked := 0
	o := options()
	o.SocketPath = filepath.Join(t.TempDir(), "sock")
	o.Refresh = func() { asked++ }
	addr := start(t, o)
	client := unixClient(t, o.SocketPath)

	resp, body := fetch(t, client, "POST", "http://unix"+RefreshPath)
	if resp.StatusCode != http.StatusAccepted || asked != 1 {
		t.Errorf("got %s %q, asked %d times", resp.Status, body, asked)
	}
	if resp, _ := fetch(t, client, "GET", "http://unix"+RefreshPath); resp.StatusCode == http.StatusOK || asked != 1 {
		t.Errorf("GET: %s, asked %d times", resp.Status, asked)
	}
	if resp, _ := fetch(t, http.DefaultClient, "POST", "http://"+addr+RefreshPath); resp.StatusCode != http.StatusNotFound || asked != 1 {
		t.Errorf("over TCP: %s, asked %d times", resp.Status, asked)
	}
	if _, body := fetch(t, client, "GET", "http://unix/status"); body != document {
		t.Errorf("the status beside it: %q", body)
	}
}

func TestAServerThatHasNothingToRefreshDoesNotOfferIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	start(t, socketOptions(path))
	if resp, _ := fetch(t, unixClient(t, path), "POST", "http://unix"+RefreshPath); resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %s", resp.Status)
	}
}

func TestWhoMayAskForARefresh(t *testing.T) {
	const own, other = 997, 1000
	for uid, want := range map[uint32]bool{0: true, own: true, other: false} {
		if got := (Peer{UID: uid}).mayAsk(own); got != want {
			t.Errorf("uid %d: %v, want %v", uid, got, want)
		}
	}
}

func TestBothEndsOfASocketKnowEachOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := peerListener{l}.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	want := Peer{PID: int32(os.Getpid()), UID: uint32(os.Geteuid())}
	if got, ok := server.RemoteAddr().(peerAddr); !ok || got.Peer != want {
		t.Errorf("the server sees %v, want %v", server.RemoteAddr(), want)
	}
	if got, err := PeerOf(client); err != nil || got != want {
		t.Errorf("the client sees %v, %v, want %v", got, err, want)
	}
}
