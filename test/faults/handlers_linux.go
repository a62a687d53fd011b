package faults

import (
	"encoding/binary"
	"sync/atomic"

	"golang.org/x/sys/unix"
)

// Verdict is what becomes of a call. Pass, Refuse and Done make them.
type Verdict struct {
	pass  bool
	errno unix.Errno
}

// Pass leaves the call to the kernel.
func Pass() Verdict { return Verdict{pass: true} }

// Refuse answers the call with an error; 0 is success.
func Refuse(errno unix.Errno) Verdict { return Verdict{errno: errno} }

// Handler decides about a call. It may be called by several goroutines at once.
type Handler func(c *Call) Verdict

// Fail refuses, and nothing is done. A write that comes as a netlink message and is to fail with EINVAL is sent with a
// value that the kernel refuses in its own words, because such a message's error is a message too.
func Fail(errno unix.Errno) Handler {
	return func(c *Call) Verdict {
		if c.Netlink && errno == unix.EINVAL {
			return c.passSpoiled()
		}
		return Refuse(errno)
	}
}

// FailApplied refuses an ioctl that was done all the same, as drivers have been seen to. Netlink messages are let through.
func FailApplied(errno unix.Errno) Handler {
	return func(c *Call) Verdict {
		if c.Netlink {
			return c.Next()
		}
		c.Perform()
		return Refuse(errno)
	}
}

// Ignore accepts an ioctl and does nothing.
func Ignore() Handler { return func(*Call) Verdict { return Refuse(0) } }

// Before does something first: the program has decided, and the kernel has not yet done it.
func Before(do func()) Handler {
	return func(c *Call) Verdict { do(); return c.Next() }
}

// After does something between the kernel's answer to an ioctl and the program's next step.
func After(do func()) Handler {
	return func(c *Call) Verdict {
		errno := c.Perform()
		do()
		return c.answer(errno)
	}
}

// Times lets a handler have the first n calls that come to it, and no more.
func Times(n int, do Handler) Handler {
	var calls atomic.Int64
	return func(c *Call) Verdict {
		if calls.Add(1) > int64(n) {
			return c.Next()
		}
		return do(c)
	}
}

// Skip lets the first n calls that come to it pass by a handler.
func Skip(n int, do Handler) Handler {
	var calls atomic.Int64
	return func(c *Call) Verdict {
		if calls.Add(1) <= int64(n) {
			return c.Next()
		}
		return do(c)
	}
}

// Hang keeps the program in the system call until release is closed or the program is killed, and then goes on.
func Hang(release <-chan struct{}) Handler {
	return func(c *Call) Verdict {
		select {
		case <-release:
		case <-c.f.closing:
		}
		return c.Next()
	}
}

// HideFamily lets the look-up of ethtool's netlink family end as on a kernel that has none.
func HideFamily() Handler { return (*Call).passSpoiled }

// passSpoiled lets the kernel refuse.
func (c *Call) passSpoiled() Verdict {
	if err := c.spoil(); err != nil {
		c.f.t.Error(err)
	}
	return Pass()
}

// CloseSocket takes the socket of the call away from under the program: its file descriptor is another file from here
// on, which is no socket.
func CloseSocket() Handler {
	return func(c *Call) Verdict {
		if err := c.replace(); err != nil {
			c.f.t.Error(err)
		}
		return Pass()
	}
}

// LoseMessages throws away what waits on the socket of a Receive, and tells the program that it was lost, as an overflow
// does. Where nothing waits it lets the call through.
func LoseMessages() Handler {
	return func(c *Call) Verdict {
		n, err := c.drain()
		if err != nil {
			c.f.t.Error(err)
		}
		if n == 0 {
			return c.Next()
		}
		return Refuse(unix.ENOBUFS)
	}
}

// Channels is struct ethtool_channels.
type Channels struct {
	MaxRX, MaxTX, MaxOther, MaxCombined uint32
	RX, TX, Other, Combined             uint32
}

// Rings is struct ethtool_ringparam without mini and jumbo rings.
type Rings struct {
	MaxRX, MaxTX uint32
	RX, TX       uint32
}

// AnswerChannels changes what a GetChannels is answered.
func AnswerChannels(change func(*Channels)) Handler {
	return func(c *Call) Verdict {
		errno := c.Perform()
		if errno == 0 {
			channels := c.channels()
			change(&channels)
			c.put(0, channels.MaxRX, channels.MaxTX, channels.MaxOther, channels.MaxCombined, channels.RX, channels.TX, channels.Other, channels.Combined)
		}
		return c.answer(errno)
	}
}

// AnswerRings changes what a GetRings is answered.
func AnswerRings(change func(*Rings)) Handler {
	return func(c *Call) Verdict {
		errno := c.Perform()
		if errno == 0 {
			rings := c.rings32()
			change(&rings)
			c.putRings(rings)
		}
		return c.answer(errno)
	}
}

// answer ends a call whose Data is what the program is to get.
func (c *Call) answer(errno unix.Errno) Verdict {
	if errno == 0 {
		if err := c.deliver(); err != nil {
			return Refuse(unix.EFAULT) // it was killed meanwhile
		}
	}
	return Refuse(errno)
}

// word reads one of the structure's numbers; the first is the command.
func (c *Call) word(i int) uint32 { return binary.NativeEndian.Uint32(c.Data[4*i:]) }

// put writes numbers of the structure, from one on behind the command.
func (c *Call) put(from int, words ...uint32) {
	for i, w := range words {
		binary.NativeEndian.PutUint32(c.Data[4*(1+from+i):], w)
	}
}

func (c *Call) channels() Channels {
	return Channels{c.word(1), c.word(2), c.word(3), c.word(4), c.word(5), c.word(6), c.word(7), c.word(8)}
}

// rings32 skips the mini and jumbo rings, which lie between those of rx and tx.
func (c *Call) rings32() Rings { return Rings{c.word(1), c.word(4), c.word(5), c.word(8)} }

func (c *Call) putRings(r Rings) {
	c.put(0, r.MaxRX)
	c.put(3, r.MaxTX, r.RX)
	c.put(7, r.TX)
}
