package web

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// scrape is one request on a connection of its own.
func scrape(t *testing.T, addr string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestThousandsOfSilentConnectionsKeepNoScrapeOut(t *testing.T) {
	addr := start(t, options())
	conns := make([]net.Conn, 0, 4*maxConnections)
	for i := range cap(conns) {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			_, _ = io.WriteString(conn, "GET /metrics HTTP/1.1\r\nX-Slow: ")
		}
		conns = append(conns, conn)
		if i%maxConnections == 0 {
			if code := scrape(t, addr); code != http.StatusOK {
				t.Errorf("with %d connections open: %d", i, code)
			}
		}
	}
	for range 10 {
		if code := scrape(t, addr); code != http.StatusOK {
			t.Errorf("at the end: %d", code)
		}
	}
	// The first ones made room.
	if _, err := bufio.NewReader(conns[0]).ReadByte(); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the oldest connection: %v, want it closed", err)
	}
}

func TestAConnectionThatIsAnsweredMakesNoRoom(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	o := options()
	o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.RawQuery == "wait" {
			once.Do(func() { close(entered) })
			<-release
		}
		_, _ = io.WriteString(w, "enitune_drift 0\n")
	})
	addr := start(t, o)
	waiting, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close()
	_, _ = io.WriteString(waiting, "GET /metrics?wait HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	<-entered
	for range 2 * maxConnections {
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
	}
	if code := scrape(t, addr); code != http.StatusOK {
		t.Errorf("beside it: %d", code)
	}
	close(release)
	resp, err := http.ReadResponse(bufio.NewReader(waiting), nil)
	if err != nil {
		t.Fatalf("the one that was being answered: %v", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("got %s", resp.Status)
	}
}

func TestWhileAllAreAnsweredAFurtherConnectionIsClosed(t *testing.T) {
	inner, err := net.Listen("unix", filepath.Join(t.TempDir(), "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	l := newLimitListener(inner, 1)
	accepted := make(chan *limitedConn)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			accepted <- conn.(*limitedConn)
		}
	}()
	dialed := func() net.Conn { return dial(t, inner.Addr()) }
	first := dialed()
	done := (<-accepted).answer()
	if _, err := dialed().Read(make([]byte, 1)); err == nil {
		t.Error("the second one is not closed")
	}
	done()
	third := dialed()
	<-accepted
	if _, err := first.Read(make([]byte, 1)); err == nil {
		t.Error("the first one, answered, did not make room")
	}
	if err := third.SetReadDeadline(time.Now()); err != nil {
		t.Fatal(err)
	}
	if _, err := third.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the third one: %v, want it open", err)
	}
}

func TestAClosedConnectionLeavesItsPlace(t *testing.T) {
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	l := newLimitListener(inner, 2)
	for range 10 {
		conn := dial(t, inner.Addr())
		defer conn.Close()
		c, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if l.conns.Len() != 1 {
			t.Fatalf("%d places are taken", l.conns.Len())
		}
		_ = c.Close()
		if err := c.Close(); err == nil {
			t.Error("a second Close is no error")
		}
	}
	if l.conns.Len() != 0 {
		t.Errorf("%d places are taken at the end", l.conns.Len())
	}
}
