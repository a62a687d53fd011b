package nic

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

func TestReadingOfQueues(t *testing.T) {
	tests := []struct {
		name     string
		channels Channels
		want     Reading
		err      error
	}{
		{name: "combined", channels: Channels{Max: ChannelCounts{Combined: 8}, Current: ChannelCounts{Combined: 2}},
			want: Reading{Current: 2, Highest: 2, Max: 8}},
		{name: "other is not counted", channels: Channels{Max: ChannelCounts{Combined: 8, Other: 1}, Current: ChannelCounts{Combined: 2, Other: 1}},
			want: Reading{Current: 2, Highest: 2, Max: 8}},
		{name: "separate and even", channels: Channels{Max: ChannelCounts{RX: 8, TX: 8}, Current: ChannelCounts{RX: 4, TX: 4}},
			want: Reading{Current: 4, Highest: 4, Max: 8}},
		{name: "separate and uneven counts the scarcer direction", channels: Channels{Max: ChannelCounts{RX: 16, TX: 8}, Current: ChannelCounts{RX: 4, TX: 1}},
			want: Reading{Current: 1, Highest: 4, Max: 8}},
		{name: "a driver with both models in separate mode", channels: Channels{Max: ChannelCounts{RX: 8, TX: 8, Combined: 8}, Current: ChannelCounts{RX: 2, TX: 2}},
			want: Reading{Current: 2, Highest: 2, Max: 8}},
		{name: "a driver with both models in combined mode", channels: Channels{Max: ChannelCounts{RX: 8, TX: 8, Combined: 8}, Current: ChannelCounts{Combined: 3}},
			want: Reading{Current: 3, Highest: 3, Max: 8}},
		{name: "no channels at all", err: ErrUnsupported},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := State{Channels: tt.channels}.Reading(Queues)
			if !errors.Is(got.Err, tt.err) {
				t.Fatalf("error %v, want %v", got.Err, tt.err)
			}
			got.Err = nil
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestChangeKeepsWhatItDoesNotConcern(t *testing.T) {
	tests := []struct {
		name     string
		change   Change
		channels Channels
		want     ChannelCounts
	}{
		{"combined", Change{Queues, 4, true}, Channels{Max: ChannelCounts{Combined: 8}, Current: ChannelCounts{Combined: 1, Other: 1}}, ChannelCounts{Combined: 4, Other: 1}},
		{"both directions", Change{Queues, 4, true}, Channels{Max: ChannelCounts{RX: 8, TX: 8}, Current: ChannelCounts{RX: 1, TX: 1}}, ChannelCounts{RX: 4, TX: 4}},
		{"raising one direction does not lower the other", Change{Queues, 4, true}, Channels{Max: ChannelCounts{RX: 8, TX: 8}, Current: ChannelCounts{RX: 8, TX: 1}}, ChannelCounts{RX: 8, TX: 4}},
		{"lowering where allowed", Change{Queues, 4, false}, Channels{Max: ChannelCounts{RX: 8, TX: 8}, Current: ChannelCounts{RX: 8, TX: 1}}, ChannelCounts{RX: 4, TX: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if d := cmp.Diff(tt.want, tt.change.channels(tt.channels)); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	if got, want := (Change{TxRing, 512, true}).rings(RingSizes{256, 128}), (RingSizes{256, 512}); got != want {
		t.Errorf("tx ring change gave %+v, want %+v", got, want)
	}
}

func TestErrorKindsAreKeptApart(t *testing.T) {
	kinds := []error{ErrGone, ErrUnsupported, ErrDenied, ErrBusy, ErrInvalid}
	tests := map[unix.Errno]error{
		unix.ENODEV: ErrGone, unix.EOPNOTSUPP: ErrUnsupported, unix.EPERM: ErrDenied, unix.EACCES: ErrDenied,
		unix.EBUSY: ErrBusy, unix.EAGAIN: ErrBusy, unix.EINVAL: ErrInvalid, unix.ERANGE: ErrInvalid,
	}
	for errno, want := range tests {
		err := fmt.Errorf("wrapped: %w", newError("eth1", "set channels", errno))
		for _, kind := range kinds {
			if got := errors.Is(err, kind); got != errors.Is(want, kind) {
				t.Errorf("errors.Is(%v, %v) = %v", errno, kind, got)
			}
		}
		if !errors.Is(err, errno) {
			t.Errorf("%v does not match its errno", err)
		}
	}
	got := newError("eth1", "set channels", unix.EBUSY).Error()
	if want := "eth1: set channels: device or resource busy (EBUSY)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPermanentAddressIsPadded(t *testing.T) {
	for in, want := range map[string]string{
		"0:16:3e:0:1:a": "00:16:3e:00:01:0a", "00:16:3e:00:01:0a": "00:16:3e:00:01:0a",
		"": "", "0:16:3e": "", "0:16:3e:0:1:xyz": "",
	} {
		if got := normalizePermAddr(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestSettingNamesSurviveTextAndBack(t *testing.T) {
	for _, s := range Settings() {
		var back Setting
		if text, _ := s.MarshalText(); back.UnmarshalText(text) != nil || back != s {
			t.Errorf("%v came back as %v", s, back)
		}
	}
	var s Setting
	if err := s.UnmarshalText([]byte("irq")); err == nil || s != 0 {
		t.Errorf("an unknown setting gave %v, %v", s, err)
	}
}
