package wire_test

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/enitune/enitune/test/guestinit/wire"
)

func TestAFrameHasTheDocumentedBytes(t *testing.T) {
	var buf bytes.Buffer
	if err := wire.NewConn(&buf).Send(wire.Request{ID: 7, Op: wire.ReadFile, Path: "/x"}); err != nil {
		t.Fatal(err)
	}
	want := "\x00\x00\x00\x24" + `{"id":7,"op":"readfile","path":"/x"}`
	if diff := cmp.Diff(want, buf.String()); diff != "" {
		t.Errorf("frame (-want +got):\n%s", diff)
	}
}

func TestFramesArriveAsTheyWereSent(t *testing.T) {
	sent := []wire.Event{
		{Kind: wire.Ready, Devices: map[string]string{"00:16:3e:00:00:01": "eth0"}},
		{ID: 1, Kind: wire.Output, Stream: 2, Data: []byte{0, 255, '\n'}},
		{ID: 1, Kind: wire.Exit, Code: 143},
		{ID: 2, Kind: wire.Done, Error: "no such file"},
	}
	conn := wire.NewConn(new(bytes.Buffer))
	for _, e := range sent {
		if err := conn.Send(e); err != nil {
			t.Fatal(err)
		}
	}
	var got []wire.Event
	for range sent {
		var e wire.Event
		if err := conn.Receive(&e); err != nil {
			t.Fatal(err)
		}
		got = append(got, e)
	}
	if diff := cmp.Diff(sent, got); diff != "" {
		t.Errorf("events (-sent +received):\n%s", diff)
	}
	if err := conn.Receive(new(wire.Event)); !errors.Is(err, io.EOF) {
		t.Errorf("at the end of the stream: %v, want io.EOF", err)
	}
}

func TestBrokenFramesAreErrors(t *testing.T) {
	for _, tt := range []struct {
		name, in string
		want     error
	}{
		{"cut in the header", "\x00\x00", io.ErrUnexpectedEOF},
		{"cut in the document", "\x00\x00\x00\x05{}", io.ErrUnexpectedEOF},
		{"empty", "\x00\x00\x00\x00", wire.ErrFrameSize},
		{"too long", "\xff\xff\xff\xff", wire.ErrFrameSize},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := wire.NewConn(bytes.NewBufferString(tt.in)).Receive(new(wire.Event))
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

func FuzzReceive(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x02{}"))
	f.Add([]byte("\x00\x00\x00\x1f" + `{"id":1,"kind":"exit","code":2}`))
	f.Add([]byte("\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		var first wire.Event
		if err := wire.NewConn(bytes.NewBuffer(in)).Receive(&first); err != nil {
			return
		}
		conn := wire.NewConn(new(bytes.Buffer))
		if err := conn.Send(first); err != nil {
			t.Fatal(err)
		}
		var second wire.Event
		if err := conn.Receive(&second); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(first, second); diff != "" {
			t.Errorf("an accepted event changes when it is sent on:\n%s", diff)
		}
	})
}
